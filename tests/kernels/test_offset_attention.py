"""Attention at fixed distances: two formulations against a third, the kernel under the interpreter against that within
a budget for every element, mutants, cost, and compilation without a GPU."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from lemmata.kernels.decode.offsets import cost, offset_attention, reference
from lemmata.kernels.testing.budgets import softmax_budget
from lemmata.kernels.testing.mutants.offsets import MUTANTS

ROOM = 200
"""Slots of NaN before and after the ring: what reads outside of it shows, and stays within its memory."""


class Case(NamedTuple):
    """Arguments of one call, and a scale."""

    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    length: torch.Tensor
    distances: torch.Tensor
    bias: torch.Tensor
    scale: float


def case(
    seed: int = 0,
    *,
    batch: int = 3,
    heads: int = 2,
    window: int = 37,
    dim: int = 24,
    value: int = 40,
    rows: int = 5,
    lengths: tuple[int, ...] | None = None,
    dtype: torch.dtype = torch.float32,
    logits: float = 1.0,
    poison: bool = True,
) -> Case:
    """Random arguments: lengths from 0 to beyond the window, distances from −1 to beyond it, rows that no head may read
    poisoned with NaN, the ring inside a larger tensor of NaN, and no contiguous tensor among q, k and v."""
    g = torch.Generator().manual_seed(seed)
    length = torch.tensor(lengths or [0, window // 2, window + 20, window, 1, 3 * window][:batch])
    q = torch.randn(heads, batch, dim, generator=g).transpose(0, 1) * logits
    distances = torch.randint(-1, window + 3, (heads, rows), generator=g)
    distances[:, 0] = 0
    distances[0, -1] = window - 1
    k, v = (
        torch.full((batch, window + 2 * ROOM, heads, size), torch.nan).transpose(1, 2)[:, :, ROOM : ROOM + window]
        for size in (dim, value)
    )
    for tensor in (k, v):
        tensor.copy_(torch.randn(tensor.shape, generator=g))
    if poison:
        slot = torch.arange(window)
        distance = (length[:, None] - 1 - slot) % window
        read = (distance[:, None, :, None] == distances[None, :, None, :]).any(-1)
        read &= (distance < length[:, None])[:, None]
        for tensor in (k, v):
            tensor.masked_fill_(~read[..., None], torch.nan)
    bias = torch.randn(heads, rows, generator=g)
    return Case(q.to(dtype), k.to(dtype), v.to(dtype), length, distances, bias, dim**-0.5)


def exact(given: Case) -> torch.Tensor:
    """In float64, one head at a time in plain Python arithmetic: the oracle of both formulations."""
    q, k, v = (x.double() for x in given[:3])
    out = torch.zeros(*q.shape[:2], v.shape[3], dtype=torch.float64)
    window = k.shape[2]
    for b, written in enumerate(given.length.tolist()):
        tokens = {number: number % window for number in range(max(0, written - window), written)}
        for h, listed in enumerate(given.distances.tolist()):
            terms = []
            for distance, bias in zip(listed, given.bias[h].tolist(), strict=True):
                slot = tokens.get(written - 1 - distance)
                if slot is not None:
                    score = given.scale * math.fsum((q[b, h] * k[b, h, slot]).tolist()) + bias
                    terms.append((score, v[b, h, slot]))
            top = max((score for score, _ in terms), default=0.0)
            total = math.fsum(math.exp(score - top) for score, _ in terms)
            for score, row in terms:
                out[b, h] += math.exp(score - top) / total * row
    return out


def excess(out: torch.Tensor, given: Case) -> float:
    """Largest error of an element over its budget: 4 u κ for float32 sums, and half a unit of the output's dtype."""
    doubles = [x.double() for x in given[:3]]
    wanted = exact(given)
    seen, keys, values = reference.rows(doubles[1], doubles[2], given.length, given.distances)
    mass = (keys.abs() @ doubles[0].abs()[..., None])[..., 0] * given.scale + given.bias.double().abs()
    score = (keys @ doubles[0][..., None])[..., 0] * given.scale + given.bias.double()
    weights = torch.where(seen, torch.softmax(torch.where(seen, score, -1e300), -1), 0)
    budget = 4 * 2.0**-24 * softmax_budget(weights, values, torch.where(seen, mass, 0)) + 1e-38
    if out.dtype != torch.float32:
        budget += wanted.abs() * torch.finfo(out.dtype).eps / 2 + torch.finfo(out.dtype).smallest_normal * 2.0**-11
    ratio = (out.double() - wanted).abs() / budget
    return float(ratio.nan_to_num(nan=math.inf).max())


