"""The registry: papers, their claims, and what makes a claim unfit to be registered."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lemmata.claims.framework.claim import Check, Claim, Control, Correction, Cost, Kind
from lemmata.claims.framework.references import Reference, bibliography
from lemmata.claims.framework.statement import to_html, to_text

Member = TypeVar("Member", Kind, Cost)
NEEDS = frozenset({"compiler"})


@dataclass
class Paper:
    """A paper's page of claims: what ``claims/<slug>.py`` fills and exposes as ``PAPER``.

    Parameters
    ----------
    slug : str
        Its key in references.bib.
    rows : mapping
        Rows of the paper's sheet of checkable facts: id and what the row says, in a few words.
    planned : sequence of str
        Rows that have no claim yet. ``lemmata list --coverage`` shows them; a row is either claimed or planned.

    Raises
    ------
    ValueError
        If the slug is not in references.bib, or a planned row is not a row.
    """

    slug: str
    rows: Mapping[str, str]
    planned: Sequence[str] = ()
    claims: dict[str, Claim] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.slug not in bibliography():
            raise ValueError(f"paper {self.slug!r} is not in references.bib{suggestion(self.slug, bibliography())}")
        unknown = [row for row in self.planned if row not in self.rows]
        if unknown:
            raise ValueError(f"paper {self.slug!r}: planned row {unknown[0]!r} is not a row of its sheet")

    @property
    def reference(self) -> Reference:
        """Its entry in references.bib."""
        return bibliography()[self.slug]

    def claim(
        self,
        name: str,
        *,
        source: str,
        statement: str,
        kind: str,
        controls: Iterable[Control],
        cost: str = "quick",
        rows: Iterable[str] = (),
        cite: str | None = None,
        needs: Iterable[str] = (),
        operation: str | None = None,
        correction: Correction | None = None,
    ) -> Callable[[Check], Check]:
        """Register the decorated check as the claim ``slug.name``.

        The check's docstring says how it is checked and is shown to users. See :class:`Claim` for the parameters.

        Raises
        ------
        ValueError
            Without a control, a docstring, a source or a statement; for a duplicate id; a `cite` that references.bib
            lacks; an unknown kind, cost, row or need; a formula that MathML conversion does not know; a correction
            whose literal version is not among the controls; a `measured` claim without an operation.
        """
        claim_id = f"{self.slug}.{name}"

        def register(check: Check) -> Check:
            claim = Claim(
                id=claim_id,
                paper=self.slug,
                source=source,
                cite=cite or self.slug,
                statement=" ".join(statement.split()),
                kind=_member(Kind, kind, claim_id),
                cost=_member(Cost, cost, claim_id),
                rows=tuple(rows),
                needs=frozenset(needs),
                operation=operation,
                check=check,
                controls=tuple(controls),
                correction=correction,
            )
            self._validate(claim)
            self.claims[claim_id] = claim
            return check

        return register

    def _validate(self, claim: Claim) -> None:
        def refuse(why: str) -> None:
            raise ValueError(f"claim {claim.id!r}: {why}")

        if not claim.id.rpartition(".")[2].isidentifier():
            refuse("its name must be an identifier")
        if claim.id in self.claims:
            refuse("a claim with this id is registered already")
        if not claim.controls:
            refuse("it has no control; every claim needs a case where it must fail")
        if not claim.source.strip() or not claim.statement:
            refuse("it needs a source and a statement")
        if claim.cite not in bibliography():
            refuse(f"source {claim.cite!r} is not in references.bib{suggestion(claim.cite, bibliography())}")
        if not claim.method:
            refuse("its check has no docstring that says how it is checked")
        for row in claim.rows:
            if row not in self.rows:
                refuse(f"row {row!r} is not a row of the paper's sheet ({', '.join(self.rows)})")
        for need in claim.needs - NEEDS:
            refuse(f"need {need!r} is not one of {', '.join(sorted(NEEDS))}")
        if (claim.kind is Kind.MEASURED) != (claim.operation is not None):
            refuse("kind 'measured' and an operation (the kernel folder of its record) go together")
        if (claim.correction is not None) != any(control.literal for control in claim.controls):
            refuse("a correction and a control with literal=True (the paper's own version) go together")
        texts = [claim.statement, *(control.description for control in claim.controls)]
        if claim.correction is not None:
            texts += [claim.correction.paper_says, claim.correction.true_is]
        for text in texts:
            try:
                to_html(text)
            except ValueError as error:
                refuse(str(error))
            if "\\" in to_text(text):
                refuse(f"{to_text(text)!r} has a TeX command that statement.to_text has no character for")
        parameters = set(list(inspect.signature(claim.check).parameters)[1 + (claim.kind is Kind.MEASURED) :])
        for control in claim.controls:
            if not control.changes:
                refuse(f"control {control.description!r} changes nothing")
            for name in set(control.changes) - parameters:
                refuse(f"control {control.description!r} changes {name!r}, which its check does not take")

    def uncovered(self) -> list[str]:
        """Rows of the sheet without a claim."""
        covered = {row for claim in self.claims.values() for row in claim.rows}
        return [row for row in self.rows if row not in covered]


def _member(enum: type[Member], value: str, claim_id: str) -> Member:
    try:
        return enum(value)
    except ValueError:
        name = enum.__name__.lower()
        raise ValueError(f"claim {claim_id!r}: {name} {value!r} is not one of {', '.join(enum)}") from None


def suggestion(word: str, known: Iterable[str]) -> str:
    """``"; did you mean …?"`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def papers() -> dict[str, Paper]:
    """Every paper that has a page of claims, in the order of references.bib."""
    found = {}
    for slug in bibliography():
        if importlib.util.find_spec(f"lemmata.claims.{slug}") is not None:
            found[slug] = paper(slug)
    return found


def paper(slug: str) -> Paper:
    """The page of one paper. ValueError with a near miss if there is none."""
    if slug not in bibliography() or importlib.util.find_spec(f"lemmata.claims.{slug}") is None:
        if slug in bibliography():
            raise ValueError(f"paper {slug!r} has no claims yet; papers with claims: {', '.join(papers())}")
        raise ValueError(f"unknown paper {slug!r}{suggestion(slug, bibliography())}")
    page: Paper = importlib.import_module(f"lemmata.claims.{slug}").PAPER
    return page


def find(claim_id: str) -> Claim:
    """One claim by id. ValueError with a near miss if there is none."""
    slug, dot, _ = claim_id.partition(".")
    page = paper(slug)
    if not dot or claim_id not in page.claims:
        raise ValueError(f"unknown claim {claim_id!r}{suggestion(claim_id, page.claims)}")
    return page.claims[claim_id]


def select(names: Sequence[str], cost: Cost = Cost.QUICK, kinds: Sequence[Kind] = ()) -> list[Claim]:
    """The claims that a command line names: slugs, claim ids, or all.

    A claim named by its id is taken whatever its cost; the tier applies to what slugs (or nothing) select. `kinds`
    filters both.

    Raises
    ------
    ValueError
        For an unknown name, or if nothing is left.
    """
    chosen: dict[str, Claim] = {}
    for name in names or papers():
        if "." in name:
            found = find(name)
            chosen[found.id] = found
        else:
            chosen |= {key: claim for key, claim in paper(name).claims.items() if claim.cost in cost.tiers}
    chosen = {key: claim for key, claim in chosen.items() if not kinds or claim.kind in kinds}
    if not chosen:
        filters = f"--cost {cost}" + "".join(f" --kind {kind}" for kind in kinds)
        raise ValueError(f"no claim of {', '.join(names) or 'any paper'} matches {filters}")
    return list(chosen.values())
