"""Turing machines to try: each a table in the text format of :mod:`lemmata.theory.turing.machine`.

References
----------
turing sheet, section 4.3 (transition tables of INC, PAL and both three-state machines).
"""

from __future__ import annotations

from lemmata.theory.turing.machine import TuringMachine

INC = TuringMachine.from_table("r0→r0R, r1→r1R, r#→c#L, c1→c0L, c0→H1R, c#→H1R", name="INC")
"""Binary increment, most significant bit first; writes one cell to the left of the input when it overflows."""

PAL = TuringMachine.from_table(
    """
    s#→A#R, s0→g0#R, s1→g1#R                  ; take the first letter, remember it in the state
    g00→g00R, g01→g01R, g0#→k0#L              ; walk right to the end
    g10→g10R, g11→g11R, g1#→k1#L
    k00→b#L, k01→X1R, k0#→A#R                 ; compare with the last letter
    k11→b#L, k10→X0R, k1#→A#R
    b0→b0L, b1→b1L, b#→s#R                    ; walk back
    """,
    name="PAL",
)
"""Palindromes over {0, 1}: halts in A (accept) or X (reject)."""

BB3 = TuringMachine.from_table("A0→B1R, A1→H1R, B0→B1L, B1→C0R, C0→C1L, C1→A1L", blank="0", name="BB3")
"""Three-state busy beaver for steps: 21 steps, 5 ones, 5 cells."""

BB3_ONES = TuringMachine.from_table("A0→B1R, A1→H1R, B0→C0R, B1→B1R, C0→C1L, C1→A1L", blank="0", name="BB3'")
"""Three-state busy beaver for ones: 14 steps, 6 ones, 6 cells."""
