"""Float formats against torch's own casts, long sums against one addition after the other, and the rounded decoder
against the whole network computed in torch's dtypes."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.formats import (
    BFLOAT16,
    E4M3,
    E5M2,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    FORMATS,
    Format,
    repeated_sum,
    round_to,
    stagnation,
)
from lemmata.theory.turing.library import BB3, INC
from lemmata.theory.turing.rounded import (
    Arithmetic,
    Contest,
    Reading,
    contests,
    failures,
    format_table,
    masses,
    predicted_gap,
    smallest_formats,
    smallest_gap,
)
from lemmata.theory.turing.softmax import adversarial_windows
from lemmata.theory.turing.softmax import failures as exact_failures

NARROW = (FLOAT16, BFLOAT16, E4M3, E5M2)


def named(form: Format) -> str:
    return form.name


def dtype(form: Format) -> torch.dtype:
    return getattr(torch, form.name)


def cast(form: Format, x: np.ndarray) -> np.ndarray:
    """Torch's rounding of numbers that float32 holds."""
    return torch.from_numpy(x.astype(np.float32)).to(dtype(form)).double().numpy()


# ----------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("form", FORMATS, ids=named)
def test_sizes_are_those_of_torch(form: Format) -> None:
    info = torch.finfo(dtype(form))
    assert (form.bits, form.largest, 2 * form.roundoff) == (info.bits, info.max, info.eps)
    assert 2.0**form.least_exponent == info.tiny
    assert form.least == info.tiny * info.eps


@pytest.mark.parametrize("form", NARROW, ids=named)
def test_every_code_and_every_midpoint_rounds_as_torch_casts_it(form: Format) -> None:
    codes = torch.arange(2**form.bits, dtype=torch.int64).to(torch.uint8 if form.bits == 8 else torch.uint16)
    numbers = codes.view(dtype(form)).double().numpy()
    finite = np.unique(numbers[np.isfinite(numbers)])
    assert (finite.max(), finite[finite > 0].min()) == (form.largest, form.least)
    np.testing.assert_array_equal(round_to(form, numbers), numbers)  # infinities and NaN too
    middles = (finite[1:] + finite[:-1]) / 2
    near = np.concatenate([np.nextafter(np.float32(middles), np.float32(side)) for side in (-1e9, 1e9)])
    for x in (middles, near.astype(np.float64)):
        np.testing.assert_array_equal(round_to(form, x), cast(form, x))


@pytest.mark.parametrize("form", [FLOAT32, *NARROW], ids=named)
def test_random_numbers_round_as_torch_casts_them(form: Format) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=100_000) * 2.0 ** rng.integers(-150 if form.exponent_bits == 8 else -30, 9, 100_000)
    x = x[np.abs(x) <= form.largest]
    if form is FLOAT32:
        np.testing.assert_array_equal(round_to(form, x), x.astype(np.float32).astype(np.float64))
    else:
        x = x.astype(np.float32).astype(np.float64)
        np.testing.assert_array_equal(round_to(form, x), cast(form, x))


@pytest.mark.parametrize("form", NARROW, ids=named)
def test_overflow_begins_half_a_spacing_above_the_largest_number(form: Format) -> None:
    spacing = 2.0 ** (math.floor(math.log2(form.largest)) - form.mantissa_bits)
    tie = form.largest + spacing / 2
    over = np.array([tie, 1e300, np.inf]) if form.infinity else np.array([np.nextafter(tie, np.inf), 1e300, np.inf])
    below = np.array([form.largest, np.nextafter(tie, 0)])
    assert (round_to(form, below) == form.largest).all()
    assert (round_to(form, np.concatenate([over, -over]), saturate=True) == np.repeat([1, -1], 3) * form.largest).all()
    lost = round_to(form, np.concatenate([over, -over]))
    if form.infinity:
        assert (lost == np.repeat([np.inf, -np.inf], 3)).all()
    else:
        assert np.isnan(lost).all()
    assert np.isnan(round_to(form, np.array([np.nan]), saturate=True)).all()


# -------------------------------------------------------------------------------------------------------- sums


@pytest.mark.parametrize("start", [0.0, 1.0])
@pytest.mark.parametrize("form", [FLOAT64, FLOAT32, FLOAT16], ids=named)
def test_a_long_sum_is_numpys_running_sum(form: Format, start: float) -> None:
    rng = np.random.default_rng(1)
    kind = np.dtype(form.name)
    terms = np.concatenate([rng.uniform(0, 0.3, 20), 2.0 ** -rng.uniform(3, 24, 20), 2.0 ** -np.arange(5, 15), [0]])
    terms = terms.astype(kind)
    for count in (0, 1, 2, 3, 7, 100, 4_999, 60_000):
        wanted = [np.add.accumulate(np.array([start] + [term] * count, kind))[-1] for term in terms]
        with np.errstate(over="ignore"):
            made = repeated_sum(form, np.full(len(terms), start), terms.astype(np.float64), count)
        np.testing.assert_array_equal(made, np.array(wanted, np.float64))


