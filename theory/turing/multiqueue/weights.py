"""Multi-queue machine → one attention layer with K heads and one feed-forward layer, in integers.

A token is K pushed symbols and the state after the step. The vocabulary ``Γ_1 × … × Γ_K × P`` is *factored*: a token's
embedding is the sum of one one-hot vector per track and one for the state, and its logit the sum of one logit per track
and one for the state, so the most likely token is found factor by factor and nothing of size ``|Σ|^K`` exists.

Blocks of the residual stream, each with one coordinate per symbol of each track or per state: ``S`` symbols, ``T``
state, ``R`` symbols read, ``S'`` and ``T'`` output.

* Head q: no content scores; relative bias ``1[r = m_q − 1]``; value and output matrices ``R_q ← S_q``.
* Feed-forward: one unit per transition, ``relu(T_p + Σ_q R_{q,x_q} − number of q in the sum)``, worth 0 or 1.
* Unembedding: logits ``S'_{q,b}`` and ``T'_p``.

Two tables can be put in. :func:`weights_of_rows` is the sheet's: a unit per recorded row, which names all K fronts.
:func:`weights_of_rules` has a unit per rule, which names only the fronts that matter: the output matrix of the heads
then carries each symbol read to ``S'`` as well (pushed back, unless a unit says otherwise), and units add differences.

Every weight is −1, 0 or 1. The biases of the feed-forward layer are integers in ``[−K, 0]``, so not ternary for K > 1.
Nothing but the positions of the ones in the relative bias depends on the queue sizes.

References
----------
turing sheet, section 5.3; Theorem 3 of the second paper.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int8

from lemmata.theory.turing.multiqueue.control import Control
from lemmata.theory.turing.multiqueue.layout import Layout
from lemmata.theory.turing.multiqueue.state import ControlState
from lemmata.theory.turing.multiqueue.table import RecordedTable, Row, Rule, ordered_rules


@dataclass(frozen=True, eq=False)
class Blocks:
    """Where the blocks of the residual stream begin.

    Attributes
    ----------
    alphabets : tuple of int
        ``|Γ_q|`` by track.
    states : int
        |P|.
    """

    alphabets: tuple[int, ...]
    states: int

    @property
    def symbols(self) -> int:
        """``Σ_q |Γ_q|``."""
        return sum(self.alphabets)

    @property
    def starts(self) -> tuple[int, ...]:
        """Offset of each track inside S, R and S'."""
        return tuple(int(at) for at in np.cumsum((0, *self.alphabets[:-1])))

    @property
    def dim(self) -> int:
        """Width of the residual stream, ``d = 3 Σ_q |Γ_q| + 2|P|``."""
        return 3 * self.symbols + 2 * self.states

    def symbol(self, index: int, code: int) -> int:
        """Coordinate ``S_{q,code}``."""
        return self.starts[index] + code

    def state(self, number: int) -> int:
        """Coordinate ``T_p``."""
        return self.symbols + number

    def read(self, index: int, code: int) -> int:
        """Coordinate ``R_{q,code}``."""
        return self.symbols + self.states + self.starts[index] + code

    def pushed(self, index: int, code: int) -> int:
        """Coordinate ``S'_{q,code}``."""
        return 2 * self.symbols + self.states + self.starts[index] + code

    def next_state(self, number: int) -> int:
        """Coordinate ``T'_p``."""
        return 3 * self.symbols + self.states + number


