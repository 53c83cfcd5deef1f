"""How large a rounding error may be, element by element.

For softmax attention computed with unit roundoff u, an output element errs by at most c·u·κ with c ≤ 4 and

    κ = Σ_j p_j |v_j| (1 + l_j + Σ_k p_k l_k),     l_j = scale · Σ_d |q_d| |k_jd| + |bias_j|:

the mass that was accumulated, and the mass inside the exponents, whose absolute error is a relative one of the weight.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def softmax_budget(
    weights: Float[Tensor, "*batch rows"],
    values: Float[Tensor, "*batch rows value"],
    logit_mass: Float[Tensor, "*batch rows"],
) -> Float[Tensor, "*batch value"]:
    """κ from the weights p, the values and the logits' masses l."""
    inside = 1 + logit_mass + (weights * logit_mass).sum(-1, keepdim=True)
    return torch.einsum("...r,...rv->...v", weights * inside, values.abs())
