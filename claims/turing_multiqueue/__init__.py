"""Efficient Turing machine simulation with transformers: many queues of geometric sizes, one attention offset each.

The paper's full text was not available; the construction is the sheet's (sections 5.2 and 5.3), with one tape.
"""

from lemmata.claims.turing_multiqueue import machine, network, mechanism  # isort: skip  (the order of the paper)
from lemmata.claims.turing_multiqueue.paper import PAPER

__all__ = ["PAPER", "machine", "mechanism", "network"]
