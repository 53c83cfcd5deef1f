"""A queue reader that is trained, not written: does softmax attention with a learned relative bias find the read?

Task: windows of N tokens, uniform and independent, kept where the token table defines a transition; the label is the
next token. It depends on the oldest token's symbol and the newest token's state only.

References
----------
turing sheet, section 8 and row T19.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.library import INC
from lemmata.theory.turing.tokens import TokenTable
from lemmata.toy_models.hooked.base import RelativeTransformer
from lemmata.toy_models.training.experiment import Outcome, experiment
from lemmata.toy_models.training.loop import descend


@dataclass(frozen=True)
class QueueReaderConfig:
    """Size and training of a queue reader; the defaults are the sheet's.

    Attributes
    ----------
    window : int
        N.
    d_model, d_mlp : int
    steps, batch : int
        Adam steps and windows a step.
    learning_rate, late_learning_rate : float
        Before and after `late_step`.
    relative_bias : bool
        Whether the bias per distance is trained; without it the oldest token cannot be told from the others.
    """

    window: int = 12
    d_model: int = 48
    d_mlp: int = 256
    steps: int = 2500
    batch: int = 512
    learning_rate: float = 3e-3
    late_learning_rate: float = 5e-4
    late_step: int = 1800
    relative_bias: bool = True


class QueueTask:
    """Windows and labels of a token table."""

    def __init__(self, table: TokenTable, window: int) -> None:
        self.window, self.vocabulary, self.n_symbols = window, table.vocabulary, table.n_symbols
        label = np.full((table.n_states, table.n_symbols), -1)
        label[table.state, table.symbol] = table.next_state.astype(int) * table.n_symbols + table.pushed
        self._label = torch.from_numpy(label)
        # Uniform windows with a defined transition: the pair (oldest symbol, newest state) is uniform over the rows.
        self._rows = torch.from_numpy(np.stack([table.state, table.symbol]))

    def sample(
        self, count: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "count window"], Int[Tensor, " count"]]:
        """`count` windows, oldest token first, and the next tokens."""
        tokens = torch.randint(self.vocabulary, (count, self.window), generator=generator)
        row = torch.randint(self._rows.shape[1], (count,), generator=generator)
        state, symbol = self._rows[:, row]
        tokens[:, 0] = tokens[:, 0] // self.n_symbols * self.n_symbols + symbol
        tokens[:, -1] = tokens[:, -1] % self.n_symbols + state * self.n_symbols
        return tokens, self.label(tokens)

    def label(self, tokens: Int[Tensor, "count window"]) -> Int[Tensor, " count"]:
        """The next token of each window; −1 where no transition is defined."""
        return self._label[tokens[:, -1] // self.n_symbols, tokens[:, 0] % self.n_symbols]


def train_queue_reader(
    task: QueueTask,
    config: QueueReaderConfig,
    generator: torch.Generator,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> RelativeTransformer:
    """Train one queue reader with Adam on fresh windows.

    Parameters
    ----------
    task : QueueTask
    config : QueueReaderConfig
    generator : torch.Generator
        Weights and data; the same generator state gives the same model, bit by bit, with one torch thread.
    progress : callable
        Called with the step and its loss every 100 steps.

    Returns
    -------
    RelativeTransformer
        In evaluation mode.
    """
    model = RelativeTransformer(
        task.vocabulary, config.d_model, config.window, d_mlp=config.d_mlp, d_head=config.d_model
    )
    model.init_weights(generator)
    model.block(0).attn.relative_bias.requires_grad_(config.relative_bias)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=config.learning_rate)

    def late(step: int) -> None:
        if step == config.late_step:
            optimizer.param_groups[0]["lr"] = config.late_learning_rate

    def loss() -> Tensor:
        tokens, label = task.sample(config.batch, generator)
        return torch.nn.functional.cross_entropy(model(tokens, newest_only=True)[:, -1], label)

    descend(optimizer, loss, config.steps, late, progress)
    return model.eval()


def extend_window(model: RelativeTransformer, window: int, length_scaling: bool = True) -> RelativeTransformer:
    """The same one-layer reader on a longer window, without training.

    The biases of the newest and the oldest distance are kept, every distance between them gets the mean of the trained
    ones. With `length_scaling` the oldest one becomes ``b(N) = b(N_0) + ln((N − 1)/(N_0 − 1))``, which keeps its mass
    as it was among N_0 tokens.

    Parameters
    ----------
    model : RelativeTransformer
        One layer, trained at window N_0.
    window : int
        N, larger than N_0.
    length_scaling : bool
        Whether the oldest bias is raised.

    Raises
    ------
    ValueError
        If the window is not larger.

    References
    ----------
    turing sheet, section 8 and row T20.
    """
    old = model.cfg.n_ctx
    if window <= old:
        raise ValueError(f"window {window} is not larger than {old}, at which the model was trained")
    longer = RelativeTransformer(
        model.cfg.d_vocab, model.cfg.d_model, window, d_mlp=model.cfg.d_mlp, d_head=model.cfg.d_head
    )
    state = model.state_dict()
    name = "blocks.0.attn.relative_bias"
    bias = state[name]
    middle = bias[:, 1:-1].mean(1, keepdim=True).expand(-1, window - 2)
    raised = bias[:, -1:] + (math.log((window - 1) / (old - 1)) if length_scaling else 0.0)
    longer.load_state_dict(state | {name: torch.cat([bias[:, :1], middle, raised], 1)})
    return longer.eval()


@torch.no_grad()
def accuracy(model: RelativeTransformer, tokens: Int[Tensor, "count window"], label: Int[Tensor, " count"]) -> float:
    """Share of windows that the model continues rightly."""
    return (model(tokens, newest_only=True)[:, -1].argmax(-1) == label).double().mean().item()


@experiment("turing.queue_reader", QueueReaderConfig)
def queue_reader(config: QueueReaderConfig, seed: int) -> Outcome:
    """A softmax head and an FFN learn to continue windows of the increment machine (row T19)."""
    generator = torch.Generator().manual_seed(seed)
    task = QueueTask(compile_machine(INC)[0], config.window)
    model = train_queue_reader(task, config, generator)
    return Outcome({"accuracy": accuracy(model, *task.sample(20_000, generator))}, model.state_dict())