# --------------------------------------------------------------------------------------------------------- budgets


def worst_case(scores: torch.Tensor, values: torch.Tensor, mass: torch.Tensor, u: float = 1e-7) -> float:
    """Largest error over u of an output when every logit errs by ±u·mass, and every product p·v by u."""
    right = torch.softmax(scores, 0) @ values
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * len(scores))
    wrong = torch.softmax(scores + u * signs * mass, 1) @ values
    return float((wrong - right).abs().max() / u + torch.softmax(scores, 0) @ values.abs())


def test_the_budget_is_never_below_the_worst_case_and_at_most_twice_it_where_rows_cancel() -> None:
    g = torch.Generator().manual_seed(0)
    for cancels in (False, True) * 10:
        scores, values = torch.randn(2, 6, generator=g, dtype=torch.float64)
        mass = 30 * torch.rand(6, generator=g, dtype=torch.float64)
        if cancels:  # equal weights, the same mass, and values ±1: each logit's error counts in full
            scores, mass = torch.zeros_like(scores), mass[:1].expand(6)
            values = torch.tensor([1.0, -1.0] * 3, dtype=torch.float64)
        budget = float(softmax_budget(torch.softmax(scores, 0), values[:, None], mass))
        worst = worst_case(scores, values, mass)
        assert worst <= budget * (1 + 1e-4)  # differences of first order in u
        assert not cancels or budget <= 2 * worst * (1 + 1e-4)


# --------------------------------------------------------------------------------------------------- formulations


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 4), st.integers(1, 5))
def test_both_formulations_are_the_definition(seed: int, window: int, rows: int, batch: int) -> None:
    made = case(seed, window=window, rows=rows, batch=batch, dim=3, value=2)
    doubles = (*(x.double() for x in made[:3]), *made[3:])
    wanted = exact(made)
    for formulation in (reference.dense, reference.gather):
        torch.testing.assert_close(formulation(*doubles), wanted, rtol=1e-12, atol=1e-12)


def test_a_distance_listed_twice_counts_twice() -> None:
    made = case(3, rows=2, lengths=(20, 20, 20))._replace(distances=torch.tensor([[4, 4], [7, 7]]))
    made.k.nan_to_num_(0.0), made.v.nan_to_num_(0.0)
    doubles = (*(x.double() for x in made[:3]), *made[3:])
    torch.testing.assert_close(reference.dense(*doubles), reference.gather(*doubles), rtol=1e-12, atol=1e-12)
    # ... of two equal distances both weights fall on one row: the output is that row
    torch.testing.assert_close(reference.gather(*doubles)[:, 0], doubles[2][:, 0, 19 - 4], rtol=1e-12, atol=1e-12)


def test_all_distances_are_full_attention() -> None:
    made = case(4, window=9, rows=9, lengths=(9, 30, 100), poison=False)
    made = made._replace(distances=torch.arange(9).repeat(2, 1), bias=torch.zeros(2, 9))
    out = offset_attention(made.q, made.k, made.v, made.length, made.distances)
    full = torch.nn.functional.scaled_dot_product_attention(made.q[:, :, None], made.k, made.v)[:, :, 0]
    torch.testing.assert_close(out, full)


