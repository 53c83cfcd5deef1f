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
    r"\lceil": "⌈", r"\rceil": "⌉", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\infty": "∞", r"\pm": "±", r"\approx": "≈",
    r"\forall": "∀", r"\exists": "∃", r"\sum": "Σ", r"\prod": "Π", r"\sqrt": "√", r"\propto": "∝", r"\sim": "~",
    r"\subseteq": "⊆", r"\cup": "∪", r"\cap": "∩", r"\ell": "ℓ", r"\top": "ᵀ", r"\odot": "⊙", r"\|": "‖", r"\ll": "≪",
    r"\{": "{", r"\}": "}", r"\,": " ", r"\;": " ", r"\quad": "  ", r"\left": "", r"\right": "",
    r"\frac": "frac",
    r"\alpha": "α", r"\beta": "β", r"\gamma": "γ", r"\delta": "δ", r"\epsilon": "ε", r"\varepsilon": "ε",
    r"\eta": "η", r"\theta": "θ", r"\kappa": "κ", r"\lambda": "λ", r"\mu": "μ", r"\nu": "ν", r"\pi": "π",
    r"\rho": "ρ", r"\sigma": "σ",
    r"\tau": "τ", r"\phi": "φ", r"\chi": "χ", r"\psi": "ψ", r"\omega": "ω", r"\Gamma": "Γ", r"\Delta": "Δ",
    r"\Theta": "Θ", r"\Lambda": "Λ", r"\Pi": "Π", r"\Sigma": "Σ", r"\Phi": "Φ", r"\Psi": "Ψ", r"\Omega": "Ω",
    **{rf"\{word}": word for word in ("log", "ln", "exp", "min", "max", "det", "dim", "Pr", "arg")},
}  # fmt: skip


def to_text(text: str) -> str:
    """The statement for a terminal: common commands become the characters that they stand for."""

    def plain(match: re.Match[str]) -> str:
        tex = re.sub(r"\\(?:mathrm|mathit|mathbf|mathbb|mathcal|text|operatorname)\{([^{}]*)\}", r"\1", match.group(1))
        return re.sub(r"\\(?:[A-Za-z]+|.)", lambda command: _PLAIN.get(command.group(), command.group()), tex)

    return _MATH.sub(plain, text)
