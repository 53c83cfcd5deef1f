"""Queue sizes, track numbers and cell codes of the multi-queue machine.

A tape is two stacks, a stack is k' levels, and level i = 1..k' has three rings: two *halves* of ``B^i`` cells and a
*timing ring* of ``B^i − B^(i−1)`` bits, where ``B = ⌈s^(1/k')⌉ ≥ 2``. That makes K = 6k' queues; queue number q is also
the token's track q and the transformer's head q.

A cell of a half is a symbol (or the dummy, "nothing here") and the *origin flag*, set on the cell with offset 0 only.
A cell of a timing ring is one bit.

References
----------
turing sheet, section 5.2; Theorem 2 of the second paper for the number of queues, 6kk' for k tapes.
"""

from __future__ import annotations

from dataclasses import dataclass

LEFT, RIGHT = 0, 1
"""The two stacks: the cells to the left and to the right of the head, the nearest on top."""

TIMING = 2
"""Third ring of a level, after halves 0 and 1."""

DUMMY = 0
"""Value of a free cell of a half; tape symbol a has value a + 1."""


def cell(value: int, origin: int) -> int:
    """Code of a half's cell: `value` is DUMMY or a symbol's index plus one, `origin` is the origin flag."""
    return 2 * value + origin


def value_of(code: int) -> int:
    """DUMMY, or the index of the cell's symbol plus one."""
    return code >> 1


def origin_of(code: int) -> int:
    """The cell's origin flag, 0 or 1."""
    return code & 1


def track(stack: int, level: int, ring: int, levels: int) -> int:
    """Number of a queue, in 0..6·levels − 1; `level` counts from 1, `ring` is 0, 1 (halves) or TIMING."""
    return 3 * (stack * levels + level - 1) + ring


def base_for(space: int, levels: int) -> int:
    """``B``, the smallest integer ≥ 2 with ``B^levels ≥ space``, in integer arithmetic."""
    check_levels(levels)
    if space < 1:
        raise ValueError(f"space {space} is not a number of tape cells; at least 1")
    low, high = 2, max(2, space)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**levels >= space else (middle + 1, high)
    return low


def check_levels(levels: int) -> None:
    """ValueError unless there is at least one level."""
    if levels < 1:
        raise ValueError(f"levels {levels} is too small; a stack needs at least 1 level")


@dataclass(frozen=True)
class Layout:
    """The sizes of all queues. The finite control does not depend on them.

    Attributes
    ----------
    levels : int
        k', levels of a stack.
    base : int
        B, ratio of the sizes of successive levels.
    sizes : tuple of int
        Number of cells of each queue, by track; all of them stay constant for the whole run.
    """

    levels: int
    base: int
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, levels: int, base: int) -> Layout:
        """The layout with k' = `levels` and B = `base`; ValueError unless ``levels >= 1`` and ``base >= 2``."""
        check_levels(levels)
        if base < 2:
            raise ValueError(f"base {base} is too small; a timing ring has B^i − B^(i−1) cells, so at least 2")
        stack = [
            base**i - (base ** (i - 1) if ring == TIMING else 0) for i in range(1, levels + 1) for ring in range(3)
        ]
        return cls(levels, base, (*stack, *stack))

    @classmethod
    def for_space(cls, space: int, levels: int) -> Layout:
        """The smallest layout for `space` tape cells: ``B = ⌈space^(1/levels)⌉``, at least 2."""
        return cls.of(levels, base_for(space, levels))

    @property
    def queues(self) -> int:
        """K = 6k', the number of queues, tracks and heads."""
        return len(self.sizes)

    @property
    def window(self) -> int:
        """Size of the largest queue, ``B^k'``: the tokens a decoder must see."""
        return max(self.sizes)

    @property
    def cells(self) -> int:
        """Cells of all queues together, ``2 Σ_i (3B^i − B^(i−1))``."""
        return sum(self.sizes)

    @property
    def capacity(self) -> int:
        """Symbols that each stack is sure to hold: both halves of the last level."""
        return 2 * int(self.base**self.levels)

    @property
    def distances(self) -> tuple[int, ...]:
        """``m_q − 1``, how far back the token lies whose track q is popped next (0 is the newest token), by track."""
        return tuple(size - 1 for size in self.sizes)