@dataclass(frozen=True, eq=False)
class MultiQueueWeights:
    """The parameters of the decoder, int8. ``g = Σ_q |Γ_q|``, P states, H units, width d.

    Attributes
    ----------
    states : tuple
        The control states by number.
    blocks : Blocks
        Meaning of the coordinates.
    embed_symbol, embed_state : (g, d), (P, d)
        Embeddings of one track's symbol and of the state; a token's is the sum of K + 1 of them.
    relative_bias : (K, window)
        Score of head q for the token at distance r; the only array that depends on the queue sizes.
    value, output : (g, d), (d, g)
        W_V and W_O of all heads; head q owns rows (columns) ``starts[q] … starts[q] + |Γ_q| − 1``.
    ffn_in, ffn_bias, ffn_out : (H, d), (H,), (d, H)
        The feed-forward layer.
    unembed_symbol, unembed_state : (g, d), (P, d)
        Logits of each track's symbol and of the state.
    """

    states: tuple[Hashable, ...]
    blocks: Blocks
    embed_symbol: Int8[np.ndarray, "symbols dim"]
    embed_state: Int8[np.ndarray, "states dim"]
    relative_bias: Int8[np.ndarray, "heads window"]
    value: Int8[np.ndarray, "symbols dim"]
    output: Int8[np.ndarray, "dim symbols"]
    ffn_in: Int8[np.ndarray, "units dim"]
    ffn_bias: Int8[np.ndarray, " units"]
    ffn_out: Int8[np.ndarray, "dim units"]
    unembed_symbol: Int8[np.ndarray, "symbols dim"]
    unembed_state: Int8[np.ndarray, "states dim"]

    def arrays(self) -> dict[str, Int8[np.ndarray, "*shape"]]:
        """All parameters by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    @property
    def parameters(self) -> int:
        """Number of parameters apart from the relative bias, which is a rule rather than a table."""
        return sum(array.size for name, array in self.arrays().items() if name != "relative_bias")

    @property
    def distances(self) -> tuple[int, ...]:
        """Where each head looks, by track: the distance of its largest bias."""
        return tuple(int(at) for at in self.relative_bias.argmax(axis=1))


def relative_bias(layout: Layout) -> Int8[np.ndarray, "heads window"]:
    """``1[r = m_q − 1]``: a symbol pushed into a queue of size m is popped m steps later."""
    bias = np.zeros((layout.queues, layout.window), np.int8)
    bias[np.arange(layout.queues), layout.distances] = 1
    return bias


def weights_of_rules(control: Control, layout: Layout, rules: Sequence[Rule]) -> MultiQueueWeights:
    """One feed-forward unit per rule; tracks that no rule writes are pushed back by the heads themselves.

    Parameters
    ----------
    control : Control
        Gives the alphabets.
    layout : Layout
        Gives the relative bias and nothing else.
    rules : sequence of Rule
        The transitions; states are numbered in order of appearance.

    Raises
    ------
    ValueError
        If there are no rules, or K exceeds 126 (int8 accumulators).
    """
    weights = _frame(control, layout, [state for rule in rules for state in (rule.state, rule.next_state)], len(rules))
    blocks, number = weights.blocks, {state: index for index, state in enumerate(weights.states)}
    for index, size in enumerate(blocks.alphabets):
        for code in range(size):
            weights.output[blocks.pushed(index, code), blocks.starts[index] + code] = 1
    for unit, rule in enumerate(rules):
        weights.ffn_in[unit, blocks.state(number[rule.state])] = 1
        for index, code in rule.reads:
            weights.ffn_in[unit, blocks.read(index, code)] = 1
        weights.ffn_bias[unit] = -len(rule.reads)
        popped = dict(rule.reads)
        for index, code in rule.writes:
            if code != popped[index]:
                weights.ffn_out[blocks.pushed(index, popped[index]), unit] = -1
                weights.ffn_out[blocks.pushed(index, code), unit] = 1
        weights.ffn_out[blocks.next_state(number[rule.next_state]), unit] = 1
    return weights


def weights_of_rows(control: Control, layout: Layout, table: RecordedTable) -> MultiQueueWeights:
    """One feed-forward unit per recorded row, as in the sheet; it names all K fronts and all K pushes.

    Raises
    ------
    ValueError
        As :func:`weights_of_rules`, and if the table has conflicts.
    """
    if table.conflicts:
        raise ValueError(f"the table has {len(table.conflicts)} conflicts; a conflicting table is not a function")
    weights = _frame(control, layout, list(table.states), len(table.rows))
    blocks, number = weights.blocks, {state: index for index, state in enumerate(weights.states)}
    key: tuple[Hashable, tuple[int, ...]]
    row: Row
    for unit, (key, row) in enumerate(table.rows.items()):
        state, fronts = key
        weights.ffn_in[unit, blocks.state(number[state])] = 1
        weights.ffn_bias[unit] = -len(fronts)
        for index, (popped, pushed) in enumerate(zip(fronts, row.pushes, strict=True)):
            weights.ffn_in[unit, blocks.read(index, popped)] = 1
            weights.ffn_out[blocks.pushed(index, pushed), unit] = 1
        weights.ffn_out[blocks.next_state(number[row.state]), unit] = 1
    return weights


def _frame(control: Control, layout: Layout, states: Sequence[Hashable], units: int) -> MultiQueueWeights:
    """All but the feed-forward layer."""
    if not units:
        raise ValueError("no transitions given; record a run first")
    if control.queues > 126:
        raise ValueError(f"K = {control.queues} queues; at most 126, or int8 accumulators overflow")
    if control.levels != layout.levels:
        raise ValueError(f"layout of {layout.levels} levels for a control of {control.levels} levels")
    distinct = tuple(dict.fromkeys(states))
    blocks = Blocks(tuple(control.symbols(index) for index in range(control.queues)), len(distinct))
    g, p, d = blocks.symbols, blocks.states, blocks.dim
    embed_symbol, value, unembed_symbol = (np.zeros((g, d), np.int8) for _ in range(3))
    embed_state, unembed_state = (np.zeros((p, d), np.int8) for _ in range(2))
    output = np.zeros((d, g), np.int8)
    every, each = np.arange(g), np.arange(p)
    embed_symbol[every, every] = 1
    value[every, every] = 1
    output[blocks.read(0, 0) + every, every] = 1
    unembed_symbol[every, blocks.pushed(0, 0) + every] = 1
    embed_state[each, blocks.state(0) + each] = 1
    unembed_state[each, blocks.next_state(0) + each] = 1
    return MultiQueueWeights(
        states=distinct,
        blocks=blocks,
        embed_symbol=embed_symbol,
        embed_state=embed_state,
        relative_bias=relative_bias(layout),
        value=value,
        output=output,
        ffn_in=np.zeros((units, d), np.int8),
        ffn_bias=np.zeros(units, np.int8),
        ffn_out=np.zeros((d, units), np.int8),
        unembed_symbol=unembed_symbol,
        unembed_state=unembed_state,
    )


def rules_of_weights(weights: MultiQueueWeights) -> tuple[Rule, ...]:
    """Read the rules back off the feed-forward layer of :func:`weights_of_rules`, in the order of the units.

    With them, :class:`~lemmata.theory.turing.multiqueue.fast.FastRun` runs what the weights say.

    Raises
    ------
    ValueError
        If a unit is not a rule: its state, its next state or a track occurs not exactly once, or its bias is not minus
        the number of fronts it names.
    """
    blocks, rules = weights.blocks, []
    tracks = np.repeat(np.arange(len(blocks.alphabets)), blocks.alphabets)
    starts = np.asarray(blocks.starts)

    def cells(column: Int8[np.ndarray, " symbols"], sign: int) -> tuple[tuple[int, int], ...]:
        at = np.flatnonzero(column == sign)
        return tuple((int(q), int(code)) for q, code in zip(tracks[at], at - starts[tracks[at]], strict=True))

    for unit in range(len(weights.ffn_bias)):
        into, out = weights.ffn_in[unit], weights.ffn_out[:, unit]
        before = np.flatnonzero(into[blocks.state(0) : blocks.read(0, 0)] == 1)
        after = np.flatnonzero(out[blocks.next_state(0) :] == 1)
        reads = cells(into[blocks.read(0, 0) : blocks.pushed(0, 0)], 1)
        change = out[blocks.pushed(0, 0) : blocks.next_state(0)]
        writes, erased = cells(change, 1), cells(change, -1)
        sound = len(before) == len(after) == 1 and len(dict(reads)) == len(reads) == -weights.ffn_bias[unit]
        if not sound or dict(erased).keys() != dict(writes).keys() or not set(erased) <= set(reads):
            raise ValueError(f"unit {unit} of the feed-forward layer is not a rule")
        state, next_state = weights.states[int(before[0])], weights.states[int(after[0])]
        if not isinstance(state, ControlState) or not isinstance(next_state, ControlState):
            raise ValueError(f"unit {unit} of the feed-forward layer is about projected states, not control states")
        rules.append(Rule(state, reads, writes, next_state))
    return ordered_rules(rules)