@pytest.mark.parametrize("form", [BFLOAT16, E4M3, E5M2], ids=named)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 1_500))
def test_a_sum_of_equal_terms_is_one_addition_after_the_other(form, start: float, term: float, count: int) -> None:
    kind = dtype(form)
    total, piece = (torch.tensor([x], dtype=torch.float32).to(kind) for x in (start, term))
    begin, step = total.double().numpy(), piece.double().numpy()
    for _ in range(count):
        total, before = (total.float() + piece.float()).to(kind), total
        if torch.equal(total.float(), before.float()):
            break
    assert repeated_sum(form, begin, step, count) == total.double()


@pytest.mark.parametrize("form", NARROW, ids=named)
def test_a_sum_of_equal_terms_stops_where_predicted(form: Format) -> None:
    # Terms so small that the sum does not overflow, so large that they are positive.
    top = form.largest * form.roundoff / 4
    terms = np.unique(round_to(form, np.geomspace(max(form.least, 1e-30), top, 300)))
    many = int(4 / form.roundoff)
    np.testing.assert_array_equal(repeated_sum(form, np.zeros_like(terms), terms, many), stagnation(form, terms))
    before = repeated_sum(form, np.zeros_like(terms), terms, int(1 / form.roundoff) - 1)
    assert (before < stagnation(form, terms)).all()


def test_a_sum_wants_terms_that_are_not_negative() -> None:
    with pytest.raises(ValueError, match="count -1"):
        repeated_sum(E4M3, np.zeros(1), np.ones(1), -1)
    with pytest.raises(ValueError, match="term -1.0 must not be negative"):
        repeated_sum(E4M3, np.zeros(1), -np.ones(1), 2)


# ----------------------------------------------------------------------------------------------------- decoder


def network_failures(table, weights, form: Format, wide: bool, window: int, gap: float, reciprocal: bool) -> int:
    """Adversarial windows lost by the network computed with all its weights in torch's dtype, term by term."""
    kind = dtype(form)
    partial = torch.float32 if wide else kind

    def add(terms, axis: int):
        """A sum along an axis, term by term."""
        total = torch.zeros_like(terms.select(axis, 0))
        for i in range(terms.shape[axis]):
            total = (total + terms.select(axis, i)).to(partial).float()
        return total.to(kind).float()

    def matmul(x, y):
        return add(x[:, :, None] * y[None], 1)  # products with weights -1, 0, 1 are exact

    w = {name: torch.from_numpy(array.astype(np.float32)) for name, array in weights.arrays().items()}
    lost = 0
    for windows, right in adversarial_windows(table, window):
        stream = w["embedding"][torch.from_numpy(windows)]
        stream = stream + torch.from_numpy(weights.positions(window)[::-1].astype(np.float32))
        newest = stream[:, -1]
        beta = torch.tensor(gap).to(kind).float()
        scores = beta * (stream @ w["key"])[..., 0] * (newest @ w["query"])
        power = torch.exp((scores - scores.max(1, keepdim=True).values).double()).to(kind).float()
        total = add(power, 1)[:, None]
        mass = (power * (1 / total).to(kind).float() if reciprocal else power / total).to(kind).float()
        attended = add(mass[:, :, None] * stream, 1) @ w["value"]  # the value matrix copies
        middle = newest + attended  # their blocks do not overlap
        terms = torch.cat([middle[:, :, None] * w["hidden"], w["hidden_bias"].expand(len(middle), 1, -1)], 1)
        logits = matmul(matmul(torch.relu(add(terms, 1)), w["output"]), w["unembedding"])
        chosen = logits.gather(1, torch.from_numpy(right)[:, None])[:, 0]
        others = logits.scatter(1, torch.from_numpy(right)[:, None], -1.0)
        lost += int((chosen <= others.max(1).values).sum())
    return lost


@pytest.mark.parametrize("wide", [True, False], ids=["wide", "narrow"])
@pytest.mark.parametrize("form", [FLOAT32, *NARROW], ids=named)
def test_the_decoder_loses_the_windows_that_the_whole_network_loses(form: Format, wide: bool) -> None:
    table, weights = compile_machine(INC)
    for window in (3, 12, 30):
        centre = math.log(window - 1)
        for gap in (centre - 0.4, centre + 0.02, centre + 0.1, centre + 0.6):
            how = Arithmetic(form, wide, reciprocal=window == 12)
            wanted = network_failures(table, weights, form, wide, window, gap, how.reciprocal)
            assert failures(table, how, window, gap)[0] == wanted


def test_wrong_tokens_are_spread_as_evenly_as_they_can_be() -> None:
    gaps = np.log([1.9, 2.1, 2.9, 3.1])  # five tokens over two symbols: the more frequent one has three
    reading = Reading(Arithmetic(FLOAT64), 6, gaps)
    assert reading.wins(Contest(0, (0, 1, 2), (0, 1, 2))).tolist() == [False, False, False, True]


