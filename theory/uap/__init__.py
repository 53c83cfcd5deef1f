"""A unified framework for the universal approximation of transformer-type architectures: paper → modules.

* Attention families, eqs. (3), (12), (19)-(23): ``kernel`` (kernels as data), ``patterns`` (sparse patterns, who
  receives whom, automorphisms), ``families`` (the protocol and the mixers).
* Definition 3 and Theorem 2: ``distinguish`` searches for a witness in float64. ``colouring`` decides kernel attention
  on sparse patterns exactly (Corollary 2 and its corrected depth).
* Where the assumptions bite: ``pairs`` (random adversarial samples), ``counterexamples`` (exact ones), ``limits`` (the
  kernel condition of Corollary 1), ``collapse`` (the gap in float64). ``mutants`` are wrong on purpose.
"""

from lemmata.theory.uap.colouring import confused, distinguished, equal_tokens, layers_needed
from lemmata.theory.uap.distinguish import CollapseWarning, Verdict, Witness, distinguishes
from lemmata.theory.uap.families import FAMILIES, AttentionFamily, sparse
from lemmata.theory.uap.patterns import automorphisms, connected, hops, received

__all__ = [
    "FAMILIES",
    "AttentionFamily",
    "CollapseWarning",
    "Verdict",
    "Witness",
    "automorphisms",
    "confused",
    "connected",
    "distinguished",
    "distinguishes",
    "equal_tokens",
    "hops",
    "layers_needed",
    "received",
    "sparse",
]
