"""What training reaches: the receptive-field bound below the hop count, and the target at it."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.uap.paper import PAPER


@PAPER.claim(
    "receptive_field",
    source="Corollary 2, the necessary side",
    statement=r"""A transformer with a sliding window of 1 on 5 tokens, trained to reverse them, stays at an error of at
    least $E \mathrm{Var}(F_i | x_j, j \in V(i)) = 1/12$, with $V(i)$ the tokens that $i$ has received, at both ends with 3 layers, and comes close to it;
    with $\lceil (n-1)/w \rceil = 4$ layers it learns the target.""",
    kind="trained",
    cost="long",
    rows=["U16"],
    controls=[
        Control("a window that is wider by one token", {"wider": 1}),
        Control("one layer fewer", {"fewer": 1}),
    ],
)
def receptive_field(trial: Trial, wider: int = 0, fewer: int = 0) -> Iterator[Evidence]:
    """One model of 3 layers and one of 4: 2 heads, width 32, 1,500 Adam steps of 64 fresh samples, tested on 20,000
    new ones. Mean squared error per entry, with four standard errors; the bound is estimated from 20,000 pairs of
    samples that share what the token has received in 3 layers of window 1."""
    import math

    from lemmata.theory.uap.patterns import window
    from lemmata.theory.uap.receptive import receptive_bound
    from lemmata.toy_models.uap import ReversalConfig, reversal, token_errors, train_reversal, uniform_tokens

    config = ReversalConfig(steps=1_500, batch=64)
    count = 20_000
    layers = [window(config.tokens, config.window)] * (config.hops - 1)
    generator = trial.torch_generator("bound")
    bound = receptive_bound(
        reversal, lambda size, stream: uniform_tokens(config, size, stream), layers, generator, count
    )
    for token in (0, config.tokens - 1):
        value, doubt = bound.bound[token].item(), 4 * bound.error[token].item()
        yield Evidence(f"token {token}: bound from pairs", abs(value - 1 / 12), "<=", doubt, count)
    unlimited = bound.bound[1:-1].max().item()
    yield Evidence("tokens 1 to 3: bound from pairs", unlimited, "==", 0, count)

    for depth in (config.hops - 1, config.hops):
        from dataclasses import replace

        trained = replace(config, layers=depth - fewer, window=config.window + wider)
        generator = trial.torch_generator(f"{depth} layers")
        model = train_reversal(trained, generator)
        errors = token_errors(model, uniform_tokens(config, count, generator)).double()
        mean, doubt_of = errors.mean(0), 4 * errors.std(0) / math.sqrt(count)
        if depth == config.hops:
            yield Evidence(f"{depth} layers: largest error of a token", mean.max().item(), "<=", 3e-3, count)
            continue
        for token in (0, config.tokens - 1):
            value, doubt = mean[token].item(), doubt_of[token].item()
            name = f"{depth} layers, token {token}"
            yield Evidence(f"{name}: error", value, ">=", 1 / 12 - 0.003, count, (value - doubt, value + doubt))
            yield Evidence(f"{name}: error", value, "<=", 1 / 12 + 0.02, count, (value - doubt, value + doubt))
