"""What a person sees in the terminal: lists, one claim, progress, and the table of verdicts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from lemmata.claims.framework.claim import Claim
from lemmata.claims.framework.evidence import Evidence, Verdict, show
from lemmata.claims.framework.registry import Paper
from lemmata.claims.framework.statement import to_text
from lemmata.claims.runner.execute import Outcome, Result
from lemmata.claims.runner.pool import Session, run_claims
from lemmata.claims.runner.results import recall

T = TypeVar("T")

STYLE = {
    Verdict.HOLDS: "green",
    Verdict.REFUTED: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.UNAVAILABLE: "dim",
    Verdict.STALE: "yellow",
    Verdict.ERROR: "bold red",
    Verdict.BROKEN: "bold red",
}

MARK = {True: "holds", False: "fails", None: "undecided"}


def console(stderr: bool = False) -> Console:
    """A console as wide as the terminal; in a pipe, wide enough for a table."""
    stream = sys.stderr if stderr else sys.stdout
    wide = stream is not None and stream.isatty()
    return Console(stderr=stderr, width=None if wide else 120, highlight=False)


def claims(pages: Sequence[Paper]) -> None:
    """A line a claim, by paper."""
    out = console()
    for page in pages:
        out.print(f"[bold]{page.slug}[/]  {escape(page.reference.title)}")
        table = Table.grid(padding=(0, 2))
        for claim in page.claims.values():
            table.add_row("", claim.id, escape(claim.source), claim.kind, claim.cost)
        out.print(table)


def coverage(pages: Sequence[Paper]) -> None:
    """The rows of each paper's sheet that have no claim yet."""
    out = console()
    for page in pages:
        missing = page.uncovered()
        total = len(page.rows)
        out.print(f"[bold]{page.slug}[/]  {total - len(missing)} of {total} rows have a claim")
        for row in missing:
            out.print(f"  {row}  {escape(page.rows[row])}{'  (planned)' if row in page.planned else ''}")


def claim(claim: Claim) -> None:
    """Everything about one claim, with its last evidence."""
    out = console()
    out.print(f"[bold]{claim.id}[/]  {escape(claim.source)} of {claim.cite} ({claim.kind}, {claim.cost})")
    out.print(to_text(claim.statement), markup=False)
    if claim.correction is not None:
        out.print("\n[bold]erratum[/]")
        out.print(f"  paper says: {to_text(claim.correction.paper_says)}", markup=False)
        out.print(f"  true is:    {to_text(claim.correction.true_is)}", markup=False)
    out.print("\n[bold]how it is checked[/]")
    out.print(claim.method, markup=False)
    out.print("\n[bold]controls[/] (the same check where it must fail)")
    for control in claim.controls:
        out.print(f"  - {to_text(control.description)}", markup=False)
    out.print("\n[bold]last evidence[/]")
    last = recall(claim)
    if last is None:
        out.print(f"  none yet; run: lemmata verify {claim.id}")
        return
    changed = "; the code has changed since" if last["changed"] else ""
    out.print(f"  {last['verdict']} on {last['date']}, seed {last['seed']}, {last['seconds']} s{changed}")
    for prefix, items in [("", last["evidence"]), *(("control: ", c["evidence"]) for c in last["controls"])]:
        for item in items:
            text = (
                f"  {prefix}{item['name']}: {item['measured']} {item['relation']} {item['bound']} {MARK[item['holds']]}"
            )
            out.print(text, markup=False)


def track(items: Sequence[T], what: str, label: Callable[[T], str]) -> Iterator[T]:
    """Iterate with a progress bar on standard error (only in a terminal)."""
    with _progress() as bar:
        task = bar.add_task(what, total=len(items))
        for item in items:
            bar.update(task, description=f"{what}: {label(item)}")
            yield item
            bar.advance(task)


def progress(chosen: Sequence[Claim], seed: int, jobs: int | None, limit: float | None) -> Session:
    """Run claims under a progress bar with the time left; the unit of progress is a second of budget."""
    with _progress() as bar:
        task = bar.add_task("verifying", total=sum(claim.cost.seconds for claim in chosen))

        def finished(claim: Claim, result: Result) -> None:
            bar.update(task, advance=claim.cost.seconds, description=f"{claim.id} {result.verdict}")

        return run_claims(chosen, seed, jobs, limit, finished)


