r"""Do strict linear inequalities ``g_i·x + h_i > 0`` have a common solution? Decided exactly, with a certificate.

Either there is a point, or (Gordan, Motzkin) multipliers ``y ≥ 0, y ≠ 0`` with ``Σ y_i g_i = 0`` and ``Σ y_i h_i ≤ 0``.
The simplex method on ``max t ≤ 1, g_i·x + h_i ≥ t`` in Fractions gives one or the other; what it gives is then
verified, so that no result rests on the simplex code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Row = Sequence[Fraction | int]


@dataclass(frozen=True)
class Decision:
    """A verified answer: `point` if there is a solution, otherwise `multipliers`.

    Attributes
    ----------
    point : tuple of Fraction or None
    multipliers : tuple of Fraction or None
        One a row.
    """

    point: tuple[Fraction, ...] | None = None
    multipliers: tuple[Fraction, ...] | None = None

    @property
    def feasible(self) -> bool:
        """Whether there is a solution."""
        return self.point is not None


def decide(rows: Sequence[Row]) -> Decision:
    """Find a point of the open polyhedron ``{x : g·x + h > 0 for each row (g, h)}``, or prove that it is empty.

    Parameters
    ----------
    rows : sequence of rational vectors
        ``(g_1, …, g_d, h)``; at least one, all of the same length.

    Raises
    ------
    ValueError
        Without a row, or for rows of different lengths.
    ArithmeticError
        If the certificate does not verify (a bug in the simplex method).
    """
    if not rows or len({len(row) for row in rows}) != 1:
        raise ValueError(f"{len(rows)} rows of lengths {sorted({len(row) for row in rows})} are not a system")
    exact = [[Fraction(entry) for entry in row] for row in rows]
    point, multipliers = _simplex(exact)
    if verifies_point(rows, point):
        return Decision(point=tuple(point))
    if verifies_multipliers(rows, multipliers):
        return Decision(multipliers=tuple(multipliers))
    raise ArithmeticError("neither the point nor the multipliers verify")


def verifies_point(rows: Sequence[Row], point: Sequence[Fraction]) -> bool:
    """Whether the point solves every strict inequality."""
    values = (sum((g * x for g, x in zip(row, point, strict=False)), Fraction(row[-1])) for row in rows)
    return all(value > 0 for value in values)


def verifies_multipliers(rows: Sequence[Row], multipliers: Sequence[Fraction]) -> bool:
    """Whether the multipliers prove that no point solves every strict inequality."""
    combined = [Fraction(0)] * len(rows[0])
    for y, row in zip(multipliers, rows, strict=True):
        if y:
            combined = [total + y * entry for total, entry in zip(combined, row, strict=True)]
    return min(multipliers) >= 0 and max(multipliers) > 0 and not any(combined[:-1]) and combined[-1] <= 0


def _simplex(rows: list[list[Fraction]]) -> tuple[list[Fraction], list[Fraction]]:
    """``max t`` from the vertex ``x = 0, t = min(h, 1)``, with Bland's rule; returns x and the multipliers."""
    dimension, zero, one = len(rows[0]) - 1, Fraction(0), Fraction(1)
    start = min([one, *(row[-1] for row in rows)])
    # Columns: x⁺, x⁻, t − start, a slack a row, the right-hand side. The last row is t ≤ 1.
    systems = [(*row[:-1], one, row[-1] - start) for row in rows] + [(*[zero] * dimension, one, one - start)]
    count = len(systems)
    table = [
        [-g for g in system[:-2]]
        + list(system[:-2])
        + [one]
        + [one if i == k else zero for k in range(count)]
        + [system[-1]]
        for i, system in enumerate(systems)
    ]
    objective = [zero] * (2 * dimension) + [-one] + [zero] * (count + 1)
    basis = [2 * dimension + 1 + i for i in range(count)]
    while (entering := next((j for j, cost in enumerate(objective[:-1]) if cost < 0), None)) is not None:
        ratios = [(row[-1] / row[entering], basis[i], i) for i, row in enumerate(table) if row[entering] > 0]
        *_, leaving = min(ratios)  # never empty: t ≤ 1 bounds the objective
        pivot = table[leaving][entering]
        table[leaving] = [entry and entry / pivot for entry in table[leaving]]
        filled = [(j, entry) for j, entry in enumerate(table[leaving]) if entry]  # most are 0
        for row in [*table[:leaving], *table[leaving + 1 :], objective]:
            if factor := row[entering]:
                for j, entry in filled:
                    row[j] -= factor * entry
        basis[leaving] = entering
    value = dict(zip(basis, (row[-1] for row in table), strict=True))
    point = [value.get(j, Fraction(0)) - value.get(dimension + j, Fraction(0)) for j in range(dimension)]
    return point, objective[2 * dimension + 1 : -2]
