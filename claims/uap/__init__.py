"""Universal approximation of transformer-type architectures: the claims, in the order of the paper."""

from lemmata.claims.uap import separation, patterns, layers, counterexamples, approximation, trained  # isort: skip  (the order of the paper)
from lemmata.claims.uap.paper import PAPER

__all__ = ["PAPER", "approximation", "counterexamples", "layers", "patterns", "separation", "trained"]
