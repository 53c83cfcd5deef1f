"""A fast decoder of the same weights: the window as a ring buffer, the network as the table that it is.

The table is derived from the weights (:class:`lemmata.theory.turing.certificate.NetworkStep`), not from the machine:
one entry a case of (class of the newest token, class of the oldest token). It equals the literal decoder in
exact integers (int64; int8 where no sum overflows) whenever the attention always reads the oldest token, which the
derivation checks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Int
from numba import njit

from lemmata.theory.turing.certificate import NetworkStep
from lemmata.theory.turing.decode import Transcript, check_generation
from lemmata.theory.turing.weights import Weights

STOP, TIE = -1, -2


class Ending(NamedTuple):
    """How a run ended: the number of tokens, and the last window.

    In `window` every token but the newest stands for its class as an oldest one, the first token of it: for weights as
    compiled, one with the same queue symbol.
    """

    tokens: int
    window: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RingDecoder:
    """A network's step as a table, and generation with it.

    Attributes
    ----------
    newest_class, oldest_class : int arrays, shape (vocabulary,)
    next_token : int array, shape (newest classes, oldest classes)
        −1 where the argmax is a tie.
    packed : int array, shape (newest classes · oldest classes,)
        Per case, newest class first: ``next newest class · oldest classes · 2^32 + pushed oldest class``; STOP where
        the token stops the run and TIE where there is none.
    """

    newest_class: Int[np.ndarray, " vocabulary"]
    oldest_class: Int[np.ndarray, " vocabulary"]
    next_token: Int[np.ndarray, "newest oldest"]
    packed: Int[np.ndarray, " cases"]

    @classmethod
    def from_weights(cls, weights: Weights, stop: Collection[int]) -> RingDecoder:
        """Read the table off the weights; `stop` are the tokens that end a run.

        Raises
        ------
        ValueError
            If the attention does not always read the oldest token.
        """
        step = NetworkStep.of(weights)
        if step.attention_margin <= 0:
            raise ValueError(
                f"the attention margin of these weights is {step.attention_margin}; a table needs the oldest token to "
                "win strictly in every window"
            )
        next_token = step.next_token()
        token = np.clip(next_token, 0, None)
        width = next_token.shape[1]
        packed = (step.newest_class[token].astype(np.int64) * width << 32) | step.oldest_class[token]
        packed = np.where(np.isin(token, list(stop)), STOP, packed)
        packed = np.where(next_token < 0, TIE, packed)
        return cls(step.newest_class, step.oldest_class, next_token, packed.reshape(-1))

    def generate(self, prompt: Sequence[int], max_tokens: int) -> Transcript:
        """As :func:`lemmata.theory.turing.decode.generate`; stops before a token whose argmax is a tie."""
        ring, base = self._start(prompt, max_tokens)
        tokens = np.empty(max_tokens, np.int32)
        count, entry = _generate(self.packed, self.next_token, ring, base, max_tokens, tokens)
        return Transcript(tuple(tokens[:count].tolist()), entry == STOP, count + 1 if entry == TIE else None)

    def count(self, prompt: Sequence[int], max_tokens: int) -> tuple[int, bool]:
        """Number of tokens until a stop token (itself counted) and whether one came; tokens are not kept."""
        count, entry, _ = _count(self.packed, *self._start(prompt, max_tokens), max_tokens)
        return count, entry == STOP

    def ending(self, prompt: Sequence[int], max_tokens: int) -> Ending | None:
        """The window at the end of a run, tokens before it not kept; None if no stop token comes."""
        ring, base = self._start(prompt, max_tokens)
        count, entry, case = _count(self.packed, ring, base, max_tokens)
        if entry != STOP:
            return None
        front = (count - 1) % len(ring)  # the token at the front was read last and has left the window
        alike = np.unique(self.oldest_class, return_index=True)[1]
        line = alike[np.roll(ring, -front)[1:]].tolist()
        return Ending(count, (*line, int(self.next_token.flat[case])))

    def _start(self, prompt: Sequence[int], max_tokens: int) -> tuple[Int[np.ndarray, " window"], int]:
        """The ring of oldest classes and the offset of the newest token's row; ValueError as the literal decoder."""
        check_generation(prompt, len(self.newest_class), max_tokens)
        ring = self.oldest_class[np.asarray(prompt)].astype(np.int64)
        return ring, int(self.newest_class[prompt[-1]]) * self.next_token.shape[1]


@njit(cache=True)
@no_type_check
def _count(packed, ring, base, max_tokens):
    """Run without keeping tokens: (tokens generated; STOP, TIE or 0; the last case)."""
    place, window, case = 0, ring.size, 0
    for made in range(max_tokens):
        case = base + ring[place]
        entry = packed[case]
        if entry < 0:
            return made + (entry == STOP), entry, case
        base = entry >> 32
        ring[place] = entry & 0xFFFFFFFF
        place += 1
        if place == window:
            place = 0
    return max_tokens, 0, case


@njit(cache=True)
@no_type_check
def _generate(packed, next_token, ring, base, max_tokens, tokens):
    """Run and keep the tokens: (tokens generated; STOP, TIE or 0)."""
    place, window = 0, ring.size
    flat = next_token.ravel()
    for made in range(max_tokens):
        case = base + ring[place]
        entry = packed[case]
        if entry == TIE:
            return made, entry
        tokens[made] = flat[case]
        if entry == STOP:
            return made + 1, entry
        base = entry >> 32
        ring[place] = entry & 0xFFFFFFFF
        place += 1
        if place == window:
            place = 0
    return max_tokens, 0
