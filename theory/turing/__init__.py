"""Constant bit-size transformers are Turing complete: the construction as a row of stages.

``machine`` (Turing machine) → ``post`` (one-queue Post machine) → ``tokens`` (token transition table) → ``weights``
(integer weights) → ``decode`` (the literal decoder). ``certificate`` proves network = Post machine on all inputs and
windows, ``fast`` decodes with the table read off the weights, ``softmax`` replaces hardmax, and ``rounded`` computes
that in one of the float ``formats``; ``growing`` is the Post machine without a space bound; the follow-up paper is in
``multiqueue``. The converse: ``saturating`` (any fixed-precision decoder), ``converse`` (in linear space, on a
``memory`` that counts its bits), ``periodicity`` (what a fixed window decides).

Machines to run: ``library`` (small ones), ``universal`` (every 2-tag system, so with ``tag`` every machine),
``quantified`` (quantified Boolean formulas). Beside them: ``ensemble`` (every small machine at once), ``compiled``
(long runs), ``measure`` (step times, whole runs), ``tables`` (the sheet's numbers), ``mutants`` (wrong variants),
``strategies`` (Hypothesis).
"""

from lemmata.theory.turing.certificate import Certificate, certify, certify_weights
from lemmata.theory.turing.decode import generate, run
from lemmata.theory.turing.machine import TuringMachine
from lemmata.theory.turing.post import PostMachine
from lemmata.theory.turing.tokens import TokenTable
from lemmata.theory.turing.weights import Weights

__all__ = [
    "Certificate",
    "PostMachine",
    "TokenTable",
    "TuringMachine",
    "Weights",
    "certify",
    "certify_weights",
    "compile_machine",
    "generate",
    "run",
]


def compile_machine(machine: TuringMachine) -> tuple[TokenTable, Weights]:
    """All stages: a Turing machine's token table and the weights of its transformer.

    Returns
    -------
    TokenTable
        Names tokens, makes prompts and knows where to stop.
    Weights
        Integer weights, the same for every window.

    References
    ----------
    turing sheet, section 4; Theorem 1 of the paper.
    """
    table = TokenTable.from_post(PostMachine.from_turing(machine))
    return table, Weights.from_tokens(table)
