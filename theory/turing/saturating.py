"""Fixed-precision decoders with a window: what WINDOW[s] is about in general, and their vectorised reference.

Numbers are integers of p bits, from ``−2^(p−1)`` to ``2^(p−1) − 1``, and every operation saturates:

* ``a ⊕ b = clip(a + b)``, ``a ⊗ b = clip(a·b)``;
* a product of a row with a vector is the fold ``(…((s ⊕ w_0⊗x_0) ⊕ w_1⊗x_1)…)`` in the order of the index, from the
  start s (a bias, or 0). Saturating addition is not associative, so that the order is part of the definition.

In each layer, query i sees key j ≤ i of the window as ``h_ij = x_j ⊕ pos(i − j)``; with one layer that is the paper's
``emb(v_j) + pos(i − j)``, with more of them the paper leaves it open and here each layer applies it to its own input.
A head scores ``⟨W_Q h_ii, W_K h_ij⟩ ⊕ bias(i − j)``. Averaging hardmax takes the exact mean of ``W_V h_ij`` over the
argmax set and rounds it down (floor, not towards zero). Then

    y_i  = h_ii ⊕ mean_1 ⊕ mean_2 ⊕ …                                (heads in order)
    x_i' = y_i ⊕ W_2 relu(b ⊕ W_1 y_i)                                (a fold from y_i, units in order)

and the next token is the first maximum of ``U x`` at the newest position. The window slides by one token and the next
step starts from the embeddings: the oldest token is gone, and with it what other positions had read from it.

References
----------
turing sheet, sections 2, 4.5 and 10.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Int

from lemmata.theory.turing.post import check_window
from lemmata.theory.turing.weights import Weights


@dataclass(frozen=True, eq=False)
class Decoders:
    """Parameters of a stack of decoders with equal sizes, int64, every number of `precision` bits.

    Attributes
    ----------
    precision : int
        p.
    embedding, unembedding : shape (decoders, vocabulary, width)
    position : shape (decoders, layers, window, width)
        Relative positional vectors by distance, 0 the query itself.
    bias : shape (decoders, layers, heads, window)
        Added to the score, by distance.
    query, key : shape (decoders, layers, heads, key_width, width)
    value : shape (decoders, layers, heads, width, width)
    hidden : shape (decoders, layers, units, width)
    hidden_bias : shape (decoders, layers, units)
    output : shape (decoders, layers, width, units)

    Raises
    ------
    ValueError
        If a parameter does not fit into `precision` bits or the window is below 2.
    """

    precision: int
    embedding: Int[np.ndarray, "decoders vocabulary width"]
    position: Int[np.ndarray, "decoders layers window width"]
    bias: Int[np.ndarray, "decoders layers heads window"]
    query: Int[np.ndarray, "decoders layers heads key_width width"]
    key: Int[np.ndarray, "decoders layers heads key_width width"]
    value: Int[np.ndarray, "decoders layers heads width width"]
    hidden: Int[np.ndarray, "decoders layers units width"]
    hidden_bias: Int[np.ndarray, "decoders layers units"]
    output: Int[np.ndarray, "decoders layers width units"]
    unembedding: Int[np.ndarray, "decoders vocabulary width"]

    def __post_init__(self) -> None:
        check_window(self.window)
        half = 2 ** (self.precision - 1)
        for name, array in self.arrays().items():
            if array.size and not -half <= array.min() <= array.max() < half:
                raise ValueError(
                    f"{name} spans [{array.min()}, {array.max()}], not the {self.precision}-bit [{-half}, {half - 1}]"
                )

    def arrays(self) -> dict[str, np.ndarray]:
        """Every parameter array by name."""
        return {field.name: getattr(self, field.name) for field in fields(Decoders)[1:]}

    @property
    def window(self) -> int:
        """N."""
        return self.position.shape[2]

    @property
    def vocabulary(self) -> int:
        """|V|."""
        return self.embedding.shape[1]

    def __len__(self) -> int:
        return len(self.embedding)

    @classmethod
    def from_weights(cls, weights: Weights, window: int) -> Decoders:
        """The network of the construction (one layer, one head, ternary) as a 3-bit decoder with `window` tokens."""
        one = {name: array.astype(np.int64) for name, array in weights.arrays().items()}
        return cls(
            precision=3,
            embedding=one["embedding"][None],
            position=weights.positions(window).astype(np.int64)[None, None],
            bias=np.zeros((1, 1, 1, window), np.int64),
            query=one["query"].T[None, None, None],
            key=one["key"].T[None, None, None],
            value=one["value"].T[None, None, None],
            hidden=one["hidden"].T[None, None],
            hidden_bias=one["hidden_bias"][None, None],
            output=one["output"].T[None, None],
            unembedding=one["unembedding"].T[None],
        )


@dataclass(frozen=True)
class Sizes:
    """Sizes of a decoder; the sheet's symbols in brackets.

    Attributes
    ----------
    window, vocabulary, width, precision : int
        N, |V|, d, p.
    layers, heads, key_width, units : int
    """

    window: int
    vocabulary: int
    width: int
    precision: int
    layers: int
    heads: int
    key_width: int
    units: int


def random_decoders(rng: np.random.Generator, count: int, sizes: Sizes) -> Decoders:
    """Random decoders whose runs meet ties, negative means and saturation.

    Embeddings fill the whole range; scores are coarse (small weights and biases), so that keys tie.
    """
    s, half = sizes, 2 ** (sizes.precision - 1)
    small = min(2, half - 1)

    def draw(limit: int, *shape: int) -> np.ndarray:
        return rng.integers(-limit, limit, (count, *shape), endpoint=True)

    return Decoders(
        precision=s.precision,
        embedding=draw(half - 1, s.vocabulary, s.width),
        position=draw(1, s.layers, s.window, s.width),
        bias=draw(1, s.layers, s.heads, s.window),
        query=draw(1, s.layers, s.heads, s.key_width, s.width),
        key=draw(1, s.layers, s.heads, s.key_width, s.width),
        value=draw(small, s.layers, s.heads, s.width, s.width),
        hidden=draw(small, s.layers, s.units, s.width),
        hidden_bias=draw(small, s.layers, s.units),
        output=draw(small, s.layers, s.width, s.units),
        unembedding=draw(small, s.vocabulary, s.width),
    )


# ------------------------------------------------------------------------------------------------------- reference


@dataclass(frozen=True, eq=False)
class Step:
    """What a step of the reference shows.

    Attributes
    ----------
    tokens : int array, shape (decoders, batch)
    hardmaxes : int
        Argmax sets formed, one a head, query and layer.
    tied : int
        Those with more than one key.
    rounded_down : int
        Those with a negative mean that is not whole, where floor and rounding towards zero differ.
    """

    tokens: Int[np.ndarray, "decoders batch"]
    hardmaxes: int
    tied: int
    rounded_down: int


def forward(decoders: Decoders, windows: Int[np.ndarray, "decoders batch window"]) -> Step:
    """The next token of each decoder in each of its windows: all positions of all layers at once.

    Parameters
    ----------
    decoders : Decoders
    windows : int array, shape (decoders, batch, window)
        Tokens, the oldest first.
    """
    w, window, limit = decoders, decoders.window, 2 ** (decoders.precision - 1)
    if windows.shape[2] != window:
        raise ValueError(f"windows hold {windows.shape[2]} tokens, and the decoders have a window of {window}")

    def clip(x: np.ndarray) -> np.ndarray:
        return np.clip(x, -limit, limit - 1)

    def product(matrix: np.ndarray, x: np.ndarray, start: int | np.ndarray = 0) -> np.ndarray:
        """Fold over the last axis of x. Matrix: (decoders, rows, columns); x: (decoders, …, columns)."""
        matrix = matrix.reshape(len(matrix), *(1,) * (x.ndim - 2), *matrix.shape[1:])
        folded: np.ndarray = np.asarray(start)
        for column in range(x.shape[-1]):
            folded = clip(folded + clip(matrix[..., column] * x[..., column, None]))
        return folded

    places = np.arange(window)
    causal: Bool[np.ndarray, "window window"] = places[:, None] >= places
    distance = np.where(causal, places[:, None] - places, 0)
    stream = np.take_along_axis(w.embedding[:, None], windows[..., None], axis=2)
    hardmaxes = tied = rounded_down = 0
    for layer in range(w.position.shape[1]):
        seen = clip(stream[:, :, None] + w.position[:, None, layer, distance])
        own = seen[:, :, places, places]
        middle = own
        for head in range(w.bias.shape[2]):
            asked = product(w.query[:, layer, head], own)[:, :, :, None]
            offered = product(w.key[:, layer, head], seen)
            score = np.zeros(offered.shape[:-1], np.int64)
            for column in range(offered.shape[-1]):
                score = clip(score + clip(asked[..., column] * offered[..., column]))
            score = clip(score + w.bias[:, None, layer, head, distance])
            best = np.where(causal, score, -limit - 1).max(-1, keepdims=True)
            chosen = (score == best) & causal
            count = chosen.sum(-1)[..., None]
            total = (product(w.value[:, layer, head], seen) * chosen[..., None]).sum(3)
            middle = clip(middle + total // count)
            hardmaxes += count.size
            tied += int((count > 1).sum())
            rounded_down += int(((total < 0) & (total % count != 0)).any(-1).sum())
        hidden = np.maximum(product(w.hidden[:, layer], middle, w.hidden_bias[:, None, None, layer]), 0)
        stream = product(w.output[:, layer], hidden, middle)
    logits = product(w.unembedding, stream[:, :, -1])
    return Step(np.argmax(logits, axis=-1), hardmaxes, tied, rounded_down)


def generate_batch(decoders: Decoders, prompts: Int[np.ndarray, "decoders batch window"], count: int) -> Step:
    """`count` tokens of each decoder after each of its prompts; ``tokens`` has shape (decoders, batch · count)."""
    text, steps = prompts, []
    for _ in range(count):
        steps.append(forward(decoders, text[:, :, -decoders.window :]))
        text = np.concatenate([text, steps[-1].tokens[:, :, None]], axis=2)
    made = text[:, :, decoders.window :].reshape(len(decoders), -1)
    return Step(
        made,
        sum(step.hardmaxes for step in steps),
        sum(step.tied for step in steps),
        sum(step.rounded_down for step in steps),
    )
