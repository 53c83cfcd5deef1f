"""The converse: linear space against the vectorised reference, and eventual periods against plain walks."""

from dataclasses import fields, replace
from itertools import product
from typing import no_type_check

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lemmata.theory.turing import TuringMachine, compile_machine, decode
from lemmata.theory.turing.converse import (
    StreamingDecoder,
    generate_streaming,
    scratch_bits,
    space_bits,
    unmetered,
)
from lemmata.theory.turing.library import BB3, INC
from lemmata.theory.turing.memory import Field, Memory
from lemmata.theory.turing.mutants.decoders import STREAMING_MUTANTS, blind_head
from lemmata.theory.turing.periodicity import (
    PRIMITIVE_TRINOMIALS,
    cycle_length,
    de_bruijn_decoder,
    de_bruijn_maps,
    every_map,
    every_window,
    longest_runs,
    preperiod_and_period,
    run_all,
    tabulate,
)
from lemmata.theory.turing.saturating import Decoders, Sizes, forward, generate_batch, random_decoders
from lemmata.theory.turing.strategies import decoders_with_prompts

SIZES = Sizes(window=4, vocabulary=3, width=3, precision=4, layers=2, heads=2, key_width=2, units=3)


# ------------------------------------------------------------------------------------------------------- simulation


@given(decoders_with_prompts())
@settings(max_examples=80)
def test_the_simulator_generates_what_the_reference_does(instance) -> None:
    decoders, prompt = instance
    right = generate_batch(decoders, np.array(prompt)[None, None], 3).tokens[0]
    assert generate_streaming(StreamingDecoder.of(decoders), prompt, 3) == tuple(right)


@pytest.mark.parametrize("machine", [INC, BB3], ids=lambda machine: machine.name)
def test_networks_of_the_construction_are_three_bit_decoders(machine) -> None:
    table, weights = compile_machine(machine)
    windows = np.random.default_rng(0).integers(table.vocabulary, size=(1, 60, 5))
    tokens = forward(Decoders.from_weights(weights, 5), windows).tokens[0]
    np.testing.assert_array_equal(tokens, decode.forward(weights, windows[0]).tokens)


def test_a_turing_machine_runs_in_the_linear_space_of_its_decoder() -> None:
    flip = TuringMachine.from_table("a0→a1R, a1→a0R, a#→H#L")
    table, weights = compile_machine(flip)
    decoder = StreamingDecoder.of(Decoders.from_weights(weights, 3))
    expected = table.expected("01", 3, 100)
    assert generate_streaming(decoder, table.prompt("01", 3), len(expected)) == expected


def test_decoders_of_a_stack_and_windows_of_a_batch_do_not_mix() -> None:
    rng = np.random.default_rng(1)
    decoders = random_decoders(rng, 5, SIZES)
    windows = rng.integers(3, size=(5, 7, 4))
    together = forward(decoders, windows).tokens
    for index in range(5):
        one = Decoders(decoders.precision, **{k: v[index : index + 1] for k, v in decoders.arrays().items()})
        alone = [forward(one, windows[None, index, None, place]).tokens[0, 0] for place in range(7)]
        assert alone == together[index].tolist()


def test_hardmax_averages_over_ties_and_rounds_down() -> None:
    # One channel: all scores are 0, so that the head reads the mean of the window; logit of token 1 is that mean + own.
    one = np.ones((1, 1, 1, 1, 1), np.int64)
    decoders = Decoders(
        precision=4,
        embedding=np.array([[[-1], [0]]]),
        position=np.zeros((1, 1, 2, 1), np.int64),
        bias=np.zeros((1, 1, 1, 2), np.int64),
        query=one * 0,
        key=one,
        value=one,
        hidden=np.zeros((1, 1, 1, 1), np.int64),
        hidden_bias=np.zeros((1, 1, 1), np.int64),
        output=np.zeros((1, 1, 1, 1), np.int64),
        unembedding=np.array([[[0], [-1]]]),
    )
    step = forward(decoders, np.array([[[0, 1], [1, 1], [1, 0]]]))
    # Means −1/2, 0, −1/2 become −1, 0, −1; the stream is −1, 0, −2, and token 1 wins where it is negative.
    assert step.tokens.tolist() == [[1, 0, 1]]
    assert (step.hardmaxes, step.tied, step.rounded_down) == (6, 3, 2)
    positive = forward(replace(decoders, embedding=-decoders.embedding), np.array([[[0, 1], [1, 1], [1, 0]]]))
    assert (positive.tied, positive.rounded_down) == (3, 0)  # means 1/2, 0, 1/2: both roundings give 0
    toward_zero = STREAMING_MUTANTS["TowardsZero"].of(decoders)
    assert generate_streaming(StreamingDecoder.of(decoders), [0, 1], 1) == (1,)
    assert generate_streaming(toward_zero, [0, 1], 1) == (0,)


