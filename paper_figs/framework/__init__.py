"""What a figure is, the registry of figures, and how one is written: PNG, PDF and its data as CSV."""

from __future__ import annotations

import csv
import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn figure and the data behind it.

    Attributes
    ----------
    figure : matplotlib Figure
    table : mapping
        Columns of equal length, by name.
    """

    figure: Figure
    table: Mapping[str, Sequence[object]]

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.table.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns of a figure's table differ in length: {lengths}")


@dataclass(frozen=True)
class FigureSpec:
    """A registered figure: ``draw(full)`` computes and draws it, at CPU size or (``full``) at the paper's."""

    id: str
    title: str
    draw: Callable[[bool], Drawing]

    @property
    def caption(self) -> str:
        """The docstring of the function that draws it."""
        return " ".join((self.draw.__doc__ or "").split())


_FIGURES: dict[str, FigureSpec] = {}


def figure(figure_id: str, title: str) -> Callable[[Callable[[bool], Drawing]], Callable[[bool], Drawing]]:
    """Register the decorated function as the figure `figure_id` (``slug.name``). ValueError if the id is taken."""

    def register(draw: Callable[[bool], Drawing]) -> Callable[[bool], Drawing]:
        if figure_id in _FIGURES:
            raise ValueError(f"figure {figure_id!r} is registered already")
        _FIGURES[figure_id] = FigureSpec(figure_id, title, draw)
        return draw

    return register


def figures(slug: str | None = None) -> dict[str, FigureSpec]:
    """Every registered figure by id, or those of one paper. Importing the pages does not import matplotlib."""
    import lemmata.paper_figs as folder

    for module in pkgutil.iter_modules(folder.__path__):
        if not module.ispkg and slug in (None, module.name):
            importlib.import_module(f"lemmata.paper_figs.{module.name}")
    return {key: spec for key, spec in _FIGURES.items() if slug in (None, key.partition(".")[0])}


def select(name: str | None) -> list[FigureSpec]:
    """The figures that a command line names: all, a paper's, or one. ValueError with a near miss for an unknown one."""
    known = figures()
    chosen = [spec for key, spec in known.items() if name in (None, key, key.partition(".")[0])]
    if not chosen:
        near = difflib.get_close_matches(str(name), [*known, *(key.partition(".")[0] for key in known)], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; figures: {', '.join(known)}"
        raise ValueError(f"unknown figure {name!r}{hint}")
    return chosen


def write(spec: FigureSpec, out: Path, full: bool = False) -> list[Path]:
    """Draw a figure and write ``<id>.png``, ``<id>.pdf`` and ``<id>.csv`` below `out`; returns the paths."""
    import matplotlib

    matplotlib.use("Agg")
    drawing = spec.draw(full)
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"{spec.id}.{suffix}" for suffix in ("png", "pdf", "csv")]
    drawing.figure.savefig(paths[0], dpi=160)
    drawing.figure.savefig(paths[1], metadata={"CreationDate": None})
    with paths[2].open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(drawing.table)
        writer.writerows(zip(*drawing.table.values(), strict=True))
    return paths
