"""On the expressive power of mixtures of experts for structured tasks: the claims, in the order of the paper."""

# The order of the paper.
# isort: off
from lemmata.claims.moe_expressivity import (
    atlas,
    circle,
    dimension,
    manifolds,
    pieces,
    obstructions,
    trained_manifold,
    trained,
)

# isort: on
from lemmata.claims.moe_expressivity.paper import PAPER

__all__ = [
    "PAPER",
    "atlas",
    "circle",
    "dimension",
    "manifolds",
    "obstructions",
    "pieces",
    "trained",
    "trained_manifold",
]