def test_a_mass_above_one_is_a_loss() -> None:
    # Without subtraction S is near float16's largest number; its reciprocal, rounded up, makes p_0 exceed 1.
    how = Arithmetic(FLOAT16, wide=False, reciprocal=True, subtract_max=False)
    gaps = np.array([10.375, 9.0])
    oldest, other = masses(how, 3, gaps)
    assert oldest[0] > 1 >= oldest[1]
    assert (other < 0.01).all()
    contest = Contest(0, (0, 1, 0), (0, 1, 1))
    assert Reading(how, 3, gaps).wins(contest).tolist() == [False, True]


@pytest.mark.parametrize("machine", [INC, BB3], ids=lambda machine: machine.name)
def test_in_float64_it_is_the_softmax_decoder(machine) -> None:
    table, weights = compile_machine(machine)
    for window in (3, 10, 30):
        for gap in np.linspace(0.1, 4, 9):
            exact = exact_failures(table, weights, window, float(gap))
            assert failures(table, Arithmetic(FLOAT64), window, float(gap)) == exact


def test_contests_with_one_wrong_symbol_are_the_adversarial_windows() -> None:
    table, _ = compile_machine(INC)
    assert sum(contests(table).values()) == sum(len(right) for _, right in adversarial_windows(table, 5))


def test_masses_add_up_where_nothing_is_swamped() -> None:
    oldest, other = masses(Arithmetic(FLOAT64), 9, np.array([1.0, 2.0]))
    np.testing.assert_allclose(oldest, np.exp([1, 2]) / (np.exp([1, 2]) + 8), rtol=1e-15)
    np.testing.assert_allclose(oldest + 8 * other, 1, rtol=1e-15)


@pytest.mark.parametrize("form", NARROW, ids=named)
def test_masses_are_rounded_as_torch_rounds_them(form: Format) -> None:
    gaps, window, kind = np.arange(0.503, 6, 0.01), 7, dtype(form)  # no ties: torch casts by way of float32
    beta = torch.from_numpy(gaps).to(kind).double()
    other = torch.exp(-beta).to(kind).float()
    total = torch.ones_like(other)
    for _ in range(window - 1):
        total = (total + other).to(kind).float()
    quotient = (other / total).to(kind).double().numpy()
    product = (other * (1 / total).to(kind).float()).to(kind).double().numpy()
    np.testing.assert_array_equal(masses(Arithmetic(form, wide=False), window, gaps)[1], quotient)
    np.testing.assert_array_equal(masses(Arithmetic(form, wide=False, reciprocal=True), window, gaps)[1], product)
    assert (quotient != product).any()


@pytest.mark.parametrize("wide", [True, False], ids=["wide", "narrow"])
@pytest.mark.parametrize("form", FORMATS, ids=named)
def test_the_least_gap_is_where_the_bounds_say(form: Format, wide: bool) -> None:
    kinds = contests(compile_machine(INC)[0])
    how = Arithmetic(form, wide)
    for window in (3, 7, 31, 225, 700, 3_000, 10**5, 10**9):
        low, high = predicted_gap(how, window)
        first, least = smallest_gap(kinds, how, window)
        assert low <= least <= high
        assert first <= least


def test_rounding_makes_softmax_hard() -> None:
    """A gap of 7 decodes every window: e^-7 is 0 in e4m3, and a sum of equal terms stops in bfloat16."""
    table, _ = compile_machine(INC)
    for window in (10, 10**3, 10**12):
        assert failures(table, Arithmetic(E4M3), window, 7.0)[0] == 0
        assert failures(table, Arithmetic(BFLOAT16, wide=False), window, 7.0, symbols=2)[0] == 0
        # ... and not in float64, up to N - 1 < e^7
        assert (failures(table, Arithmetic(FLOAT64), window, 7.0)[0] == 0) == (window - 1 < math.exp(7))


def test_without_the_maximum_subtracted_large_gaps_overflow() -> None:
    kinds = contests(compile_machine(INC)[0])
    for form, largest in ((FLOAT16, 65504.0), (E4M3, 448.0)):
        how = Arithmetic(form, subtract_max=False)
        gaps = np.array([math.log(largest) - 0.5, math.log(largest) + 0.5])
        won = np.all([Reading(how, 3, gaps).wins(kind) for kind in kinds], axis=0)
        assert won.tolist() == [True, False]


def test_the_smallest_format_over_windows() -> None:
    table, _ = compile_machine(INC)
    rows = format_table(table, (3, 300, 2_000), wide=True)
    assert len(rows) == 3 * len(FORMATS)
    assert [smallest_formats(rows, window) for window in (3, 300)] == [["float16", "bfloat16"]] * 2
    assert smallest_formats(rows, 2_000) == ["float8_e4m3fn"]
    gaps = [row.gap for row in rows if row.window == 300]
    assert all(a <= b + 1 / 64 for a, b in pairwise(gaps))