# ------------------------------------------------------------------------------------------------------ bits it takes


@given(st.builds(Sizes, *(st.integers(low, 9) for low in (2, 1, 1, 2, 1, 1, 1, 1))))
@settings(max_examples=30)
def test_the_meter_reads_the_formula(sizes: Sizes) -> None:
    decoder = StreamingDecoder.of(random_decoders(np.random.default_rng(0), 1, sizes))
    values = {field.name: getattr(sizes, field.name) for field in fields(sizes)}
    space = space_bits(sizes.window, sizes.vocabulary, sizes.width, sizes.precision)
    assert decoder.memory([0] * sizes.window).bits == space + scratch_bits(**values)


def test_between_tokens_only_the_window_matters() -> None:
    rng = np.random.default_rng(2)
    decoder = StreamingDecoder.of(random_decoders(rng, 1, SIZES))
    kept, scrambled = decoder.memory([2, 0, 1, 1]), decoder.memory([2, 0, 1, 1])
    for _ in range(20):
        decoder.step(kept)
        decoder.step(scrambled)
        assert [kept.tokens[place] for place in range(4)] == [scrambled.tokens[place] for place in range(4)]
        for name, field in decoder.fields().items():
            low, high = field.limits
            if not field.shape:
                setattr(scrambled, name, int(rng.integers(low, high + 1)))
            elif name != "tokens":
                for place in np.ndindex(field.shape):
                    getattr(scrambled, name)[place if len(place) > 1 else place[0]] = int(rng.integers(low, high + 1))


def test_a_memory_holds_its_bits_and_no_more() -> None:
    memory = Memory({"a": Field(3), "b": Field(2, signed=True, shape=(2, 2)), "none": Field(0)})
    assert memory.bits == 3 + 4 * 2
    memory.a, memory.b[1, 0], memory.none = 7, -2, 0
    assert (memory.a, memory.b[1, 0], memory.b[0, 0]) == (7, -2, 0)
    for value in (8, -1, 0.5, True, (1, 2), None):
        with pytest.raises(OverflowError, match="a = .* does not fit into 3 bits, the whole numbers 0 … 7"):
            memory.a = value
    with pytest.raises(OverflowError, match=r"b\[\(0, 1\)\] = 2 does not fit into 2 bits"):
        memory.b[0, 1] = 2
    with pytest.raises(OverflowError, match=r"b\[\(0, 1\)\] = 0.5 does not fit"):
        memory.b[0, 1] = 0.5
    with pytest.raises(OverflowError, match="none = 1"):
        memory.none = 1
    with pytest.raises(IndexError, match="b has no cell"):
        memory.b[2, 0] = 0
    for name in ("c", "b"):
        with pytest.raises(AttributeError, match=f"no scalar field '{name}'"):
            setattr(memory, name, 0)
    with pytest.raises(AttributeError, match="no field 'c'"):
        _ = memory.c


