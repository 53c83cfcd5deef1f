"""Constant bit-size transformers are Turing complete: the claims, in the order of the paper.

The paper's full text was not available; the construction is the sheet's (section 4), which meets the paper's bounds.
"""

from lemmata.claims.turing import post_machine, network, space, softmax, trained  # isort: skip  (the order of the paper)
from lemmata.claims.turing.paper import PAPER

__all__ = ["PAPER", "network", "post_machine", "softmax", "space", "trained"]
