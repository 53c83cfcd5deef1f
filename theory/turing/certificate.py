"""A certificate for all inputs: the network of a machine makes the Post machine's step on every window of every size.

Testing runs a network on some inputs. Here the finitely many things that its step can depend on are enumerated
completely, *from the weights*:

1. *Attention.* The score of a key depends on the newest token and on the key's token and flag. Over all tokens, the
   oldest one scores strictly above every token at a middle distance and above the newest one itself. So hardmax puts
   all its mass on the oldest token, without a tie, in every window of N ≥ 2 tokens.
2. *Classes.* The rest sees the newest token only through ``(emb(v) + pos(0))·[W_1 | W_U]`` and the oldest only through
   ``(emb(w) + pos(N−1))·W_V·[W_1 | W_U]``. Tokens with equal rows are one class. For weights as compiled there is one
   class a control state and one a queue symbol, so that |P|·|Γ| cases are all there are.
3. *Cases.* In each case with a defined transition the right token has the largest logit, with no tie.
4. *Range.* All this is in exact integers. A bound on every partial sum, whatever its order, is at most 127, so that
   int8 computes the same.

By induction over the generated tokens (the window always carries the queue in its symbols and the control state in its
newest token, which holds for the prompt and is kept by the step), greedy decoding then equals the Post machine's run on
**every input and every window** in which the input fits; with the invariant of section 4.1 it equals the Turing
machine's.

References
----------
turing sheet, sections 4.1 and 4.3; Theorem 1 of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from lemmata.theory.turing.machine import TuringMachine
from lemmata.theory.turing.post import PostMachine
from lemmata.theory.turing.tokens import TokenTable
from lemmata.theory.turing.weights import Weights


@dataclass(frozen=True, eq=False)
class NetworkStep:
    """What one step of a network depends on, read off its weights. All numbers are integers, kept in float64.

    Attributes
    ----------
    attention_margin : int
        Least score of an oldest token minus the largest score of any other key; positive if hardmax always reads the
        oldest token.
    newest_class, oldest_class : int arrays, shape (vocabulary,)
        Class of a token when it is the newest, when it is the oldest.
    logits : float array, shape (newest classes, oldest classes, vocabulary)
        The logits of each case.
    least, largest : int
        Range of every activation in any case: streams, query and keys, scores, FFN before and after the ReLU, logits.
    largest_sum : int
        A bound on the absolute value of every partial sum: each product is taken with absolute values.
    """

    attention_margin: int
    newest_class: Int[np.ndarray, " vocabulary"]
    oldest_class: Int[np.ndarray, " vocabulary"]
    logits: Float[np.ndarray, "newest oldest vocabulary"]
    least: int
    largest: int
    largest_sum: int

    @classmethod
    def of(cls, weights: Weights) -> NetworkStep:
        """Analyse the weights; nothing of a machine is used."""
        w = {name: array.astype(np.float64) for name, array in weights.arrays().items()}  # exact: integers below 2^53
        newest = w["embedding"] + w["position_current"]
        middle = w["embedding"] + w["position_other"]
        oldest = w["embedding"] + w["position_oldest"]
        query = (newest @ w["query"])[:, 0]
        key_newest, key_middle, key_oldest = ((stream @ w["key"])[:, 0] for stream in (newest, middle, oldest))

        def extremes(keys: Float[np.ndarray, " keys"]) -> Float[np.ndarray, "2 vocabulary"]:
            """Least and largest score of each query over all key tokens."""
            both = np.stack([query * keys.min(), query * keys.max()])
            return np.stack([both.min(0), both.max(0)])

        rivals = np.maximum(extremes(key_middle)[1], query * key_newest)
        margin = int((extremes(key_oldest)[0] - rivals).min())

        both = np.hstack([w["hidden"], w["unembedding"]])
        read = _product(oldest, w["value"])
        seen_newest, newest_class = _distinct(_product(newest, both))
        seen_oldest, oldest_class = _distinct(_product(read, both))
        units = w["hidden"].shape[1]
        before = (seen_newest[:, :units] + w["hidden_bias"])[:, None] + seen_oldest[None, :, :units]
        hidden = np.maximum(before, 0)
        logits = _product(hidden, _product(w["output"], w["unembedding"]))
        logits += seen_newest[:, None, units:]
        logits += seen_oldest[None, :, units:]
        written = _product(hidden, w["output"])
        # The stream is the sum of three parts; their extremes added up bound it, coordinate by coordinate.
        stream = [
            getattr(newest, end)(0) + getattr(read, end)(0) + getattr(written, end)((0, 1)) for end in ("min", "max")
        ]
        keys = np.concatenate([key_newest, key_middle, key_oldest])
        scores = extremes(keys)
        parts = [newest, middle, oldest, query, keys, scores, before, hidden, logits, *stream]
        least, largest = int(min(part.min() for part in parts)), int(max(part.max() for part in parts))

        # |a·b| and each of its partial sums is at most |a|·|b|; what a coordinate can hold at most is taken alone.
        size = {name: np.abs(array) for name, array in w.items()}
        entry = np.abs(np.stack([newest, middle, oldest])).max(0)
        read_sum = np.abs(newest).max(0) + _product(np.abs(oldest), size["value"]).max(0)
        written_sum = written if (w["output"] >= 0).all() else _product(hidden, size["output"])
        last_sum = read_sum + written_sum.max((0, 1))
        sums = [
            _product(np.abs(newest), size["query"]),
            _product(entry, size["key"]),
            np.abs(scores),
            read_sum @ size["hidden"] + size["hidden_bias"],
            last_sum,
            last_sum @ size["unembedding"],
        ]
        bound = max(largest, -least, *(int(part.max()) for part in sums))
        return cls(margin, newest_class, oldest_class, logits, least, largest, bound)

    def next_token(self) -> Int[np.ndarray, "newest oldest"]:
        """The greedy next token of each case; −1 where the largest logit is shared."""
        top = np.partition(self.logits, -2, axis=-1)
        return np.where(top[..., -1] > top[..., -2], self.logits.argmax(-1), -1)


def _product(left: Float[np.ndarray, "*rows inner"], right: Float[np.ndarray, "inner columns"]) -> np.ndarray:
    """``left @ right`` for a left factor that is mostly zero, as one-hot rows are: 40 times faster at 2,000 tokens."""
    flat = csr_array(left.reshape(-1, left.shape[-1])) @ right
    return np.asarray(flat).reshape(*left.shape[:-1], right.shape[1])


def _distinct(rows: Float[np.ndarray, "rows columns"]) -> tuple[np.ndarray, Int[np.ndarray, " rows"]]:
    """The distinct rows, and for each row which of them it is. Hashing is much faster here than sorting rows."""
    numbers: dict[bytes, int] = {}
    inverse = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows + 0.0])  # −0.0 becomes 0.0
    first = np.unique(inverse, return_index=True)[1]
    return rows[first], inverse


@dataclass(frozen=True)
class Certificate:
    """The proof object: what was enumerated, and what was found.

    Attributes
    ----------
    machine : str
    attention_margin : int
        See :class:`NetworkStep`; must be positive.
    newest_classes, oldest_classes : int
        Classes of tokens as (newest, state) and as (oldest, symbol). As compiled: |P| and |Γ|.
    cases : int
        Cases enumerated: their product.
    transitions : int
        Cases in which the machine defines a transition; all are proved.
    wrong : int
        Cases in which the network's token is another one than the machine's, or a tie.
    logit_margin : int
        Least lead of the right token over the second in the proved cases.
    least, largest : int
        Range of all activations in all cases.
    largest_sum : int
        Bound on every partial sum in all cases.
    """

    machine: str
    attention_margin: int
    newest_classes: int
    oldest_classes: int
    cases: int
    transitions: int
    wrong: int
    logit_margin: int
    least: int
    largest: int
    largest_sum: int

    @property
    def fits_int8(self) -> bool:
        """Whether no partial sum leaves −127 … 127."""
        return self.largest_sum <= np.iinfo(np.int8).max

    @property
    def proved(self) -> bool:
        """Whether the network equals the machine on every input and every window of at least 2 tokens, in exact
        integers and in int8."""
        return self.attention_margin > 0 and self.transitions > 0 and self.wrong == 0 and self.fits_int8


def certify_weights(table: TokenTable, weights: Weights) -> Certificate:
    """Decide whether `weights` make the step of `table` on every window, by the enumeration of this module.

    Parameters
    ----------
    table : TokenTable
        What the network has to do.
    weights : Weights
        Any weights of the right shapes, compiled or changed.

    Returns
    -------
    Certificate
        ``proved`` is sound, and complete for weights whose attention always reads the oldest token and whose
        ``largest_sum`` fits int8: a weight that does not change the step leaves it true, one that changes any case
        makes it false. ``largest_sum`` is a bound, so that some weights are refused whose values would fit.
    """
    step = NetworkStep.of(weights)
    state, symbol = np.divmod(np.arange(table.vocabulary), table.n_symbols)
    newest = np.unique(np.stack([step.newest_class, state]), axis=1)
    oldest = np.unique(np.stack([step.oldest_class, symbol]), axis=1)
    target = table.post.table.state[newest[1][:, None], oldest[1]].astype(int)
    pushed = table.post.table.symbol[newest[1][:, None], oldest[1]].astype(int)
    defined = target >= 0
    right = np.where(defined, target * table.n_symbols + pushed, 0)
    logits = step.logits[newest[0][:, None], oldest[0]]
    chosen = np.take_along_axis(logits, right[..., None], -1)[..., 0]
    np.put_along_axis(logits, right[..., None], -np.inf, -1)
    lead = (chosen - logits.max(-1))[defined]
    return Certificate(
        machine=table.post.turing.name,
        attention_margin=step.attention_margin,
        newest_classes=newest.shape[1],
        oldest_classes=oldest.shape[1],
        cases=defined.size,
        transitions=int(defined.sum()),
        wrong=int((lead <= 0).sum()),
        logit_margin=int(lead.min(initial=2**31)),
        least=step.least,
        largest=step.largest,
        largest_sum=step.largest_sum,
    )


def certify(machine: TuringMachine) -> Certificate:
    """Compile a machine and certify its network for all inputs and all windows."""
    table = TokenTable.from_post(PostMachine.from_turing(machine))
    return certify_weights(table, Weights.from_tokens(table))
