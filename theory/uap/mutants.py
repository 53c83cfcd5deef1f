"""Wrong variants, each the smallest departure that must break a check.

``STEPS`` change one clause of the colouring's recursion, the classes one line of a family, ``NETWORKS`` one part of a
built network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from lemmata.theory.uap.colouring import Relation, Step, covered, refine_relation
from lemmata.theory.uap.counterexamples import Clock
from lemmata.theory.uap.families import FeedForward, Linformer, Parameters, Rng, each_token
from lemmata.theory.uap.network import Network
from lemmata.theory.uap.patterns import Pattern, received


def one_sided(equal: Relation, pattern: Pattern) -> Relation:
    """Colours agree already when N(i)'s colours are among N(j)'s: inclusion in place of equality."""
    return equal & covered(equal, pattern)


def without_residual(equal: Relation, pattern: Pattern) -> Relation:
    """A token forgets its own colour, as if the layer had no residual."""
    return covered(equal, pattern) & np.swapaxes(covered(np.swapaxes(equal, -1, -2), pattern), -1, -2)


def transposed(equal: Relation, pattern: Pattern) -> Relation:
    """N(i) is read from column i."""
    return refine_relation(equal, np.swapaxes(pattern, -1, -2))


STEPS: Mapping[str, Step] = {
    "intact": refine_relation,
    "one_sided": one_sided,
    "without_residual": without_residual,
    "transposed": transposed,
}


def received_backwards(layers: Sequence[Pattern]) -> Bool[np.ndarray, "*batch n n"]:
    """Reachability with the layers multiplied in the other order: ``(I + A_1) ⋯ (I + A_m)``."""
    return received(layers[::-1])


@dataclass(frozen=True)
class UniformLinformer(Linformer):
    """Linformer whose E and F weigh all tokens alike: one number a row in place of n."""

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """As the right one, with each row of the mixing matrices constant."""
        drawn = dict(super().sample(rng, dim, tokens, scale, draws))
        for name in ("mix_keys", "mix_values"):
            drawn[name] = drawn[name][..., :1].expand_as(drawn[name])
        return drawn


class AffineFeedForward(FeedForward):
    """A token-wise layer without its nonlinearity."""

    def hidden(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """``A x_i − b``."""
        threshold = parameters["threshold"].reshape(len(x), *(1,) * (x.ndim - 2), -1)
        return each_token(parameters["input"], x) - threshold


class LinearClock(Clock):
    """The clock family without its ReLU, hence analytic in X as well: one clock serves both signs."""

    def opens(self, signed_clock: Tensor) -> Tensor:
        """All of it."""
        return signed_clock


# -------------------------------------------------------------------------------------------------- built networks


def without_ramp(network: Network, ramp: int) -> Network:
    """One ramp of the staircases flattened: from there on, all tokens of the sweep miss one step."""
    changed = deepcopy(network)
    for layer in changed.feed_forward:
        # A ramp is a pair of neighbouring units with opposite weights.
        output = layer.output.data
        pairs = [u for u in range(layer.width - 1) if output[:, u].any() and (output[:, u] == -output[:, u + 1]).all()]
        if ramp < len(pairs):
            output[:, pairs[ramp] : pairs[ramp] + 2] = 0
            return changed
        ramp -= len(pairs)
    raise ValueError("the network has fewer ramps")


def without_layer(network: Network, index: int) -> Network:
    """One FFN layer left out."""
    skipped = network.feed_forward[index]
    return Network(deepcopy(layer) for layer in network if layer is not skipped)


def in_single_precision(network: Network) -> Network:
    """Every weight rounded to float32, and stored in float64 again."""
    return deepcopy(network).float().double()


NETWORKS: Mapping[str, Callable[[Network], Network]] = {
    "intact": lambda network: network,
    "without_ramp": lambda network: without_ramp(network, 3),
    "without_layer": lambda network: without_layer(network, len(network.feed_forward) // 2),
    "single": in_single_precision,
}
