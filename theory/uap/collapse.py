"""Collapse of the gap: at a large scale of queries and keys, softmax selects one key and the rest is below rounding.

The theory takes the scale to infinity; a search must not.

References
----------
uap sheet, sections 8 (figure E) and 11.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lemmata.theory.uap.distinguish import forward
from lemmata.theory.uap.families import AttentionFamily, Rng, gaussian


def shared_token_gaps(
    family: AttentionFamily, rng: Rng, scale: float, draws: int, tokens: int = 6, dim: int = 2
) -> Float[Tensor, " draws"]:
    """Least distance, over the tokens that X and Y share, of what one layer makes of them; all are shared but the last.

    Each draw has its own pair of samples and its own parameters: standard normal, and queries and keys times `scale`.
    """
    pairs = gaussian(rng, 1.0, draws, 2, tokens, dim)
    pairs[:, 1, :-1] = pairs[:, 0, :-1]
    parameters = dict(family.sample(rng, dim, tokens, 1.0, draws))
    for name in ("query", "key"):
        parameters[name] = parameters[name] * scale
    out = forward([family], [parameters], pairs)[:, :, :-1]
    return (out[:, 0] - out[:, 1]).abs().amax(-1).amin(-1)