def test_a_value_outside_of_the_memory_is_found() -> None:
    class Listing(StreamingDecoder):
        def keys(self, m: Memory) -> list[int]:
            return [m.query + place for place in range(self.window - m.query)]

    class Copying(StreamingDecoder):
        def queries(self, m: Memory) -> range:
            return list(super().queries(m))

    class Converting(StreamingDecoder):
        def queries(self, m: Memory) -> list[int]:
            return list(range(self.window))

    class Clipping(StreamingDecoder):
        @no_type_check
        def saturate(self, value: int) -> int:
            low = max(-self.half, value)
            return min(low, self.half - 1)

    assert unmetered(StreamingDecoder) == []
    assert unmetered(STREAMING_MUTANTS["LocalVariable"]) == ["mean: STORE_FAST mean"]
    assert unmetered(Listing)
    assert unmetered(Copying)
    assert unmetered(Converting) == ["queries: LOAD_GLOBAL list"]
    assert unmetered(Clipping) == ["saturate: STORE_FAST low"]
    decoder = StreamingDecoder.of(random_decoders(np.random.default_rng(0), 1, SIZES))
    with pytest.raises(AttributeError, match="cannot assign"):
        decoder.window = 3
    with pytest.raises(TypeError, match="does not support item assignment"):
        decoder.w["bias"] = ()
    with pytest.raises(TypeError, match="does not support item assignment"):
        decoder.w["bias"][0][0][0] = 1


def test_prompts_that_are_none_are_refused() -> None:
    decoder = StreamingDecoder.of(random_decoders(np.random.default_rng(0), 1, SIZES))
    for token in (-1, 3):
        with pytest.raises(ValueError, match=f"prompt holds {token}, a token outside of the vocabulary 0 … 2"):
            decoder.memory([0, 1, 2, token])
    with pytest.raises(ValueError, match="count -1 is negative"):
        generate_streaming(decoder, [0, 1, 2, 0], -1)
    for window in (0, 1, 5, 8):
        with pytest.raises(ValueError, match=f"window {window} is not one of 2, 3, 4, 6, 7, 15"):
            de_bruijn_decoder(window)


@no_type_check
def test_hiding_places_outside_of_the_memory_are_found() -> None:
    class Stash(StreamingDecoder):
        def distance(self, m):
            self.__dict__["stash"] = m.key
            return m.key - m.query

    class Helper(StreamingDecoder):
        def distance(self, m):
            return self.helper(m)

        def helper(self, m):
            difference = m.key - m.query
            return difference

    class Recursion(StreamingDecoder):
        def distance(self, m):
            return self.down(m, m.key, 0)

        def down(self, m, left, made):
            return self.down(m, left - 1, made + 1) if left > m.query else made

    class Mutual(StreamingDecoder):
        def distance(self, m):
            return self.seen(m) if m.key < m.query else m.key - m.query

    class Default(StreamingDecoder):
        def distance(self, m, stash=[0]):  # noqa: B006
            stash[0] = m.key
            return m.key - m.query

    class ClassAttribute(StreamingDecoder):
        ties = {}  # noqa: RUF012

        def distance(self, m):
            self.ties[0] = m.key
            return m.key - m.query

    class Generator(StreamingDecoder):
        def keys(self, m):
            yield from range(m.query, self.window)

    class Outer(StreamingDecoder):
        def distance(self, m):
            hidden[0] = m.key
            return m.key - m.query

    hidden = [0]
    assert unmetered(Stash) == ["distance: LOAD_ATTR __dict__"]
    assert unmetered(Helper) == ["helper: STORE_FAST difference"]
    assert unmetered(Recursion) == ["down: calls itself"]
    assert unmetered(Mutual) == ["distance: calls itself", "seen: calls itself"]
    assert unmetered(Default) == ["distance: defaults, *arguments or a generator"]
    assert unmetered(ClassAttribute) == ["class: holds ties"]
    assert unmetered(Generator)[0] == "keys: defaults, *arguments or a generator"
    assert "distance: LOAD_DEREF hidden" in unmetered(Outer)
    for cheat in (
        Stash,
        Helper,
        Recursion,
        Default,
        ClassAttribute,
        Generator,
        Outer,
    ):  # and all of them run as it does
        assert runs(cheat)[0] == 0
    with pytest.raises(AttributeError, match="__dict__"):
        StreamingDecoder.of(random_decoders(np.random.default_rng(0), 1, SIZES)).__dict__  # noqa: B018


