"""Post machine → token transition table: the vocabulary ``V = Γ × P`` and the next-token rule on it.

A token is (symbol pushed, state after the step), so that the context window *is* the queue: the oldest token of the
window carries the front of the queue, the newest one the control state. One Post step is one generated token:
``(oldest token's symbol, newest token's state) ↦ next token``.

References
----------
turing sheet, section 2 (vocabulary of paper A) and section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from lemmata.theory.turing.post import PostMachine


@dataclass(frozen=True, eq=False)
class TokenTable:
    """The next-token rule, one row a defined transition of the Post machine.

    Attributes
    ----------
    post : PostMachine
        The machine it came from; ``post.states`` and ``post.symbols`` name the indices.
    state, symbol : int arrays, shape (rows,)
        What is read: the newest token's state p and the oldest token's symbol x.
    next_state, pushed : int arrays, shape (rows,)
        What is written: the next token's state and symbol.
    """

    post: PostMachine
    state: Int[np.ndarray, " rows"]
    symbol: Int[np.ndarray, " rows"]
    next_state: Int[np.ndarray, " rows"]
    pushed: Int[np.ndarray, " rows"]

    @classmethod
    def from_post(cls, post: PostMachine) -> TokenTable:
        """List the defined transitions in row-major order of (state, symbol)."""
        state, symbol = np.nonzero(post.table.state >= 0)
        return cls(post, state, symbol, post.table.state[state, symbol], post.table.symbol[state, symbol])

    @property
    def n_states(self) -> int:
        """|P|."""
        return len(self.post.states)

    @property
    def n_symbols(self) -> int:
        """|Γ|."""
        return len(self.post.symbols)

    @property
    def vocabulary(self) -> int:
        """``|V| = |Γ|·|P|``."""
        return self.n_symbols * self.n_states

    def token(self, symbol: int, state: int) -> int:
        """Token number of (symbol, state)."""
        return state * self.n_symbols + symbol

    def split(self, token: int) -> tuple[int, int]:
        """(symbol, state) of a token: the inverse of :meth:`token`."""
        state, symbol = divmod(token, self.n_symbols)
        return symbol, state

    def prompt(self, word: str | Sequence[str], window: int) -> tuple[int, ...]:
        """The input, padded with blanks to `window` tokens, all in the start state; ValueError if it does not fit."""
        return tuple(self.token(symbol, 0) for symbol in self.post.initial_queue(word, window))

    def halting_tokens(self) -> frozenset[int]:
        """The tokens whose state halts: generation stops at one of them."""
        states = (state for state in range(self.n_states) if self.post.halts(state))
        return frozenset(self.token(symbol, state) for state in states for symbol in range(self.n_symbols))

    def expected(self, word: str | Sequence[str], window: int, max_steps: int) -> tuple[int, ...]:
        """The tokens that the Post machine's own run on `word` prescribes: what a correct network generates."""
        return tuple(self.token(step.pushed, step.state) for step in self.post.run(word, window, max_steps))

    def show(self, token: int) -> str:
        """A token for people: symbol, ``'`` if marked, and state, for example ``1' left(c,0)``."""
        symbol, state = (self.post.symbols[self.split(token)[0]], self.post.states[self.split(token)[1]])
        control = state.mode if state.state is None else f"{state.mode}({state.state},{state.register})"
        return f"{symbol.symbol}{chr(39) * symbol.mark} {control}"
