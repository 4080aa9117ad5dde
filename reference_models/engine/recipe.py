"""Everything that a training run of one system is made of, as a value."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer

from reference_models.engine.game import Game
from reference_models.engine.solvers import Solver

Build = Callable[[tuple[int, ...], torch.Generator], Game]
"""From the shape of a sample and the randomness of the first weights to the game."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSpec:
    """An optimizer by name and numbers."""

    name: Literal["adam", "rmsprop", "sgd"] = "adam"
    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)

    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """Return the optimizer over `parameters`."""
        if self.name == "adam":
            return torch.optim.Adam(parameters, lr=self.lr, betas=self.betas)
        kind = torch.optim.RMSprop if self.name == "rmsprop" else torch.optim.SGD
        return kind(parameters, lr=self.lr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one system is trained.

    Attributes:
        name: The model's name in the table.
        build: Makes the game with its first weights.
        entry: `module:class` of the generator, for the checkpoint's card. Its `latent_size` is the
            length of a latent vector, None if it takes none.
        generator_options: From the shape of a sample to the entry's keyword arguments.
        solver: Moves the players.
        optimizers: Of each player.
        batch_size: Items in one batch.
        steps: How long the reference run is.
        data: The default data.
        prior: Of the generator's latents: "normal", or "uniform" from -1 to 1.
        num_classes: Number of the labels that the generator takes beside latents; None: none.
        paired: Whether the generator makes each sample from a condition, which the data must have.
        ema_half_life: Of the averaged generator, in images.
        variant: What tells it from the other model in its file, for the list of models.
    """

    name: str
    build: Build
    entry: str
    generator_options: Callable[[tuple[int, ...]], dict[str, Any]]
    solver: Solver
    optimizers: Mapping[str, OptimizerSpec] = field(
        default_factory=lambda: {"D": OptimizerSpec(), "G": OptimizerSpec()}
    )
    batch_size: int = 64
    steps: int = 2000
    data: str = "digits"
    ema_half_life: float = 2000.0
    prior: Literal["normal", "uniform"] = "normal"
    num_classes: int | None = None
    paired: bool = False
    variant: str = ""
