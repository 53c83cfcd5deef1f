"""Turing machines to try: each a table in the text format of :mod:`lemmata.theory.turing.machine`.

Two larger ones have modules of their own, with encoders, decoders and a direct computation to compare with:
:data:`lemmata.theory.turing.universal.UNIVERSAL` runs every 2-tag system, and
:data:`lemmata.theory.turing.quantified.QUANTIFIED` decides quantified Boolean formulas. They are left out of
:data:`MACHINES`, since a certificate of them takes a second or two.

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

BB4 = TuringMachine.from_table("A0→B1R, A1→B1L, B0→A1L, B1→C0L, C0→H1R, C1→D1L, D0→D1R, D1→A0R", blank="0", name="BB4")
"""Four-state busy beaver: 107 steps, 13 ones."""

BB5 = TuringMachine.from_table(
    "A0→B1R, A1→C1L, B0→C1R, B1→B1R, C0→D1R, C1→E0L, D0→A1L, D1→D1L, E0→H1R, E1→A0L", blank="0", name="BB5"
)
"""Five-state busy beaver: 47,176,870 steps, 4,098 ones."""

COPY = TuringMachine.from_table(
    """
    s1→cxR, s#→H#L                 ; take a 1, leave an x in its place
    c1→c1R, cx→cxR, c#→e#R         ; over the word and one blank
    e1→e1R, e#→b1L                 ; append a 1 to the copy
    b1→b1L, b#→r#L                 ; back over the copy and the blank
    r1→r1L, rx→sxR                 ; to the last x, and on
    """,
    name="COPY",
)
"""Copies the unary number 1…1 behind a blank, leaving x…x in its place."""

MACHINES = (INC, PAL, BB3, BB3_ONES, BB4, BB5, COPY)
"""Every machine of this module."""