def test_a_queue_is_read_from_the_ring() -> None:
    """The multi-queue machine's read: a symbol pushed into a queue of size m is popped m steps later."""
    window, sizes = 16, (4, 16, 3, 12)
    distances = torch.tensor([[size - 1] for size in sizes])
    k, v = torch.zeros(1, 4, window, 2), torch.zeros(1, 4, window, 1)
    for time in range(50):
        if time:
            out = offset_attention(torch.ones(1, 4, 2), k, v, torch.tensor([time]), distances)[0, :, 0]
            assert out.tolist() == [float(max(0, time + 1 - size)) for size in sizes]
        v[:, :, time % window] = time + 1


# --------------------------------------------------------------------------------------------------------- kernel


def kernel(made: Case) -> torch.Tensor:
    q, k, v, length, distances, bias, scale = made
    return offset_attention(q, k, v, length, distances, bias, scale=scale, backend="triton")


CASES = {
    "ragged": {},
    "one of each": {"batch": 1, "heads": 1, "window": 1, "dim": 1, "value": 1, "rows": 1, "lengths": (1,)},
    "more rows than a block": {"rows": 37, "window": 64, "dim": 16, "value": 16},
    "rows of a block": {"rows": 16, "dim": 64, "value": 32},
    "a block and one": {"rows": 17, "dim": 33, "value": 65},
    "wrapped often": {"lengths": (185, 38, 74), "window": 37},
    "float16": {"dtype": torch.float16},
    "large logits": {"logits": 1000.0, "rows": 20},
    "int32": {},
}


@pytest.mark.parametrize("name", CASES)
def test_the_kernel_stays_within_its_budget(name: str) -> None:
    made = case(11, **CASES[name])
    if name == "int32":
        made = made._replace(length=made.length.int(), distances=made.distances.int())
    out = kernel(made)
    assert out.shape == (*made.q.shape[:2], made.v.shape[3])
    assert out.dtype == made.q.dtype
    assert excess(out, made) <= 1
    assert not out[made.length == 0].any()


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 20), st.integers(1, 40), st.floats(0.01, 300))
def test_the_kernel_stays_within_its_budget_on_random_shapes(
    seed: int, window: int, rows: int, dim: int, logits: float
) -> None:
    made = case(seed, window=window, rows=rows, dim=dim, value=41 - dim, batch=2, lengths=(seed % 70, 5), logits=logits)
    assert excess(kernel(made), made) <= 1


def test_rows_that_are_masked_by_an_infinite_bias_do_not_count() -> None:
    made = case(5, poison=False)
    made.bias[:, 1:] = -torch.inf
    out = kernel(made)
    seen = made.length > 0
    newest = made.v[torch.arange(3), :, (made.length - 1).clamp(min=0) % 37]
    torch.testing.assert_close(out[seen], newest[seen])


def test_a_batch_entry_and_a_head_do_not_see_the_others() -> None:
    made = case(6, poison=False)
    out = kernel(made)
    changed = made._replace(q=made.q.clone(), k=made.k.clone(), v=made.v.clone())
    for tensor in (changed.q, changed.k, changed.v):
        tensor[2, 1] = 7.0
    other = kernel(changed)
    assert not torch.equal(other[2, 1], out[2, 1])
    other[2, 1] = out[2, 1]
    assert torch.equal(other, out)


def test_strides_do_not_matter() -> None:
    made = case(7, poison=False)
    packed = made._replace(q=made.q.contiguous(), k=made.k.contiguous(), v=made.v.contiguous())
    assert torch.equal(kernel(packed), kernel(made))


def test_turning_the_ring_does_not_matter() -> None:
    """The same last tokens after more of them: slots move, distances do not."""
    made = case(8, lengths=(40, 50, 60), poison=False)
    turned = made._replace(k=made.k.roll(5, 2), v=made.v.roll(5, 2), length=made.length + 5)
    assert torch.equal(kernel(turned), kernel(made))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mutant", MUTANTS[:-1], ids=lambda mutant: mutant.name)
