"""The rows of the paper's sheet; the modules beside this one register their claims on it."""

from lemmata.claims.framework import Paper

PAPER = Paper(
    "moe_expressivity",
    rows={
        "ME1": "deep construction: exactly E^L affine pieces and paths",
        "ME2": "composed construction: E^L pieces on one input",
        "ME3": "affine-expert upper bounds",
        "ME4": "fewer pieces when coefficients repeat",
        "ME5": "exact-assignment lemma and its tightness",
        "ME6": "cells of a linear gate are convex",
        "ME7": "concentric circles need a nonlinear gate",
        "ME8": "a bias-free gate on a positive scalar uses one expert",
        "ME9": "circle: error m^-2, whatever the ambient dimension",
        "ME10": "circle: error E^-2",
        "ME11": "two linear charts are too few",
        "ME12": "limited smoothness sets the slope",
        "ME13": "intrinsic dimension sets the rate",
        "ME14": "sphere with six experts and a linear gate",
        "ME15": "dense control on the sphere",
        "ME16": "product of circles: E^L paths with L E routed experts",
        "ME17": "rank obstruction without compositional sparsity",
        "ME18": "jump targets",
        "ME19": "router gradient is zero at K = 1",
        "ME20": "trained deep against shallow mixture",
    },
)
