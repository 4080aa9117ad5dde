"""A training run, and its observers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer

from reference_models.engine.data import Kind
from reference_models.engine.game import Game
from reference_models.engine.solvers import Log


@dataclass(slots=True)
class Run:
    """Everything that training changes: the game, its optimizers, the averaged networks, the step.

    Attributes:
        averages: Moving averages of networks of the game, by name; the first is what is looked at
            and scored.
        kind: What an item of the data is.
        position: Items of the data that all processes together have taken.
        moving: Whether a step has begun and not ended; the run then has no valid state.
        shared: The game as several processes play it; None with a single process.
        seconds: Time of the steps of this process, without the observers.
    """

    game: Game
    optimizers: Mapping[str, Optimizer]
    averages: Mapping[str, nn.Module]
    kind: Kind
    step: int = 0
    position: int = 0
    moving: bool = False
    shared: Game | None = None
    seconds: float = 0.0

    @property
    def average(self) -> nn.Module:
        """The averaged network that is shown and scored."""
        return next(iter(self.averages.values()))


Observer = Callable[[Run, Log], None]
"""Called once before the first step with an empty log, at the step that the run begins or resumes
at, and then after each step with its terms; it knows its own interval and lets other steps pass.

The state of a step is saved after the observers have seen it, or without them on Ctrl-C. What an
observer keeps by step it therefore cuts, and completes, where the first call finds the run. It may
add numbers of its own to the log, for the observers after it."""
