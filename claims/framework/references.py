"""The bibliography: references.bib, one entry a paper, its key the slug."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Reference:
    """An entry of references.bib, braces of BibTeX taken off."""

    key: str
    title: str
    authors: str
    venue: str
    year: str
    url: str


@cache
def bibliography() -> dict[str, Reference]:
    """Every entry of references.bib by key. ValueError if the file cannot be read as BibTeX."""
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.model import Entry

    library = parse_string((files("lemmata.claims") / "references.bib").read_text(encoding="utf-8"))
    if library.failed_blocks:
        raise ValueError(f"references.bib: {len(library.failed_blocks)} entries cannot be read")

    def reference(entry: Entry) -> Reference:
        def text(name: str) -> str:
            field = entry.get(name)
            return "" if field is None else str(field.value).replace("{", "").replace("}", "").replace("\\&", "&")

        authors = text("author").replace(" and others", " et al.").replace(" and ", ", ")
        return Reference(
            entry.key, text("title"), authors, text("booktitle") or text("note"), text("year"), text("url")
        )

    return {entry.key: reference(entry) for entry in library.entries}
