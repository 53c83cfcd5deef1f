"""The rows of the paper's sheet; the modules beside this one register their claims on it."""

from lemmata.claims.framework import Paper

PAPER = Paper(
    "turing_multiqueue",
    rows={
        "T13": "multi-queue machine = Turing machine",
        "T14": "multi-queue steps per Turing step grow as s^(1/k')",
        "T15": "every queue pops and pushes exactly once a step",
        "T16": "finite control: no conflicts, state count saturates in s",
        "T17": "window-only replay of the multi-queue machine",
        "T21": "decode time with fixed offsets is independent of the window",
    },
)