def runs(simulator: type[StreamingDecoder]) -> tuple[int, int, int]:
    """Tokens that differ from the reference, runs that are refused, and bits more than the intact simulator has."""
    rng = np.random.default_rng(3)
    differ = refused = more = 0
    for window in (2, 3, 4):
        sizes = replace(SIZES, window=window)
        decoders = random_decoders(rng, 10, sizes)
        prompts = rng.integers(3, size=(10, 1, window))
        right = generate_batch(decoders, prompts, 3).tokens
        for index in range(10):
            decoder = simulator.of(decoders, index)
            more += decoder.memory([0] * window).bits
            more -= StreamingDecoder.of(decoders, index).memory([0] * window).bits
            try:
                made = generate_streaming(decoder, prompts[index, 0].tolist(), 3)
                differ += int((right[index] != made).sum())
            except OverflowError:
                refused += 1
    return differ, refused, more


@pytest.mark.parametrize("name", [name for name in STREAMING_MUTANTS if name not in ("intact", "ShortCounter")])
def test_each_departure_of_the_simulator_shows(name: str) -> None:
    differ, refused, more = runs(STREAMING_MUTANTS[name])
    if name == "LocalVariable":
        assert (differ, refused, more) == (0, 0, 0)
        assert unmetered(STREAMING_MUTANTS[name])
    elif name == "TwoBuffers":
        assert (differ, refused, more) == (0, 0, 10 * (2 + 3 + 4) * SIZES.width * SIZES.precision)
    else:
        assert differ > 0
        assert (refused, more) == (0, 0)


def test_a_tie_counter_that_is_a_bit_short_is_refused() -> None:
    assert runs(STREAMING_MUTANTS["intact"]) == (0, 0, 0)
    differ, refused, more = runs(STREAMING_MUTANTS["ShortCounter"])
    assert (differ, more) == (0, -20)  # a bit less for windows 2 and 4
    assert refused > 0


def test_bad_arguments_are_named() -> None:
    decoders = random_decoders(np.random.default_rng(0), 1, SIZES)
    with pytest.raises(ValueError, match=r"bias spans \[8, 8\], not the 4-bit \[-8, 7\]"):
        replace(decoders, bias=np.full_like(decoders.bias, 8))
    with pytest.raises(ValueError, match="window 1 is too small"):
        random_decoders(np.random.default_rng(0), 1, replace(SIZES, window=1))
    with pytest.raises(ValueError, match="windows hold 5 tokens, and the decoders have a window of 4"):
        forward(decoders, np.zeros((1, 1, 5), np.int64))
    with pytest.raises(ValueError, match="prompt has 3 tokens, the window 4"):
        StreamingDecoder.of(decoders).memory([0, 1, 2])


# ------------------------------------------------------------------------------------------------------------ periods


def walk(next_token: list[list[int]], vocabulary: int, start: int) -> tuple[int, int]:
    """Preperiod and period of the windows, by remembering when each pair of window and clock was met."""
    windows, clocks = len(next_token[0]), len(next_token)
    met: dict[tuple[int, int], int] = {}
    path, at = [], start
    while (at, len(path) % clocks) not in met:
        met[at, len(path) % clocks] = len(path)
        path.append(at)
        at = (at * vocabulary + next_token[(len(path) - 1) % clocks][at]) % windows
    first = met[at, len(path) % clocks]
    cycle = path[first:]
    period = min(q for q in range(1, len(cycle) + 1) if cycle == cycle[q:] + cycle[:q])
    while first and path[first - 1] == cycle[-1]:
        first, cycle = first - 1, [cycle[-1], *cycle[:-1]]
    return first, period


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2**32))
def test_periods_are_those_of_a_walk(vocabulary: int, window: int, clocks: int, seed: int) -> None:
    windows = vocabulary**window
    next_token = np.random.default_rng(seed).integers(vocabulary, size=(2, clocks, windows))
    most = clocks * windows
    preperiod, period = preperiod_and_period(run_all(next_token, vocabulary, 3 * most), most)
    for index, start in np.ndindex(2, windows):
        expected = walk(next_token[index].tolist(), vocabulary, start)
        assert (preperiod[index, start], period[index, start]) == expected