@contextmanager
def steps(what: str) -> Iterator[Callable[[int, int, object], None]]:
    """A progress bar whose ``advance(done, total, item)`` sets it, for work that counts itself."""
    with _progress() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, item: bar.update(task, completed=done, total=total)


def rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table."""
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(f"{value:.6g}" if isinstance(value, float) else str(value) for value in row))
    console().print(table)


def _progress() -> Progress:
    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    err = console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), *columns, console=err, transient=True, disable=not err.is_terminal
    )


def verdicts(session: Session, chosen: Sequence[Claim], verbose: bool) -> None:
    """The table of verdicts, what failed and why, the errata met, and a line of counts."""
    out = console()
    by_id = {claim.id: claim for claim in chosen}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    narrow = out.width < 90  # then the kind goes and controls are a bare fraction, so that the evidence stays
    for name in ("claim", "verdict") if narrow else ("claim", "kind", "verdict"):
        table.add_column(name, no_wrap=True)
    table.add_column("evidence", ratio=1, min_width=16)
    table.add_column("controls", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for result in session.results:
        claim = by_id[result.claim]
        refuted = sum(control.outcome.verdict is Verdict.REFUTED for control in result.controls)
        share = f"{refuted}/{len(claim.controls)}{'' if narrow else ' refuted'}" if result.controls else ""
        verdict, headline = Text(result.verdict, STYLE[result.verdict]), Text(_headline(result.outcome))
        names = (claim.id,) if narrow else (claim.id, claim.kind)
        table.add_row(*names, verdict, headline, share, f"{result.seconds:.1f}")
    out.print(table)
    for result in session.results:
        if verbose:
            _details(out, result)
        elif result.verdict is not Verdict.HOLDS:
            style = STYLE[result.verdict]
            out.print(f"[{style}]{result.claim} {result.verdict}[/]: {escape(result.outcome.reason)}")
    for claim in (by_id[result.claim] for result in session.results):
        if claim.correction is not None:
            out.print(f"[bold]erratum[/] {claim.id} ({claim.source}): ", end="")
            out.print(f"{to_text(claim.correction.paper_says)} → {to_text(claim.correction.true_is)}", markup=False)
    counts = [
        f"{sum(result.verdict is verdict for result in session.results)} {verdict}"
        for verdict in Verdict
        if verdict is Verdict.HOLDS or any(result.verdict is verdict for result in session.results)
    ]
    controls = [control.outcome.verdict for result in session.results for control in result.controls]
    of_controls = f"{sum(v is Verdict.REFUTED for v in controls)} of {len(controls)} controls refuted"
    missing = len(chosen) - len(session.results)
    cut = f"; interrupted, {missing} claims not finished" if session.interrupted else ""
    out.print(f"\n{', '.join(counts)} of {len(session.results)} claims; {of_controls}{cut}")


def _headline(outcome: Outcome) -> str:
    """The first evidence that decided the verdict, and how many instances it rests on."""
    if not outcome.evidence:
        return outcome.reason
    failing = [item for item in outcome.evidence if item.holds is not True]
    first = (failing or outcome.evidence)[0]
    count = f" ({show(first.instances)} instances)" if first.instances > 1 else ""
    return f"{first}{count}"


def _details(out: Console, result: Result) -> None:
    def lines(evidence: Iterable[Evidence]) -> None:
        for item in evidence:
            mark = MARK[item.holds if item.finite else None]
            detail = f"  {item.detail}" if item.detail else ""
            out.print(f"    {mark:9} {item}  ({show(item.instances)} instances){detail}", markup=False)

    out.print(f"\n[bold]{result.claim}[/] [{STYLE[result.verdict]}]{result.verdict}[/] {escape(result.outcome.reason)}")
    lines(result.outcome.evidence)
    for control in result.controls:
        out.print(f"  control, {to_text(control.description)}: {control.outcome.verdict}", markup=False)
        lines(control.outcome.evidence)
    if result.outcome.traceback:
        out.print(result.outcome.traceback, markup=False)
