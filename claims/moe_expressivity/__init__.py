"""On the expressive power of mixtures of experts for structured complex tasks: the claims, in the order of the paper."""

from lemmata.claims.moe_expressivity.paper import PAPER

__all__ = ["PAPER"]
