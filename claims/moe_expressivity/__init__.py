"""On the expressive power of mixtures of experts for structured tasks: the claims, in the order of the paper."""

from lemmata.claims.moe_expressivity import atlas, circle, dimension, trained_manifold  # isort: skip  (the order of the paper)
from lemmata.claims.moe_expressivity.paper import PAPER

__all__ = ["PAPER", "atlas", "circle", "dimension", "trained_manifold"]