def test_a_mutant_is_rejected(mutant, tmp_path: Path) -> None:
    module = mutant.load(tmp_path)
    tried = (case(11), case(12, rows=37, window=64, logits=2.0), case(13, logits=1000.0, lengths=(5, 90, 38)))
    assert any(not excess(module.decode(*made), made) <= 1 for made in tried)
    assert all(excess(kernel(made), made) <= 1 for made in tried)


LARGE = """
import sys, pathlib, torch
from lemmata.kernels.decode.offsets import triton
from lemmata.kernels.testing.mutants.offsets import MUTANTS
window, step = 2**12, 2**20                     # 2^32 elements of address space, a few pages of memory
k = torch.empty(window * step, dtype=torch.float16).as_strided((1, 1, window, 16), (0, 0, step, 1))
distances = torch.tensor([[0, 100, 4000]])
q, length = torch.ones(1, 1, 16, dtype=torch.float16), torch.tensor([window])
for distance in distances[0].tolist():
    k[0, 0, window - 1 - distance] = float(distance) / 1000
arguments = (q, k, k, length, distances, torch.zeros(1, 3), 0.0)
out = triton.decode(*arguments)
assert torch.allclose(out, torch.full_like(out, 4.1 / 3), rtol=2e-3), out
print("right", flush=True)
made = MUTANTS[-1].load(pathlib.Path(sys.argv[1])).decode(*arguments)  # may well crash
assert torch.allclose(made, out, rtol=2e-3)
print("and the mutant too")
"""


def test_addresses_have_64_bits(tmp_path: Path) -> None:
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", LARGE, str(tmp_path)], capture_output=True, text=True, env=environment)
    assert done.stdout.split("\n")[:-1] == ["right"], done.stderr


def test_the_grid_is_one_program_a_pair_on_the_first_axis(monkeypatch) -> None:
    from lemmata.kernels.decode.offsets import triton

    grids = []

    class Recorder:
        def __getitem__(self, grid):
            grids.append(grid)
            return lambda *arguments, **constants: None

    monkeypatch.setattr(triton, "offsets_kernel", Recorder())
    kernel(case(0, batch=3, heads=2))
    assert grids == [(6,)]


# ----------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"q": torch.zeros(3, 2)}, "q has shape (3, 2)"),
        ({"k": torch.zeros(3, 2, 37, 23)}, "k has shape (3, 2, 37, 23), not (3, 2, window, 24)"),
        ({"v": torch.zeros(3, 2, 36, 40)}, "v has shape (3, 2, 36, 40)"),
        ({"length": torch.zeros(2, dtype=torch.int64)}, "length has shape (2,), not (3,)"),
        ({"length": torch.zeros(3)}, "length has dtype torch.float32"),
        ({"distances": torch.zeros(3, 5, dtype=torch.int64)}, "distances has shape (3, 5), not (2, rows)"),
        ({"bias": torch.zeros(2, 4)}, "bias has shape (2, 4)"),
        ({"q": torch.zeros(3, 2, 24, dtype=torch.float16)}, "one for all three"),
        ({"backend": "cuda"}, "backend 'cuda' is not one of"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict, message: str) -> None:
    arguments = case(0)._asdict() | changes
    with pytest.raises(ValueError, match=re.escape(message)):
        offset_attention(**arguments)


