"""Token table → weights of a one-layer, one-head transformer, every weight in {−1, 0, 1}.

The residual stream has the blocks ``S`` (symbol, g), ``T`` (state, P), ``C`` (current flag), ``O`` (oldest flag),
``R`` (read symbol, g), ``S'`` (g) and ``T'`` (P); ``d = 3g + 2P + 2``. In these coordinates

* ``emb(b, p) = e_{S,b} + e_{T,p}``; ``pos(0) = e_C``, ``pos(N−1) = e_O``, else 0 (distance of the key to the query);
* attention with key dimension 1: ``W_Q = e_C``, ``W_K = e_O``, so the oldest token scores 1 and every other one 0;
  ``W_V`` copies S to R;
* FFN: one hidden unit a transition, ``relu(T_p + R_x − 1)``, which adds ``e_{S',b'} + e_{T',p'}``;
* ``logit(b, p) = S'_b + T'_p``: the right token scores 2 and every other one at most 1.

No weight depends on the window N; only the distance at which the vector ``pos(N−1)`` stands does.

References
----------
turing sheet, section 4.3; the paper's Theorem 1 (constant bit size) and its three-valued relative positions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Int8

from lemmata.theory.turing.post import check_window
from lemmata.theory.turing.tokens import TokenTable

BITS_PER_WEIGHT = 2  # three values


@dataclass(frozen=True)
class Layout:
    """Where the named blocks of the residual stream lie."""

    symbol: slice
    state: slice
    current: slice
    oldest: slice
    read: slice
    next_symbol: slice
    next_state: slice

    @classmethod
    def of(cls, n_symbols: int, n_states: int) -> Layout:
        """The blocks S, T, C, O, R, S', T' one after the other."""
        ends = np.cumsum([n_symbols, n_states, 1, 1, n_symbols, n_symbols, n_states]).tolist()
        return cls(*(slice(a, b) for a, b in zip([0, *ends], ends, strict=False)))

    @property
    def width(self) -> int:
        """``d = 3|Γ| + 2|P| + 2``."""
        return self.next_state.stop


@dataclass(frozen=True, eq=False)
class Weights:
    """All parameters of the network, int8. Independent of the window.

    Attributes
    ----------
    embedding : shape (vocabulary, d)
    position_current, position_oldest, position_other : shape (d,)
        The three values of the relative positional vector.
    query, key : shape (d, 1)
    value : shape (d, d)
    hidden : shape (d, H)
        First FFN matrix, W_1.
    hidden_bias : shape (H,)
    output : shape (H, d)
        Second FFN matrix, W_2.
    unembedding : shape (d, vocabulary)
    """

    embedding: Int8[np.ndarray, "vocabulary d"]
    position_current: Int8[np.ndarray, " d"]
    position_oldest: Int8[np.ndarray, " d"]
    position_other: Int8[np.ndarray, " d"]
    query: Int8[np.ndarray, "d 1"]
    key: Int8[np.ndarray, "d 1"]
    value: Int8[np.ndarray, "d d"]
    hidden: Int8[np.ndarray, "d H"]
    hidden_bias: Int8[np.ndarray, " H"]
    output: Int8[np.ndarray, "H d"]
    unembedding: Int8[np.ndarray, "d vocabulary"]

    @classmethod
    def from_tokens(cls, table: TokenTable) -> Weights:
        """Write the weights for a token table (section 4.3)."""
        g, p, rows = table.n_symbols, table.n_states, len(table.state)
        at = Layout.of(g, p)
        d, v = at.width, table.vocabulary
        state_of, symbol_of = np.divmod(np.arange(v), g)
        unit = np.arange(rows)

        def zeros(*shape: int) -> np.ndarray:
            return np.zeros(shape, np.int8)

        embedding = zeros(v, d)
        embedding[np.arange(v), at.symbol.start + symbol_of] = 1
        embedding[np.arange(v), at.state.start + state_of] = 1
        current, oldest = zeros(d), zeros(d)
        current[at.current] = 1
        oldest[at.oldest] = 1
        query, key = zeros(d, 1), zeros(d, 1)
        query[at.current] = 1
        key[at.oldest] = 1
        value = zeros(d, d)
        value[at.symbol, at.read] = np.eye(g)
        hidden = zeros(d, rows)
        hidden[at.state.start + table.state, unit] = 1
        hidden[at.read.start + table.symbol, unit] = 1
        output = zeros(rows, d)
        output[unit, at.next_symbol.start + table.pushed] = 1
        output[unit, at.next_state.start + table.next_state] = 1
        unembedding = zeros(d, v)
        unembedding[at.next_symbol.start + symbol_of, np.arange(v)] = 1
        unembedding[at.next_state.start + state_of, np.arange(v)] = 1
        return cls(
            embedding=embedding,
            position_current=current,
            position_oldest=oldest,
            position_other=zeros(d),
            query=query,
            key=key,
            value=value,
            hidden=hidden,
            hidden_bias=np.full(rows, -1, np.int8),
            output=output,
            unembedding=unembedding,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Every parameter array by name."""
        return {field.name: getattr(self, field.name) for field in fields(Weights)}

    def positions(self, window: int) -> Int8[np.ndarray, "window d"]:
        """``pos(r)`` for r = 0 (newest) … window − 1 (oldest): the position rule, the only thing that knows N.

        ValueError unless ``2 <= window``, so that the oldest and the newest differ.
        """
        check_window(window)
        table = np.tile(self.position_other, (window, 1))
        table[0] = self.position_current
        table[window - 1] = self.position_oldest
        return table

    @property
    def parameters(self) -> int:
        """Number of parameters, counted from the arrays."""
        return sum(array.size for array in self.arrays().values())

    @property
    def bits(self) -> int:
        """Bit size: parameters times :data:`BITS_PER_WEIGHT`. ValueError if a weight is not in {−1, 0, 1}."""
        for name, array in self.arrays().items():
            if array.size and (array.min() < -1 or array.max() > 1):
                raise ValueError(f"weights {name} span [{array.min()}, {array.max()}], not {{-1, 0, 1}}")
        return self.parameters * BITS_PER_WEIGHT
