"""Statements: prose with TeX between dollar signs, shown as MathML on pages and as text in a terminal."""

from __future__ import annotations

import re
from html import escape

from latex2mathml.converter import convert

_MATH = re.compile(r"\$([^$]+)\$")


def to_html(text: str) -> str:
    """Escape the prose and convert each ``$…$`` to MathML.

    Raises
    ------
    ValueError
        If a dollar sign is unpaired, a formula cannot be converted, or a TeX command is left over as text.
    """
    if text.count("$") % 2:
        raise ValueError(f"unpaired $ in {text!r}")
    parts = _MATH.split(text)
    if any("\\" in prose for prose in parts[::2]):
        raise ValueError(f"a TeX command outside of dollar signs in {text!r}")
    html = "".join(_formula(part) if index % 2 else escape(part) for index, part in enumerate(parts))
    return html


def _formula(tex: str) -> str:
    try:
        mathml: str = convert(tex)
    except Exception as error:
        raise ValueError(f"cannot convert the formula {tex!r} to MathML: {error}") from error
    if "\\" in mathml:
        raise ValueError(f"the formula {tex!r} has a command that MathML conversion does not know")
    return mathml


_PLAIN = {
    r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\cdot": "·", r"\times": "×", r"\in": "∈", r"\to": "→", r"\ldots": "…",
    r"\delta": "δ", r"\beta": "β", r"\Gamma": "Γ", r"\Sigma": "Σ", r"\lceil": "⌈", r"\rceil": "⌉", r"\infty": "∞",
    r"\{": "{", r"\}": "}", r"\,": " ", r"\log": "log", r"\exp": "exp", r"\pm": "±", r"\approx": "≈", r"\forall": "∀",
}  # fmt: skip


def to_text(text: str) -> str:
    """The statement for a terminal: common commands become the characters that they stand for."""

    def plain(match: re.Match[str]) -> str:
        tex = re.sub(r"\\(?:mathrm|mathit|text|operatorname)\{([^{}]*)\}", r"\1", match.group(1))
        return re.sub(r"\\(?:[A-Za-z]+|.)", lambda command: _PLAIN.get(command.group(), command.group()), tex)

    return _MATH.sub(plain, text)