def test_what_only_the_kernel_refuses_is_named() -> None:
    made = case(0)
    doubles = made._replace(q=made.q.double(), k=made.k.double(), v=made.v.double())
    wide = made._replace(q=torch.zeros(3, 2, 257), k=torch.zeros(3, 2, 37, 257))
    apart = made._replace(q=torch.zeros(3, 2, 48)[..., ::2])
    for bad, message in (
        (doubles, "q has dtype torch.float64"),
        (wide, "dim 257"),
        (apart, "stride 2 in its last"),
        (made._replace(q=made.q.clone().requires_grad_()), "no backward pass"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            kernel(bad)


# ---------------------------------------------------------------------------------------------------------- cost


def test_flops_are_those_that_the_reference_does() -> None:
    made = case(0, poison=False)
    shape = cost.Shape(batch=3, heads=2, window=37, dim=24, value=40, rows=5, element=4)
    for formulation, formula in ((reference.gather, cost.offsets), (reference.dense, cost.dense)):
        with FlopCounterMode(display=False) as counter:
            formulation(*made)
        assert counter.get_total_flops() == formula(shape).flops


@pytest.mark.parametrize(("window", "rows", "dtype"), [(37, 5, torch.float32), (64, 17, torch.float16)])
def test_bytes_are_those_that_the_kernel_moves(window: int, rows: int, dtype: torch.dtype, monkeypatch) -> None:
    from triton.runtime.interpreter import InterpreterBuilder

    moved = []
    load, store = InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store

    def counted_load(self, ptrs, mask, *rest):
        made = load(self, ptrs, mask, *rest)
        moved.append(int(mask.data.sum()) * made.data.itemsize)
        return made

    def counted_store(self, ptrs, value, mask, *rest):
        moved.append(int(mask.data.sum()) * value.data.itemsize)
        return store(self, ptrs, value, mask, *rest)

    monkeypatch.setattr(InterpreterBuilder, "create_masked_load", counted_load)
    monkeypatch.setattr(InterpreterBuilder, "create_masked_store", counted_store)
    made = case(0, window=window, rows=rows, lengths=(window, 2 * window, 100), dtype=dtype, poison=False)
    made = made._replace(distances=torch.arange(rows).repeat(2, 1))
    kernel(made)
    shape = cost.Shape(3, 2, window, 24, 40, rows, element=dtype.itemsize)
    assert sum(moved) == cost.offsets(shape).bytes


def test_the_roofline_is_the_slower_of_bytes_and_operations() -> None:
    work = cost.Cost(flops=1_000, bytes=10)
    assert work.seconds(bandwidth=1.0, rate=1_000.0) == 10.0
    assert work.seconds(bandwidth=10.0, rate=100.0) == 10.0
    shapes = [cost.Shape(1, 8, 2**n, 64, 64, 1) for n in (10, 20)]
    assert cost.offsets(shapes[0]) == cost.offsets(shapes[1])
    assert cost.dense(shapes[1]).bytes / cost.dense(shapes[0]).bytes == pytest.approx(1024, rel=1e-3)


# --------------------------------------------------------------------------------------------------- compilation

COMPILE = """
import sys
from lemmata.kernels.decode.offsets.triton import CONFIGURATIONS, compilation, offsets_kernel
from lemmata.kernels.testing.compilation import SHARED_LIMIT, TARGETS, compile_for
for shape in CONFIGURATIONS[: int(sys.argv[1])]:
    signature, constants, options = compilation(**shape, dtype=sys.argv[2])
    for target in TARGETS:
        made = compile_for(offsets_kernel, signature, constants, target, **options)
        print(shape, target, made)
        assert made.spilled == 0 and not made.trap, made
        assert made.registers <= 255 and made.shared <= SHARED_LIMIT[target], made
# A control of the gate itself: with too few registers it sees the spills.
signature, constants, options = compilation(rows=40, dim=256)
assert compile_for(offsets_kernel, signature, constants, "sm_90", num_warps=1, maxnreg=32).spilled > 0
"""


def compile_all(configurations: int, dtype: str, cache: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-c", COMPILE, str(configurations), dtype]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_kernel_compiles_without_spills_for_every_target(tmp_path: Path) -> None:
    compile_all(1, "bf16", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_every_configuration_compiles_without_spills(dtype: str, tmp_path: Path) -> None:
    compile_all(9, dtype, tmp_path)


# ----------------------------------------------------------------------------------------------------------- GPU


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_kernel_stays_within_its_budget_on_a_gpu(dtype: torch.dtype) -> None:
    made = case(11, dtype=dtype, rows=20, dim=64, value=64)
    out = kernel(Case(*(x.cuda() for x in made[:6]), made.scale))
    assert excess(out.cpu(), made) <= 1
