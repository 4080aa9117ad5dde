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
        averages: Moving averages of networks of the game, by name; the first one is shown and
            scored.
        kind: What an item of the data is.
        position: Number of items that all processes together have taken from the data.
        moving: Whether a step has begun but not ended; the run then has no valid state.
        shared: The game shared by several processes; None with a single process.
        seconds: Time that this process spent on steps, without the observers.
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
"""Function that is called once with an empty log before the first step of a new or resumed run,
and then after each step with its terms. It decides for itself at which steps it acts.

On Ctrl-C the state may be saved before all observers have seen its step. So in the first call an
observer must cut the files that it keeps by step to the step of the run, and complete them. It may
add numbers to the log for the observers after it."""
