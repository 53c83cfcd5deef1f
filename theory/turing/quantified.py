"""Quantified Boolean formulas on a tape: a machine whose space is its input while its time is exponential.

Deciding ``∃x_1 ∀x_2 ∃x_3 … ∀x_n  C_1 ∧ … ∧ C_m`` is complete for polynomial space. :data:`QUANTIFIED` decides it by
depth-first search over the assignments, in the cells of the input and one blank at either end; so the window of its
network is as long as the input, and only the number of generated tokens is exponential.

The tape holds one block a variable, the outermost first: its value, 0 in the beginning, and one entry a clause, ``p``
if the variable stands in it, ``n`` if its negation does, ``.`` if neither. The quantifiers alternate and end with ∀
(others are padded with variables that no clause has), so they need no cell.

1. *Check* (a, f, t, s, g, b). One walk to the right checks one clause: in each block the first entry without a mark is
   marked (``P``, ``N``, ``_``). a: no literal was true yet; f, t: in a block whose value is 0, 1; s, g: some literal
   was true. Then b walks back. An unsatisfied clause, or no entry left to mark (e), ends the check at the right end.
2. *Backtrack* (w, l). Seen from the player who moves there, a position is won iff one of its two branches is lost for
   the other; so with alternating quantifiers the search is a tree of NANDs. After the last variable ∃ would move, and
   wins iff all clauses hold (w), else loses (l). To the left, at a variable: below is lost, so this is won (w), and its
   value becomes 0. Below is won: with value 0 the other branch is next (value 1, then r); with value 1 this is lost
   (l), and the value becomes 0.
3. *Restore* (r, and w, l on their way): marks are taken off. At the left end r starts the next check; w halts in T and
   l in F.

References
----------
turing sheet, section 3: Theorem 2, WINDOW[s(n)] = SPACE[s(n)]; L. Stockmeyer and A. Meyer, Word problems requiring
exponential time, STOC 1973 (quantified Boolean formulas are complete for polynomial space).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from lemmata.theory.turing.machine import TuringMachine

QUANTIFIED = TuringMachine.from_table(
    """
    a0→f0R, a1→t1R, ap→apR, an→anR, a.→a.R, aP→aPR, aN→aNR, a_→a_R, a#→l#L   ; check: nothing true yet
    fn→sNR, fp→aPR, f.→a_R, fP→fPR, fN→fNR, f_→f_R, f0→e0R, f1→e1R, f#→w#L   ; in a block of value 0
    tp→sPR, tn→aNR, t.→a_R, tP→tPR, tN→tNR, t_→t_R, t0→e0R, t1→e1R, t#→w#L   ; in a block of value 1
    s0→g0R, s1→g1R, sp→spR, sn→snR, s.→s.R, sP→sPR, sN→sNR, s_→s_R, s#→b#L   ; something is true
    gp→sPR, gn→sNR, g.→s_R, gP→gPR, gN→gNR, g_→g_R
    b0→b0L, b1→b1L, bp→bpL, bn→bnL, b.→b.L, bP→bPL, bN→bNL, b_→b_L, b#→a#R   ; back for the next clause
    e0→e0R, e1→e1R, eP→ePR, eN→eNR, e_→e_R, e#→w#L                           ; all clauses hold
    l0→w0L, l1→w0L, lp→lpL, ln→lnL, l.→l.L, lP→lpL, lN→lnL, l_→l.L, l#→F#R   ; backtrack: lost below
    w0→r1L, w1→l0L, wP→wpL, wN→wnL, w_→w.L, w.→w.L, wp→wpL, wn→wnL, w#→T#R   ; won below
    r0→r0L, r1→r1L, rp→rpL, rn→rnL, r.→r.L, rP→rpL, rN→rnL, r_→r.L, r#→a#R   ; restore, on to the other branch
    """,
    name="QUANTIFIED",
)
"""Decides a quantified formula, encoded by :func:`encode`: halts in T (true) or F (false)."""


@dataclass(frozen=True)
class Formula:
    """A quantified Boolean formula in conjunctive normal form.

    Parameters
    ----------
    prefix : str
        A quantifier a variable, ``E`` or ``A``, the outermost first.
    clauses : tuple of tuples of int
        Literals: j or −j for variable j, counted from 1.

    Raises
    ------
    ValueError
        If the prefix is empty or has another letter, or a literal is no variable's or stands in a clause with its
        negation.
    """

    prefix: str
    clauses: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if not self.prefix or set(self.prefix) - {"E", "A"}:
            raise ValueError(f"prefix {self.prefix!r} is not one or more of E and A")
        for clause in self.clauses:
            if not isinstance(clause, Sequence):
                raise ValueError(f"clause {clause!r} is not a tuple of literals; one alone is written ({clause!r},)")
            for literal in clause:
                if not 1 <= abs(literal) <= len(self.prefix):
                    raise ValueError(f"literal {literal} of clause {clause} is not ±1 to ±{len(self.prefix)}")
                if -literal in clause:
                    raise ValueError(f"clause {clause} has {literal} and its negation, and always holds; leave it out")

    def alternating(self) -> Formula:
        """The same formula with quantifiers EAEA…EA: variables that no clause has are put in where they do not."""
        prefix, place = "", []
        for quantifier in self.prefix:
            if quantifier == "EA"[(len(prefix) + 1) % 2]:  # the other one's turn
                prefix += "EA"[len(prefix) % 2]
            prefix += quantifier
            place.append(len(prefix))
        if len(prefix) % 2:
            prefix += "A"
        moved = tuple(tuple((1 if x > 0 else -1) * place[abs(x) - 1] for x in clause) for clause in self.clauses)
        return Formula(prefix, moved)


def evaluate(formula: Formula) -> bool:
    """The truth value by its definition: the table of all 2^n assignments, folded from the innermost quantifier out."""
    values = [
        all(any(assignment[abs(x) - 1] == (x > 0) for x in clause) for clause in formula.clauses)
        for assignment in product((False, True), repeat=len(formula.prefix))
    ]
    for quantifier in reversed(formula.prefix):
        fold = any if quantifier == "E" else all
        values = [fold(values[k : k + 2]) for k in range(0, len(values), 2)]
    return values[0]


def encode(formula: Formula) -> str:
    """The tape of :data:`QUANTIFIED`: ``0`` and one entry a clause for each variable of the alternating formula."""
    formula = formula.alternating()
    entries = {1: "p", -1: "n", 0: "."}
    signs = (
        (((j in clause) - (-j in clause)) for clause in formula.clauses) for j in range(1, len(formula.prefix) + 1)
    )
    return "".join("0" + "".join(entries[sign] for sign in block) for block in signs)


def input_length(formula: Formula) -> int:
    """``ℓ = n(m + 1)`` for n variables, those of the padding included, and m clauses."""
    return len(formula.alternating().prefix) * (len(formula.clauses) + 1)


def hard_formula(variables: int, clauses: int | None = None) -> Formula:
    """A formula that makes the search try every assignment: true iff the values end in an even number of ones.

    Clause k is ``x_{n−r} ∨ ¬x_{n−r+1} ∨ … ∨ ¬x_n`` with r = 2k − 1: not a 0 followed by exactly r ones. With all n/2
    of them no branch is cut; with fewer, the last ``2·clauses`` variables are tried in full.

    Parameters
    ----------
    variables : int
        n, even.
    clauses : int, optional
        How many, by default all n/2.

    Raises
    ------
    ValueError
        If `variables` is not even and positive, or there are not that many clauses.
    """
    if variables < 2 or variables % 2:
        raise ValueError(f"variables {variables} is not an even number of at least 2")
    clauses = variables // 2 if clauses is None else clauses
    if not 0 <= clauses <= variables // 2:
        raise ValueError(f"clauses {clauses} is not in 0 to {variables // 2}, half the variables")
    runs = range(1, 2 * clauses, 2)
    return Formula(
        "EA" * (variables // 2),
        tuple((variables - r, *(-j for j in range(variables - r + 1, variables + 1))) for r in runs),
    )
