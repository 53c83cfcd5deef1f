"""The report: one static HTML page a paper and an index. Opens from disk, uses no network and no script.

Formulas are MathML, figures are inline PNG, errata stand in a table; the pages follow the reader's light or dark theme.
"""

from __future__ import annotations

import base64
import importlib
import inspect
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lemmata.claims.framework.references import bibliography
from lemmata.claims.framework.registry import find, papers
from lemmata.claims.framework.statement import to_html
from lemmata.claims.runner.results import write_text
from lemmata.paper_figs.framework import FigureSpec, figures, write

Track = Callable[[Sequence[Any], str, Callable[[Any], str]], Iterable[Any]]


def write_report(session: dict[str, Any], out: Path, track: Track) -> Path:
    """Write the pages of a session of ``lemmata verify``.

    Parameters
    ----------
    session : dict
        As :func:`lemmata.claims.runner.results.session_json` makes it.
    out : Path
        Folder, which exists. Pages of the same names are replaced.
    track : callable
        ``track(items, what, label)`` iterates with a progress bar.

    Returns
    -------
    Path
        The index page.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("lemmata.claims.report"),
        autoescape=select_autoescape(["html.j2"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["math"] = to_html
    environment.filters["number"] = _number
    by_paper: dict[str, list[dict[str, Any]]] = {}
    for claim in session["claims"]:
        by_paper.setdefault(claim["paper"], []).append(claim | {"method": find(claim["id"]).method})
    drawings = [spec for slug in by_paper for spec in figures(slug).values()]
    images: dict[str, list[dict[str, str]]] = {slug: [] for slug in by_paper}
    for spec in track(drawings, "figures", lambda spec: spec.id):
        images[spec.id.partition(".")[0]].append(_inline(spec))

    errata = [claim for claim in session["claims"] if claim["correction"]]
    common = {"session": session, "references": bibliography()}
    pages = {
        f"{slug}.html": environment.get_template("paper.html.j2").render(
            common,
            reference=bibliography()[slug],
            claims=claims,
            figures=images[slug],
            page=papers()[slug],
            about=inspect.getdoc(importlib.import_module(f"lemmata.claims.{slug}")),
            errata=[claim for claim in errata if claim["paper"] == slug],
        )
        for slug, claims in by_paper.items()
    }
    rows = [(reference, by_paper.get(key, [])) for key, reference in bibliography().items()]
    pages["index.html"] = environment.get_template("index.html.j2").render(
        common, done=[row for row in rows if row[1]], waiting=[row[0] for row in rows if not row[1]], errata=errata
    )
    for name, text in pages.items():
        write_text(out / name, text)
    return out / "index.html"


def _inline(spec: FigureSpec) -> dict[str, str]:
    """A figure as a data URI, with its title and caption."""
    with tempfile.TemporaryDirectory() as folder:
        png = write(spec, Path(folder))[0].read_bytes()
    data = base64.b64encode(png).decode()
    return {"id": spec.id, "title": spec.title, "caption": spec.caption, "uri": f"data:image/png;base64,{data}"}


def _number(value: Any) -> str:
    """A number of the JSON file for people: integers with separators, floats to six digits, intervals in brackets."""
    if isinstance(value, list):
        return f"[{', '.join(map(_number, value))}]"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if isinstance(value, float) else str(value)
