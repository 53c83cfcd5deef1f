"""Constant bit-size transformers are Turing complete: the claims, in the order of the paper.

The paper's full text was not available; the construction is the sheet's (section 4), which meets the paper's bounds.
"""

from lemmata.claims.turing import (  # isort: skip  (the order of the paper)
    post_machine,
    network,
    space,
    converse,
    softmax,
    trained,
)
from lemmata.claims.turing.paper import PAPER

__all__ = ["PAPER", "converse", "network", "post_machine", "softmax", "space", "trained"]
