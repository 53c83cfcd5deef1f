"""Options of the command line and how bad ones are refused: one line with the argument, the value, what is allowed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from lemmata.claims.framework.claim import Cost

T = TypeVar("T")


def usage(message: str) -> NoReturn:
    """One line on what is wrong with the input, and exit code 2."""
    print(f"lemmata: {message}", file=sys.stderr)
    raise SystemExit(2)


def number(kind: type[int] | type[float], least: int | float, option: str) -> Callable[[str], Any]:
    """A parser of a numeric option: one line with the option, the value, and what is allowed."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = kind(least) - 1
        if not least <= value < float("inf"):
            usage(f"{option} {text}: must be a {'whole ' * (kind is int)}number of at least {least:g}")
        return value

    return parse


Names = Annotated[
    list[str] | None, typer.Argument(metavar="[SLUG | CLAIM]...", help="Papers or claims; all by default.")
]
Seed = Annotated[int, typer.Option(parser=number(int, 0, "--seed"), metavar="N", help="Seed of every random stream.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        parser=number(int, 1, "--jobs"), metavar="N", help="Worker processes; the number of cores by default."
    ),
]
Tier = Annotated[Cost, typer.Option("--cost", help="The most expensive tier to run; cheaper ones are included.")]


def checked(call: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
    """Call something that validates user input with ValueError; the error becomes a line of usage."""
    try:
        return call(*arguments, **keywords)
    except ValueError as error:
        usage(str(error))


def writable_file(path: Path, option: str) -> Path:
    """Refuse, before any work, a file that cannot be written."""
    if path.is_dir():
        usage(f"{option} {path}: is a folder, not a file")
    if not path.parent.is_dir():
        usage(f"{option} {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        usage(f"{option} {path}: cannot be written")
    return path


def writable_folder(path: Path, option: str) -> Path:
    """Make a folder, before any work; refuse one that cannot be made or written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        usage(f"{option} {path}: cannot be made as a folder ({error.strerror})")
    if not os.access(path, os.W_OK):
        usage(f"{option} {path}: cannot be written")
    return path
