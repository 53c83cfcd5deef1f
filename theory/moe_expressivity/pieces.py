r"""How many affine pieces does a mixture of experts have? Counted exactly, by enumeration of its routing regions.

Layer by layer, each region (an open set of inputs on which the state is one affine form) is cut by the gate's score
differences and by the hidden units that have a kink in it; empty parts are dropped by an exact test. Two enumerations
read the same weights: ``boxes`` where all cuts are axis-parallel, ``polytopes`` always.

References
----------
moe_expressivity sheet, sections 4.3, 4.4 and 4.5 (U1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lemmata.theory.moe_expressivity.boxes import Boxes, NotAxisParallelError, enumerate_boxes
from lemmata.theory.moe_expressivity.exact import ExactMoE
from lemmata.theory.moe_expressivity.integers import distinct
from lemmata.theory.moe_expressivity.polytopes import Polytope, enumerate_polytopes


@dataclass(frozen=True)
class Pieces:
    """What was counted.

    Attributes
    ----------
    paths : int
        Different routing paths that an open set of inputs takes.
    maps : int
        Different affine maps among the regions: the affine pieces of the function.
    slopes : int
        Different linear parts among those.
    regions : int
        Regions enumerated: those of the paths, cut further at the kinks of hidden units.
    """

    paths: int
    maps: int
    slopes: int
    regions: int


def count(moe: ExactMoE, method: Literal["auto", "boxes", "polytopes"] = "auto") -> Pieces:
    """Count paths and affine pieces over the whole domain; nothing is sampled.

    Parameters
    ----------
    moe : ExactMoE
    method : "auto", "boxes" or "polytopes"
        `auto` takes boxes if the weights allow it.

    Raises
    ------
    NotAxisParallelError
        For method "boxes", if a cut is not axis-parallel.
    ValueError
        For another method.
    """
    if method not in ("auto", "boxes", "polytopes"):
        raise ValueError(f"method {method!r} is not one of auto, boxes, polytopes")
    if method != "polytopes":
        try:
            boxes = enumerate_boxes(moe)
        except NotAxisParallelError:
            if method == "boxes":
                raise
        else:
            return summarise(boxes)
    return summarise(enumerate_polytopes(moe))


def summarise(regions: Boxes | list[Polytope]) -> Pieces:
    """Count the different paths and maps of enumerated regions."""
    if isinstance(regions, Boxes):
        paths, forms = regions.path.tolist(), list(regions.form)
    else:
        paths, forms = [region.path for region in regions], [region.form for region in regions]
    return Pieces(
        paths=len(set(map(tuple, paths))),
        maps=distinct(forms),
        slopes=distinct(form[:, :-1] for form in forms),
        regions=len(forms),
    )
