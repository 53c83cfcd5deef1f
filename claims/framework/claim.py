"""What a claim consists of. Data only; the registry validates it, the runner executes it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lemmata.claims.framework.evidence import Evidence

Check = Callable[..., Iterable[Evidence]]


class Kind(StrEnum):
    """How a claim is checked."""

    EXACT = "exact"
    SYMBOLIC = "symbolic"
    EXHAUSTIVE = "exhaustive"
    ENCLOSED = "enclosed"
    PROPERTY = "property"
    NUMERIC = "numeric"
    STATISTICAL = "statistical"
    TRAINED = "trained"
    MEASURED = "measured"


class Cost(StrEnum):
    """How long a claim with its controls may take on two cores."""

    QUICK = "quick"
    STANDARD = "standard"
    LONG = "long"

    @property
    def seconds(self) -> float:
        """The budget."""
        return {"quick": 2.0, "standard": 20.0, "long": 180.0}[self.value]

    @property
    def tiers(self) -> tuple[Cost, ...]:
        """This cost and the cheaper ones: ``--cost`` is cumulative."""
        order = tuple(Cost)
        return order[: order.index(self) + 1]


@dataclass(frozen=True)
class Control:
    """The same check on a case where the claim must fail.

    Attributes
    ----------
    description : str
        The departure: one index, sign, cell.
    changes : mapping
        Keyword arguments of the check that make it.
    literal : bool
        Whether this is the paper's own wrong statement; a claim with a correction needs one such control.
    """

    description: str
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    literal: bool = False


@dataclass(frozen=True)
class Correction:
    """An erratum: what the paper says and what is true, both with TeX between dollar signs."""

    paper_says: str
    true_is: str

    def __post_init__(self) -> None:
        for name in ("paper_says", "true_is"):
            object.__setattr__(self, name, " ".join(getattr(self, name).split()))  # line breaks of the source code


@dataclass(frozen=True)
class Claim:
    """One assertion of a paper and how it is checked; made by :meth:`lemmata.claims.framework.Paper.claim`.

    Attributes
    ----------
    id : str
        ``slug.name``.
    paper : str
        The slug.
    source : str
        Where the paper says it, ``"Theorem 3.1"``.
    cite : str
        Its key in references.bib; the slug unless a paper's page covers two papers.
    statement : str
        One or two sentences with TeX between dollar signs.
    kind, cost
        See :class:`Kind`, :class:`Cost`.
    rows : tuple of str
        Rows of the paper's sheet that it covers.
    needs : frozenset of str
        What its worker must offer: ``"compiler"`` for Triton's compiler; without it, workers on a machine without a
        GPU use Triton's interpreter.
    operation : str or None
        For kind `measured`: the kernel folder (``"softmax"``) that holds its record.
    check : callable
        ``check(trial, **changes)`` yields :class:`Evidence`; for `measured` claims ``check(trial, values, **changes)``.
    controls : tuple of Control
    correction : Correction or None
    """

    id: str
    paper: str
    source: str
    cite: str
    statement: str
    kind: Kind
    cost: Cost
    rows: tuple[str, ...]
    needs: frozenset[str]
    operation: str | None
    check: Check = field(repr=False)
    controls: tuple[Control, ...] = ()
    correction: Correction | None = None

    @property
    def method(self) -> str:
        """How it is checked: the docstring of the check."""
        return inspect.getdoc(self.check) or ""
