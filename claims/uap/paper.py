"""The rows of the paper's sheet; the modules beside this one register their claims on it."""

from lemmata.claims.framework import Paper

PAPER = Paper(
    "uap",
    rows={
        "U1": "generic pairs are distinguished by one layer of each listed family",
        "U2": "S_n families never separate a sample from its permutation",
        "U3": "Linformer separates a sample from its permutations",
        "U4": "Weisfeiler-Leman criterion = numeric decision for sparse kernel attention",
        "U5": "Corollary 2 with m layers is violated, with hops + 1 never",
        "U6": "orders of the automorphism groups",
        "U7": "kernel limit condition holds almost everywhere for the listed kernels",
        "U8": "polynomial kernels see moments: Prouhet-Tarry-Escott sets",
        "U9": "un-normalised linear attention sees second moments at all depths",
        "U10": "wide interpolator",
        "U11": "narrow interpolator and its layer count",
        "U12": "L^p error falls with the grid, the sup error does not",
        "U13": "a built network is G-equivariant",
        "U14": "hop threshold of a window",
        "U15": "hop threshold of a circular convolution",
        "U16": "a trained sliding-window network meets the receptive-field bound",
        "U17": "hardmax separates every pair and never the quadruple",
        "U18": "joint analyticity is needed",
        "U19": "a constant kernel fails Definition 3, an FFN first separates",
        "U20": "the FFN family is closed under affine maps",
    },
)
