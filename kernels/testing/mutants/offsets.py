"""Wrong variants of the fixed-offset decoding kernel."""

from __future__ import annotations

from lemmata.kernels.testing.mutants import Mutant

_MODULE = "lemmata.kernels.decode.offsets.triton"

MUTANTS = tuple(
    Mutant(name, _MODULE, old, new)
    for name, old, new in (
        ("offset_one_off", "(written - 1 - distance)", "(written - distance)"),
        ("modulo_dropped", "(written - 1 - distance) % window", "written - 1 - distance"),
        ("length_mask_dropped", "there = tl.minimum(written, window)", "there = window"),
        ("window_mask_dropped", "there = tl.minimum(written, window)", "there = written"),
        ("sign_mask_dropped", "(distance >= 0) & (distance < there)", "(distance < there)"),
        ("score_mask_dropped", 'tl.where(seen, score, -float("inf"))', "score"),
        ("scale_dropped", "other=0.0).to(tl.float32) * scale", "other=0.0).to(tl.float32)"),
        ("bias_dropped", "score += tl.load(", "score += 0.0 * tl.load("),
        ("first_head_for_all", "v + batch * v_batch + head * v_head", "v + batch * v_batch"),
        ("first_batch_for_all", "k + batch * k_batch + head * k_head", "k + head * k_head"),
        ("maximum_not_subtracted", '-float("inf"), 0.0, now)', '-float("inf"), 0.0, 0.0 * now)'),
        ("sum_not_rescaled", "total = total * shrink", "total = total"),
        ("output_not_rescaled", "weighted = weighted * shrink", "weighted = weighted"),
        ("empty_row_unguarded", "tl.where(total > 0.0, total, 1.0)", "total"),
        ("last_dim_masked", "mask=seen[:, None] & (at < DIM)[None, :]", "mask=seen[:, None] & (at < DIM - 1)[None, :]"),
        (
            "addresses_of_32_bits",
            "(written - 1 - distance) % window, 0)",
            "(written - 1 - distance) % window, 0).to(tl.int32)",
        ),
    )
)
"""Each with one thing wrong; the last shows only in a cache of more than 2^31 elements."""
