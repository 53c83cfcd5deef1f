"""Universal approximation of transformer-type architectures: the claims, in the order of the paper."""

from lemmata.claims.uap import separation, patterns, layers, counterexamples  # isort: skip  (the order of the paper)
from lemmata.claims.uap.paper import PAPER

__all__ = ["PAPER", "counterexamples", "layers", "patterns", "separation"]
