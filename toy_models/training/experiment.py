"""An experiment: a function from a configuration and a seed to numbers and tensors, found by its name.

``toy_models/<slug>.py`` registers its experiments with :func:`experiment`; a sweep runs them in other processes by
name, or by reference for a function of the user's own. The *code version* of an experiment is the hash of the syntax
tree of its module and of all that this imports from lemmata, so that a stored run knows whether it still counts.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from lemmata.kernels.source_hash import source_hash

Config = TypeVar("Config")
Scalar = int | float | bool | str


@dataclass(frozen=True)
class Outcome:
    """What one run leaves.

    Attributes
    ----------
    metrics : mapping of name to number or word
    tensors : mapping of name to tensor
        Weights, curves; stored as safetensors.
    """

    metrics: Mapping[str, Scalar]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment(Generic[Config]):
    """A named function of (configuration, seed).

    Attributes
    ----------
    name : str
        ``slug.word``.
    config : type
        A frozen dataclass whose defaults make the basic run.
    function : callable
        ``function(config, seed)`` gives an :class:`Outcome`; all of its randomness derives from the seed.
    """

    name: str
    config: type[Config]
    function: Callable[[Config, int], Outcome]

    @property
    def module(self) -> str:
        """Where its function is defined."""
        return self.function.__module__

    @property
    def doc(self) -> str:
        """The first line of its docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    def code_version(self) -> str:
        """Hash of the code that a run executes."""
        return source_hash(self.module)

    def configure(self, changes: Mapping[str, Any]) -> Config:
        """The configuration with some fields changed; numbers are taken as whole or not as the default is.

        Raises
        ------
        ValueError
            For a field that the configuration does not have (with a near miss), or a value of another type.
        """
        fields = {item.name: item for item in dataclasses.fields(self.config)}  # type: ignore[arg-type]
        basic = self.config()
        values = {}
        for name, value in changes.items():
            if name not in fields:
                near = difflib.get_close_matches(name, list(fields), n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]!r}?" if near else f"; fields: {', '.join(fields)}"
                raise ValueError(f"{self.name} has no field {name!r}{hint}")
            values[name] = _as_type_of(getattr(basic, name), value, f"{self.name}, field {name!r}")
        return dataclasses.replace(basic, **values)  # type: ignore[type-var]

    def run(self, config: Config, seed: int) -> Outcome:
        """Execute one run, with one torch thread so that its bits do not depend on the machine's cores."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self.function(config, seed)
        finally:
            torch.set_num_threads(threads)


_EXPERIMENTS: dict[str, Experiment[Any]] = {}


def experiment(name: str, config: type[Config]) -> Callable[[Callable[[Config, int], Outcome]], Experiment[Config]]:
    """Register the decorated ``function(config, seed)`` as the experiment `name`.

    Raises
    ------
    ValueError
        If the name is taken by another function, or `config` is not a dataclass.
    """
    if not dataclasses.is_dataclass(config):
        raise ValueError(f"experiment {name!r}: its configuration {config!r} is not a dataclass")

    def register(function: Callable[[Config, int], Outcome]) -> Experiment[Config]:
        known = _EXPERIMENTS.get(name)
        if known is not None and (known.module, known.function.__qualname__) != (
            function.__module__,
            function.__qualname__,
        ):
            raise ValueError(f"experiment {name!r} is registered already, by {known.module}")
        _EXPERIMENTS[name] = Experiment(name, config, function)
        return _EXPERIMENTS[name]

    return register


def experiments() -> dict[str, Experiment[Any]]:
    """Every experiment of the toy models, by name."""
    import lemmata.toy_models as folder

    for module in pkgutil.iter_modules(folder.__path__):
        if module.name not in ("training", "hooked"):
            importlib.import_module(f"lemmata.toy_models.{module.name}")
    return dict(sorted(_EXPERIMENTS.items()))


def find(name: str) -> Experiment[Any]:
    """One experiment by name; ValueError with a near miss if there is none."""
    known = _EXPERIMENTS if name in _EXPERIMENTS else experiments()
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else f"; experiments: {', '.join(known)}"
        raise ValueError(f"unknown experiment {name!r}{hint}")
    return known[name]


def grid(axes: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values of `axes`, the last axis fastest; ValueError for an axis without values."""
    from itertools import product

    for name, values in axes.items():
        if not values:
            raise ValueError(f"axis {name!r} has no values")
    return (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))


def _as_type_of(default: Any, value: Any, where: str) -> Any:
    """`value` as the type of `default`; words (from a command line) are read."""
    kind = type(default)
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if kind is bool and isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    try:
        if kind is bool and isinstance(value, bool):
            return value
        if kind is int and not isinstance(value, bool) and float(value) == int(float(value)):
            return int(float(value))
        if kind is float and not isinstance(value, bool):
            return float(value)
        if kind is str and isinstance(value, str):
            return value
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"{where}: {value!r} is not a {'whole number' if kind is int else kind.__name__}")
