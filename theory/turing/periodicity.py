"""A fixed window decides only finite-state behaviour: runs are eventually periodic, within ``|V|^N`` tokens.

The next token is a function ``f: V^N → V`` of the window, so a run is a path in the graph of the ``|V|^N`` windows
where each has one successor: with preperiod m and period q, it visits m + q different ones, hence ``m + q ≤ |V|^N``.
The bound is attained if and only if the run passes every window before it repeats one, a Hamiltonian path in the
de Bruijn graph. Such a path is an Euler trail of the graph of the windows of N − 1 tokens, whose vertices have as many
edges in as out, so that it closes to a cycle: there are as many as ``(|V|!)^(|V|^(N−1))``, one for each de Bruijn
sequence and each of the ``|V|^N`` places to start in it. The map may still send the last window anywhere, in |V| ways;
in one of them the run is the cycle (m = 0), in the others it turns off before.

:func:`de_bruijn_decoder` attains it with a transformer of constant size, one for every N with a primitive trinomial
``x^N + x + 1``. Tokens are bits and

    next = oldest + newest + [every token but the oldest is 0]      (mod 2).

The first two terms are a shift register of period ``2^N − 1``; the third joins the window of zeros to its cycle.

References
----------
turing sheet, section 4.5 (corollary), row T11. N. G. de Bruijn, A combinatorial problem, 1946, for the number of
sequences.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from jaxtyping import Int, Integer

from lemmata.theory.turing.saturating import Decoders, forward

PRIMITIVE_TRINOMIALS = (2, 3, 4, 6, 7, 15)  # x^N + x + 1 is primitive over GF(2)


def every_window(vocabulary: int, window: int) -> Int[np.ndarray, "windows window"]:
    """All windows, oldest token first; row w is w in base `vocabulary`."""
    return np.indices((vocabulary,) * window).reshape(window, -1).T


def every_map(vocabulary: int, window: int, clocks: int = 1) -> Integer[np.ndarray, "maps clocks windows"]:
    """All maps from windows (and a clock) to the next token, ``|V|^(clocks·|V|^N)`` of them."""
    windows = vocabulary**window
    return every_window(vocabulary, clocks * windows).astype(np.int8).reshape(-1, clocks, windows)


def tabulate(decoders: Decoders) -> Int[np.ndarray, "decoders windows"]:
    """The next token of each decoder in every window."""
    windows = every_window(decoders.vocabulary, decoders.window)
    return forward(decoders, np.broadcast_to(windows, (len(decoders), *windows.shape))).tokens


def run_all(
    next_token: Integer[np.ndarray, "maps clocks windows"], vocabulary: int, steps: int
) -> Integer[np.ndarray, "steps maps windows"]:
    """The windows that each map passes from every start window, the start included.

    Parameters
    ----------
    next_token : int array, shape (maps, clocks, windows)
        At time t, entry t mod clocks applies: with one clock, a decoder; with more, one that also sees the time.
    vocabulary : int
        |V|.
    steps : int
        Windows to pass.
    """
    maps, clocks, windows = next_token.shape
    slide = np.arange(windows) * vocabulary % windows
    successor = (slide + next_token).reshape(maps, clocks, windows)
    dtype = np.min_scalar_type(windows)
    path = np.empty((steps, maps, windows), dtype)
    path[0] = np.arange(windows)
    flat, first = successor.astype(dtype).reshape(-1), np.arange(maps)[:, None] * (clocks * windows)
    for time in range(steps - 1):
        path[time + 1] = flat[first + (time % clocks) * windows + path[time]]
    return path


def preperiod_and_period(
    path: Integer[np.ndarray, "steps maps windows"], most: int
) -> tuple[Integer[np.ndarray, "maps windows"], Integer[np.ndarray, "maps windows"]]:
    """Preperiod and period of sequences, read off the sequences alone.

    Parameters
    ----------
    path : int array, shape (steps, maps, windows)
        From :func:`run_all`, at least ``3·most`` steps.
    most : int
        Neither the preperiod nor the period is larger.

    Raises
    ------
    ValueError
        If the path is too short or a sequence has no period up to `most`.
    """
    if len(path) < 3 * most:
        raise ValueError(f"path has {len(path)} steps; periods up to {most} take {3 * most}")
    # From time `most` on, sequences are periodic with a period of at most `most`; a shift q that agrees on `most`
    # consecutive places agrees on a whole period, hence for ever.
    period = np.zeros(path.shape[1:], np.int64)
    tail = path[most : 2 * most]
    for shift in range(1, most + 1):
        same = (path[most + shift : 2 * most + shift] == tail).all(0)
        period[same & (period == 0)] = shift
    if not period.all():
        raise ValueError(f"a sequence has no period up to {most}")
    preperiod = np.zeros(path.shape[1:], np.int64)
    for time in range(most):
        later = np.take_along_axis(path, (time + period)[None], axis=0)[0]
        preperiod[path[time] != later] = time + 1
    return preperiod, period


def de_bruijn_maps(vocabulary: int, window: int) -> int:
    """``(|V|!)^(|V|^(N−1)) / |V|^N``, the number of maps whose run from any window passes all of them in one cycle."""
    return factorial(vocabulary) ** (vocabulary ** (window - 1)) // vocabulary**window


def longest_runs(vocabulary: int, window: int) -> int:
    """``|V| (|V|!)^(|V|^(N−1))``, the number of pairs of a map and a start window whose run attains the bound."""
    return vocabulary * factorial(vocabulary) ** (vocabulary ** (window - 1))


def de_bruijn_decoder(window: int) -> Decoders:
    """One layer, two heads, two FFN units, width 5 and three bits: a run with period ``2^N``, for N of
    :data:`PRIMITIVE_TRINOMIALS`.

    Channels: the newest token x, the oldest token r, m (is any token but the oldest a 1), the next token y, and 1.
    Head 1 scores 1 at distance N − 1 only, and reads r. Head 2 scores each token's bit, the oldest 2 less: its best
    keys are the ones if there are any, with mean m = 1, and else zeros, m = 0. With ``s = x + r + 1 − m ∈ {0, 1, 2}``
    (m = 0 only if x = 0), ``y = relu(s) − 2 relu(s − 1)`` is s mod 2.

    Raises
    ------
    ValueError
        If `window` is not one of those N.
    """
    if window not in PRIMITIVE_TRINOMIALS:
        raise ValueError(f"window {window} is not one of {', '.join(map(str, PRIMITIVE_TRINOMIALS))}")
    newest, oldest, any_one, following, one = range(5)
    embedding, position = np.zeros((1, 2, 5), np.int64), np.zeros((1, 1, window, 5), np.int64)
    embedding[0, 1, newest] = 1
    embedding[0, :, one] = 1
    bias = np.zeros((1, 1, 2, window), np.int64)
    bias[0, 0, :, window - 1] = 1, -2
    query, key = np.zeros((2, 1, 1, 2, 1, 5), np.int64)
    query[..., one] = 1
    key[0, 0, 1, 0, newest] = 1
    value = np.zeros((1, 1, 2, 5, 5), np.int64)
    value[0, 0, 0, oldest, newest] = value[0, 0, 1, any_one, newest] = 1
    hidden, output = np.zeros((1, 1, 2, 5), np.int64), np.zeros((1, 1, 5, 2), np.int64)
    hidden[..., newest] = hidden[..., oldest] = 1
    hidden[..., any_one] = -1
    output[0, 0, following] = 1, -2
    unembedding = np.zeros((1, 2, 5), np.int64)
    unembedding[0, 0, one] = 1
    unembedding[0, 1, following] = 2
    return Decoders(
        precision=3,
        embedding=embedding,
        position=position,
        bias=bias,
        query=query,
        key=key,
        value=value,
        hidden=hidden,
        hidden_bias=np.array([[[1, 0]]]),
        output=output,
        unembedding=unembedding,
    )


def cycle_length(next_token: Integer[np.ndarray, " windows"], vocabulary: int, start: int) -> int:
    """Tokens until the window `start` comes back, 0 if it does not: for windows too many to run them all."""
    successor = (np.arange(len(next_token)) * vocabulary % len(next_token) + next_token).tolist()
    at = start
    for count in range(1, len(successor) + 1):
        at = successor[at]
        if at == start:
            return count
    return 0
