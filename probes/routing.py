"""What does a mixture of experts route by? Numbers from its choices, and from forcing other ones.

*Composition*: the choice of a layer is a function of one coordinate's cell, all E^L paths occur, and exchanging an
expert changes the output by something that depends on that coordinate alone. *Memorisation*: choices depend on the
joint cell. All probes read ``blocks.{layer}.mlp.hook_expert_indices``, and swaps write to it.

References
----------
moe_expressivity sheet, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens.hook_points import HookPoint

from lemmata.toy_models.hooked.base import HookedModel


def _hook(layer: int) -> str:
    return f"blocks.{layer}.mlp.hook_expert_indices"


@torch.no_grad()
def routing(model: HookedModel, inputs: Float[Tensor, "batch d"]) -> Int[Tensor, "batch layer"]:
    """The routing path of every input: the expert of each layer."""
    names = [_hook(layer) for layer in range(len(model.blocks))]
    _, cache = model.run_with_cache(inputs, names_filter=names)
    return torch.cat([cache[name] for name in names], 1)


def visited_paths(paths: Int[Tensor, "batch layer"]) -> int:
    """How many different paths occur; E^L for a composition, if inputs reach every cell."""
    return len(torch.unique(paths, dim=0))


def entropy(labels: Int[Tensor, " batch"]) -> float:
    """Of the empirical distribution, in nats."""
    share = torch.unique(labels, return_counts=True)[1].double() / len(labels)
    return float(-(share * share.log()).sum())


def mutual_information(first: Int[Tensor, " batch"], second: Int[Tensor, " batch"]) -> float:
    """``I(first; second)`` of the empirical joint distribution, in nats.

    Returns
    -------
    float
        From 0 to the smaller entropy. The empirical value of independent labels of p and q kinds is about
        ``(p − 1)(q − 1)/(2 batch)``, not 0, unless the inputs are balanced.

    Raises
    ------
    ValueError
        If there are not as many labels of one as of the other.
    """
    if len(first) != len(second):
        raise ValueError(f"first has {len(first)} labels and second {len(second)}; they go in pairs")
    joint = first * (int(second.max()) + 1) + second
    return max(entropy(first) + entropy(second) - entropy(joint), 0.0)


def routing_information(
    paths: Int[Tensor, "batch layer"], cells: Int[Tensor, "batch coordinate"]
) -> Float[Tensor, "layer coordinate"]:
    """``I(choice of layer l; cell of coordinate j)``: the routing-region map.

    Composition: log E for the coordinate that a layer routes by, 0 for the others and for layers that do not route.
    """
    table = [[mutual_information(choice, cell) for cell in cells.T] for choice in paths.T]
    return torch.tensor(table, dtype=torch.float64)


def composition_score(paths: Int[Tensor, "batch layer"], cells: Int[Tensor, "batch coordinate"]) -> float:
    """How far each choice is explained by one coordinate: mean over layers of ``max_j I(choice; cell_j) / H(choice)``.

    Layers that always choose the same expert do not count.

    Returns
    -------
    float
        In [0, 1]; 1 exactly if every choice is a function of the cell of one coordinate.

    Raises
    ------
    ValueError
        If no layer routes.
    """
    information = routing_information(paths, cells).amax(1)
    uncertain = torch.tensor([entropy(choice) for choice in paths.T], dtype=torch.float64)
    routed = uncertain > 0
    if not routed.any():
        raise ValueError("paths has one expert in every layer; there is no routing to explain")
    return float((information[routed] / uncertain[routed]).mean())


def expert_overlap(choice: Int[Tensor, " batch"], cell: Int[Tensor, " batch"]) -> float:
    """How much the cells that two experts see have in common: ``Σ_c min(p(c | i), p(c | i'))``, mean over pairs used.

    Returns
    -------
    float
        In [0, 1]; 0 if each expert has cells of its own, 1 if all see the same cells equally often.

    Raises
    ------
    ValueError
        If fewer than two experts are chosen.
    """
    kinds = torch.unique(choice)
    if len(kinds) < 2:
        raise ValueError(f"choice has {len(kinds)} expert; an overlap needs two")
    bins = int(cell.max()) + 1
    shares = torch.stack([torch.bincount(cell[choice == kind], minlength=bins).double() for kind in kinds])
    shares = shares / shares.sum(1, keepdim=True)
    first, second = torch.triu_indices(len(kinds), len(kinds), 1)
    return float(torch.minimum(shares[first], shares[second]).sum(1).mean())


@torch.no_grad()
def swapped(
    model: HookedModel, inputs: Float[Tensor, "batch d"], swaps: Sequence[tuple[int, int]]
) -> Float[Tensor, "batch out"]:
    """The output with the choice of some layers forced: `swaps` holds pairs (layer, expert).

    ValueError if the model has no such layer, or the layer no such expert.
    """
    for layer, expert in swaps:
        if not 0 <= layer < len(model.blocks):
            raise ValueError(f"layer {layer} is not one of 0 to {len(model.blocks) - 1}")
        mlp: Any = model.get_submodule(f"blocks.{layer}.mlp")
        if not 0 <= expert < mlp.n_experts:
            raise ValueError(f"expert {expert} is not one of 0 to {mlp.n_experts - 1} of layer {layer}")

    def force(expert: int) -> Callable[[Tensor, HookPoint], Tensor]:
        return lambda indices, hook: torch.full_like(indices, expert)

    output: Tensor = model.run_with_hooks(inputs, fwd_hooks=[(_hook(layer), force(e)) for layer, e in swaps])
    return output


def swap_effect(
    model: HookedModel, inputs: Float[Tensor, "batch d"], layer: int, expert: int
) -> Float[Tensor, "batch out"]:
    """Change of the output when `expert` is forced in `layer`. Composition: ``f_{l,expert}(x_l) − f_{l,i}(x_l)``."""
    return swapped(model, inputs, [(layer, expert)]) - swapped(model, inputs, [])


def swap_locality(
    model: HookedModel,
    inputs: Float[Tensor, "batch d"],
    layer: int,
    expert: int,
    coordinate: int,
    generator: torch.Generator,
) -> float:
    """Share of the variance of a swap's effect that one coordinate explains (its first-order Sobol index).

    ``1 − E‖Δ(x) − Δ(x')‖² / (2 Var Δ)`` where x' has the coordinate of x and all others of another input. The inputs'
    coordinates should be independent.

    Returns
    -------
    float
        In [0, 1] up to sampling error; 1 exactly if the effect depends on that coordinate alone.

    Raises
    ------
    ValueError
        If the swap changes the output everywhere by the same amount.
    """
    other = inputs[torch.randperm(len(inputs), generator=generator)]
    other[:, coordinate] = inputs[:, coordinate]
    effect, mixed = swap_effect(model, inputs, layer, expert), swap_effect(model, other, layer, expert)
    variance = float(torch.cat([effect, mixed]).var(0, correction=0).sum())
    if variance == 0:
        raise ValueError(f"expert {expert} forced in layer {layer} changes the output by a constant; nothing varies")
    return 1 - float((effect - mixed).square().sum(1).mean()) / (2 * variance)


def swap_interaction(
    model: HookedModel, inputs: Float[Tensor, "batch d"], first: tuple[int, int], second: tuple[int, int]
) -> float:
    """Largest ``|f_12 − f_1 − f_2 + f|`` for two swaps (layer, expert); 0 for a composition."""
    single = [swapped(model, inputs, [swap]) for swap in (first, second)]
    both, neither = swapped(model, inputs, [first, second]), swapped(model, inputs, [])
    return float((both - single[0] - single[1] + neither).abs().max())
