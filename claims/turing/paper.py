"""The rows of the paper's sheet; the modules beside this one register their claims on it."""

from lemmata.claims.framework import Paper

PAPER = Paper(
    "turing",
    rows={
        "T1": "Post machine = Turing machine at every Turing step",
        "T2": "generated tokens = 2 + n_R + N n_L",
        "T3": "transformer = Post machine token by token, no ties",
        "T4": "weights identical for all windows",
        "T5": "bit size constant in n, parameter formula",
        "T6": "a ring that is too small fails",
        "T7": "mutated weights break it where predicted",
        "T8": "softmax threshold N - 1 < exp(beta)",
        "T9": "softmax with beta = ln(N-1) + 0.1 always works",
        "T10": "streaming simulator uses O(N) bits and agrees",
        "T11": "eventual periodicity within |V|^N tokens",
        "T12": "left steps cost exactly N tokens, right steps 1",
        "T18": "growing-queue Post machine",
        "T19": "a trained softmax layer with a relative bias learns the queue read",
        "T20": "length transfer by the explicit bias formula",
    },
)
