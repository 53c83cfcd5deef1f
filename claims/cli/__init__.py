"""The command line ``lemmata``. What is heavy is imported inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from lemmata.claims.cli import sweep
from lemmata.claims.cli.options import Jobs, Names, Seed, Tier, checked, number, usage, writable_file, writable_folder
from lemmata.claims.framework.claim import Cost, Kind

app = typer.Typer(
    name="lemmata",
    help="Theorems and efficiency claims about transformers as programs that run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(sweep.app, name="sweep")


@app.command("list")
def list_claims(
    names: Names = None,
    coverage: Annotated[bool, typer.Option(help="Show the rows of each sheet that have no claim.")] = False,
) -> None:
    """List the claims, or with --coverage the rows of the papers' sheets without one."""
    from lemmata.claims.framework import registry
    from lemmata.claims.runner import show

    for name in names or ():
        if "." in name:
            usage(f"{name!r} is a claim; list takes papers, and `lemmata show {name}` shows a claim")
    pages = [checked(registry.paper, name) for name in names] if names else list(registry.papers().values())
    show.coverage(pages) if coverage else show.claims(pages)


@app.command("show")
def show_claim(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="A claim id, such as turing.simulation.")],
) -> None:
    """Show a claim: statement, source, how it is checked, controls, and its last evidence."""
    from lemmata.claims.framework import registry
    from lemmata.claims.runner import show

    show.claim(checked(registry.find, claim))


@app.command()
def verify(
    names: Names = None,
    cost: Tier = Cost.QUICK,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only claims of this kind; may be repeated.")] = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            parser=number(float, 0.01, "--time-limit"),
            metavar="SECONDS",
            help="Seconds a claim may take; five times its tier by default.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="All evidence, controls and tracebacks.")] = False,
) -> None:
    """Verify claims. Exit 1 if one is refuted, errs, or has a control that is not refuted.

    A claim named by its id is run whatever its cost.
    """
    from lemmata.claims.framework import registry
    from lemmata.claims.runner import results, show

    chosen = checked(registry.select, names or [], cost, kind or [])
    if json_file is not None:
        writable_file(json_file, "--json")
    session = show.progress(chosen, seed, jobs, time_limit)
    if json_file is not None:
        import json

        text = json.dumps(results.session_json(session.results, session.interrupted), indent=2, ensure_ascii=False)
        results.write_text(json_file, text + "\n")
    show.verdicts(session, chosen, verbose)
    results.remember(session.results)
    if session.interrupted:
        raise SystemExit(130)
    raise SystemExit(any(result.verdict.fails for result in session.results))


@app.command()
def figure(
    name: Annotated[
        str | None, typer.Argument(metavar="[SLUG | FIGURE]", help="A paper or a figure; all by default.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the PNG, PDF and CSV files.")] = Path("figs"),
    full: Annotated[bool, typer.Option("--full", help="The paper's size instead of CPU size.")] = False,
) -> None:
    """Draw the figures and tables of the papers, data beside picture."""
    from lemmata.claims.runner import show
    from lemmata.paper_figs import framework

    chosen = checked(framework.select, name)
    writable_folder(out, "--out")
    for spec in show.track(chosen, "figures", lambda spec: spec.id):
        for path in framework.write(spec, out, full):
            print(path)


@app.command()
def report(
    names: Names = None,
    out: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("site"),
    cost: Tier = Cost.QUICK,
    jobs: Jobs = None,
    seed: Seed = 0,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Results of `verify --json`, instead of verifying now."),
    ] = None,
) -> None:
    """Write static pages that open from disk: verdicts, figures, errata."""
    from lemmata.claims.framework import registry
    from lemmata.claims.report import write_report
    from lemmata.claims.runner import results, show

    if source is None:
        chosen = checked(registry.select, names or [], cost)
        writable_folder(out, "--out")
        session = show.progress(chosen, seed, jobs, None)
        results.remember(session.results)
        data = results.session_json(session.results, session.interrupted)
    else:
        if names or cost is not Cost.QUICK:
            usage("--from takes the results as they are; it goes without claims and without --cost")
        data = checked(results.read_session, source)
        writable_folder(out, "--out")
    index = write_report(data, out, show.track)
    print(f"{index} and {len(list(out.glob('*.html'))) - 1} pages beside it")
    if data["interrupted"]:
        raise SystemExit(130)


def main() -> NoReturn:
    """Entry point: usage errors are one line and exit code 2; SIGTERM is taken like Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        usage(" ".join(message().split()))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(code or 0)
