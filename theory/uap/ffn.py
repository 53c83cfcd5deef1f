"""Definition 2: the FFN family is closed under affine maps on both sides, at the same width.

With ``h(x) = W₂ σ(W₁ x − b₁)``, for all W, A, b and every activation σ,

    W h(A x − b) = (W W₂) σ((W₁ A) x − (b₁ + W₁ b)).

Sums are not needed: width d, ``x ↦ W σ(A x − b)``, is such a family already. What the definition leaves out, read
literally: gated and squared ReLU layers (not Lipschitz) and layers behind a normalisation (not affine-invariant).

References
----------
uap: Definition 2; uap sheet, row U20 and erratum 6.7.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from lemmata.theory.uap.staircase import Units


def between(
    units: Units,
    left: Float[np.ndarray, "d d"],
    right: Float[np.ndarray, "d d"],
    offset: Float[np.ndarray, " d"],
) -> Units:
    """The units of ``x ↦ W h(A x − b)`` for ``h`` with the given units.

    Parameters
    ----------
    units : Units
        Of h. Works on arrays of sympy expressions as well.
    left, right, offset
        W, A and b.
    """
    return Units(left @ units.output, units.input @ right, units.bias + units.input @ offset)
