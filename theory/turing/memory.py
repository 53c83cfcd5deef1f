"""A memory whose fields carry their widths, so that a program's space is counted and not claimed.

A field of w bits holds the whole numbers of w bits and refuses any other value; there are no fields but those
declared, and the meter adds their widths.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, no_type_check


def bits_for(count: int) -> int:
    """``⌈log2 count⌉``: the bits of a number from 0 to count − 1."""
    return (count - 1).bit_length()


@dataclass(frozen=True)
class Field:
    """A field of a memory: `width` bits a cell, two's complement if `signed`, one cell or an array of shape `shape`."""

    width: int
    signed: bool = False
    shape: tuple[int, ...] = ()

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the largest value that fit."""
        if self.signed:
            return -(2 ** (self.width - 1)), 2 ** (self.width - 1) - 1
        return 0, 2**self.width - 1

    @property
    def bits(self) -> int:
        """Of all its cells."""
        return self.width * math.prod(self.shape)

    def refuse(self, name: str, value: object) -> OverflowError:
        """The error for a value that does not fit."""
        low, high = self.limits
        return OverflowError(
            f"{name} = {value!r} does not fit into {self.width} bits, the whole numbers {low} … {high}"
        )


class Cells:
    """The array of a field: a fixed number of cells, each of which refuses what does not fit."""

    __slots__ = ("_field", "_high", "_low", "_name", "_values")

    def __init__(self, name: str, field: Field) -> None:
        self._name, self._field = name, field
        self._low, self._high = field.limits
        places: Iterable[Any] = range(field.shape[0])
        if len(field.shape) == 2:
            places = [(row, column) for row in range(field.shape[0]) for column in range(field.shape[1])]
        self._values = dict.fromkeys(places, 0)

    @no_type_check
    def __getitem__(self, place: int | tuple[int, int]) -> int:
        return self._values[place]

    @no_type_check
    def __setitem__(self, place: int | tuple[int, int], value: int) -> None:
        if place not in self._values:
            raise IndexError(f"{self._name} has no cell {place}")
        if type(value) is not int or not self._low <= value <= self._high:
            raise self._field.refuse(f"{self._name}[{place}]", value)
        self._values[place] = value


class Memory:
    """Numbers of declared widths, and nothing else.

    Setting a field to a value that does not fit, or a field that was not declared, is refused; arrays cannot be
    replaced, only their cells set. All cells start at 0.

    Raises
    ------
    OverflowError
        When a value is not a whole number of the field's width.
    AttributeError
        When a field is not declared, or is an array.
    """

    _fields: Mapping[str, Field]

    def __init__(self, fields: Mapping[str, Field]) -> None:
        set_attribute = object.__setattr__
        set_attribute(self, "_fields", dict(fields))
        set_attribute(self, "_limits", {name: field.limits for name, field in fields.items() if not field.shape})
        for name, field in fields.items():
            set_attribute(self, name, Cells(name, field) if field.shape else 0)

    def __getattr__(self, name: str) -> Any:
        # Reached only where the field is missing; for mypy, the declaration that any name may be a field.
        raise AttributeError(f"the memory has no field {name!r}")

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: int) -> None: ...

    else:

        @no_type_check
        def __setattr__(self, name, value):
            limits = self._limits.get(name)
            if limits is None:
                raise AttributeError(f"the memory has no scalar field {name!r}")
            if type(value) is not int or not limits[0] <= value <= limits[1]:
                raise self._fields[name].refuse(name, value)
            object.__setattr__(self, name, value)

    @property
    def bits(self) -> int:
        """The meter: the bits of all fields."""
        return sum(field.bits for field in self._fields.values())
