"""A unified framework for the universal approximation of transformer-type architectures: paper → modules.

* Attention families, eqs. (3), (12), (19)-(23): ``kernel`` (kernels as data), ``patterns`` (sparse patterns, who
  receives whom, automorphisms), ``families`` (the protocol and the mixers).
* Definition 3 and Theorem 2: ``distinguish`` searches for a witness in float64. ``colouring`` decides kernel attention
  on sparse patterns exactly (Corollary 2 and its corrected depth).
* Definition 2 and Proposition 1: ``staircase`` (the primitive), ``ffn`` (affine invariance), ``network`` (layers with
  their weights), ``interpolate`` (wide and narrow), ``enclosure`` (what a network does in exact arithmetic).
* Theorem 1: ``approximator`` (end to end, its error in four terms), ``lp_error`` (enclosed over the cube). The
  necessary side: ``receptive`` (what a token has not received).
* Where the assumptions bite: ``pairs`` (random adversarial samples), ``counterexamples`` (exact ones), ``limits`` (the
  kernel condition of Corollary 1), ``collapse`` (the gap in float64). ``mutants`` are wrong on purpose.
"""

from lemmata.theory.uap.approximator import Approximator, approximate, split_error
from lemmata.theory.uap.colouring import confused, distinguished, equal_tokens, layers_needed
from lemmata.theory.uap.distinguish import CollapseWarning, Verdict, Witness, distinguishes
from lemmata.theory.uap.enclosure import deviation
from lemmata.theory.uap.families import FAMILIES, AttentionFamily, sparse
from lemmata.theory.uap.interpolate import Interpolator, interpolate
from lemmata.theory.uap.patterns import automorphisms, connected, hops, received
from lemmata.theory.uap.receptive import receptive_bound

__all__ = [
    "FAMILIES",
    "Approximator",
    "AttentionFamily",
    "CollapseWarning",
    "Interpolator",
    "Verdict",
    "Witness",
    "approximate",
    "automorphisms",
    "confused",
    "connected",
    "deviation",
    "distinguished",
    "distinguishes",
    "equal_tokens",
    "hops",
    "interpolate",
    "layers_needed",
    "received",
    "receptive_bound",
    "sparse",
    "split_error",
]