def test_paths_that_are_too_short_are_refused() -> None:
    path = run_all(every_map(2, 2), 2, 12)
    with pytest.raises(ValueError, match="path has 11 steps; periods up to 4 take 12"):
        preperiod_and_period(path[:11], 4)
    with pytest.raises(ValueError, match="no period up to 3"):
        preperiod_and_period(path, 3)


def test_the_period_of_a_written_sequence() -> None:
    sequences = np.array([[7, 8, 9, *[0] * 8], [1, 2, 3, *[1, 2, 3] * 3][:11], [5, *[4, 6] * 5]]).T[:, :, None]
    preperiod, period = preperiod_and_period(sequences, 3)
    assert preperiod[:, 0].tolist() == [3, 0, 1]
    assert period[:, 0].tolist() == [1, 3, 2]


@pytest.mark.parametrize(("vocabulary", "window"), [(2, 3), (3, 1)])
def test_runs_at_the_bound_are_counted_by_walking(vocabulary: int, window: int) -> None:
    windows = vocabulary**window
    walks = [
        walk([list(tokens)], vocabulary, start)
        for tokens in product(range(vocabulary), repeat=windows)
        for start in range(windows)
    ]
    assert sum(m + q == windows for m, q in walks) == longest_runs(vocabulary, window)
    assert sum(q == windows for _, q in walks) == windows * de_bruijn_maps(vocabulary, window)


def test_windows_and_maps_are_enumerated_in_order() -> None:
    assert every_window(2, 2).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert every_map(3, 1).shape == (27, 1, 3)
    assert every_map(2, 1, clocks=2).shape == (16, 2, 2)
    assert len(np.unique(every_map(2, 3).reshape(256, 8), axis=0)) == 256
    assert [de_bruijn_maps(*pair) for pair in ((2, 1), (2, 3), (2, 4), (2, 5), (3, 2), (4, 2))] == [
        1, 2, 16, 2048, 24, 20736,
    ]  # fmt: skip


@given(decoders_with_prompts(max_window=4))
@settings(max_examples=25)
def test_a_decoder_repeats_a_window_in_time(instance) -> None:
    decoders, prompt = instance
    most = decoders.vocabulary**decoders.window
    preperiod, period = preperiod_and_period(run_all(tabulate(decoders)[:, None], decoders.vocabulary, 3 * most), most)
    assert (preperiod + period).max() <= most
    start = int(np.ravel_multi_index(prompt, (decoders.vocabulary,) * decoders.window))
    m, q = int(preperiod[0, start]), int(period[0, start])
    count = min(m + q, 40)
    text = [*prompt, *generate_streaming(StreamingDecoder.of(decoders), prompt, count)]
    seen = [tuple(text[k : k + decoders.window]) for k in range(count + 1)]
    assert len(set(seen[:count])) == count
    if count == m + q:
        assert seen[count] == seen[m]


@pytest.mark.parametrize("window", [2, 3, 4, 6, 7])
def test_the_de_bruijn_decoder_generates_every_window_once(window: int) -> None:
    decoders = de_bruijn_decoder(window)
    made = generate_streaming(StreamingDecoder.of(decoders), [0] * window, 2**window)
    text = (0,) * window + made
    assert text[-window:] == (0,) * window
    assert len({text[k : k + window] for k in range(2**window)}) == 2**window


def test_the_de_bruijn_decoder_has_one_set_of_weights() -> None:
    small, large = de_bruijn_decoder(4), de_bruijn_decoder(15)
    for name, array in small.arrays().items():
        if name == "bias":
            assert (array[..., 0] == large.bias[..., 0]).all()
            assert (array[..., -1] == large.bias[..., -1]).all()
        elif name == "position":
            assert not array.any()
            assert not large.position.any()
        else:
            np.testing.assert_array_equal(array, getattr(large, name))


def test_without_its_averaging_head_the_decoder_does_not_pass_all_windows() -> None:
    made = tabulate(blind_head(de_bruijn_decoder(4)))[0]
    assert cycle_length(made, 2, 0) != 16


@pytest.mark.slow
def test_the_largest_de_bruijn_decoder_attains_the_bound() -> None:
    window = PRIMITIVE_TRINOMIALS[-1]
    assert cycle_length(tabulate(de_bruijn_decoder(window))[0], 2, 0) == 2**window
