"""A recipe: the description of a training run of one system, as a value."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import nn
from torch.optim import Optimizer

import ganeval
from reference_models.engine.data import Data, Kind, Shape, unknown
from reference_models.engine.game import Game
from reference_models.engine.norms import norm_mode_of
from reference_models.engine.solvers import MAX_NORM, Solver

Options = Mapping[str, Any]
"""Numbers and texts by name; all are JSON values."""
MakeGame = Callable[["Recipe", Data, torch.Generator], Game]
"""Function of the recipe, the data and a random generator for the first weights that returns the
game."""

OptimizerName = Literal["adam", "rmsprop", "sgd"]
Decay = Literal["none", "linear"]
Prior = Literal["normal", "uniform"]
Crop = Literal["center", "none"]
PairBy = Literal["name", "index", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSpec:
    """The name and settings of an optimizer.

    Attributes:
        name: Name of the optimizer.
        lr: Learning rate.
        betas: Betas of Adam.
        momentum: Momentum of RMSProp and SGD.
        eps: Epsilon of Adam and RMSProp.
        weight_decay: Factor of a penalty on the squares of the weights.
        max_norm: Largest norm of the player's gradient; a longer gradient is scaled down. 0 for no
            limit.
        decay: With "linear" the rate falls to 0 at the last step of the recipe.
    """

    name: OptimizerName = "adam"
    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    momentum: float = 0.0
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_norm: float = 0.0
    decay: Decay = "none"

    def __post_init__(self) -> None:
        """Check names, betas and momentum (GanevalError)."""
        if self.name not in get_args(OptimizerName):
            raise unknown("optimizer", self.name, get_args(OptimizerName))
        if self.decay not in get_args(Decay):
            raise unknown("decay", self.decay, get_args(Decay))
        for what, factor in (*(("betas", one) for one in self.betas), ("momentum", self.momentum)):
            if not 0 <= factor < 1:
                raise ganeval.GanevalError(
                    f"{what} of an optimizer: {factor}", "from 0 to below 1", "change it"
                )

    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """Return the optimizer over `parameters`."""
        optimizer: Optimizer
        lr, decay = self.lr, self.weight_decay
        if self.name == "adam":
            optimizer = torch.optim.Adam(
                parameters, lr=lr, betas=self.betas, eps=self.eps, weight_decay=decay
            )
        elif self.name == "rmsprop":
            optimizer = torch.optim.RMSprop(
                parameters, lr=lr, momentum=self.momentum, eps=self.eps, weight_decay=decay
            )
        else:
            optimizer = torch.optim.SGD(
                parameters, lr=lr, momentum=self.momentum, weight_decay=decay
            )
        optimizer.param_groups[0][MAX_NORM] = self.max_norm
        return optimizer

    def rate_at(self, step: int, steps: int) -> float:
        """Return the learning rate of step number `step`, counted from 0."""
        return self.lr * max(1 - step / steps, 0.0) if self.decay == "linear" else self.lr


def image_options(shape: Shape) -> dict[str, Any]:
    """Return the arguments of a network of images that depend on the shape of a sample."""
    return {"image_size": shape[1], "channels": shape[0]}


def shape_options(shape: Shape) -> dict[str, Any]:
    """Return the arguments of a network of images or points that depend on a sample's shape."""
    return {"shape": list(shape)}


@dataclass(frozen=True, slots=True)
class Exported:
    """How a network is written as a checkpoint that users can sample.

    Attributes:
        entry: `module:class` of the network. Its `latent_size` is the length of a latent vector, or
            None if it takes no latents.
        condition: Name of the data's tensor from which it makes samples; None if it takes no
            condition.
    """

    entry: str
    condition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one system is trained. Its numbers are settings; see `engine/settings.py`.

    Attributes:
        name: Name of the model in `MODELS`.
        make_game: Builds the game with its first weights.
        exported: Networks of the game that are written as checkpoints, by name; the first one is
            shown and scored.
        of_shape: Function of the shape of a sample that returns the keyword arguments of an
            exported network that depend on it.
        networks: The other keyword arguments of each network, by the network's name in the game.
        game: Settings of losses and schedules.
        solver: Moves the players.
        optimizers: Optimizer of each player.
        batch_size: Items in one batch, of all processes together.
        batch_per_process: Items in each process's part of a batch; the batch size is then this
            times the number of processes. 0 to divide `batch_size` instead.
        steps: Number of steps of the reference run.
        data: The default data.
        data_b: A second source: the inputs from which the pictures are to be made; "" for none.
        pair_by: How the pictures of both sources are paired: by "name", by "index" (their order),
            or "none".
        image_size: Height and width to which pictures are resized, or number of samples of the
            clips into which sounds are cut. 0 leaves pictures unchanged, and gives clips of the
            usual length.
        crop: If pictures are resized, "center" first cuts out the largest square in the middle;
            "none" stretches.
        channels: Channels of pictures: 1 converts to grey, 3 is RGB; 0 means 1 if all are grey, and
            3 otherwise.
        flip: Whether each picture is mirrored, left to right, with probability 1/2.
        prior: Prior of the generator's latents: "normal", or "uniform" from -1 to 1.
        reads: Names of the tensors that its losses use; the data must have them.
        kinds: Kinds of data that its networks can be built for.
        ema_half_life: Half-life of the moving average of the generator, in images.
        ema_ramp_up: Upper limit of the half-life, as a multiple of the images seen so far, so that
            the average soon forgets the first weights; 0 for no limit.
        presets: Groups of settings, by name.
        variant: What distinguishes it from another model in the same file, for the list of models.
    """

    name: str
    make_game: MakeGame
    exported: Mapping[str, Exported]
    of_shape: Callable[[Shape], dict[str, Any]] = shape_options
    networks: Mapping[str, Options]
    game: Options = field(default_factory=dict)
    solver: Solver
    optimizers: Mapping[str, OptimizerSpec] = field(
        default_factory=lambda: {"D": OptimizerSpec(), "G": OptimizerSpec()}
    )
    batch_size: int = 64
    batch_per_process: int = 0
    steps: int = 2000
    data: str = "digits"
    data_b: str = ""
    pair_by: PairBy = "name"
    image_size: int = 0
    crop: Crop = "center"
    channels: int = 0
    flip: bool = False
    ema_half_life: float = 2000.0
    ema_ramp_up: float = 0.0
    prior: Prior = "normal"
    reads: tuple[str, ...] = ("real",)
    kinds: tuple[Kind, ...] = ("pictures", "points")
    presets: Mapping[str, Options] = field(default_factory=dict)
    variant: str = ""

    def __post_init__(self) -> None:
        """Check the words and the number of channels (GanevalError)."""
        for name, words in (("prior", Prior), ("crop", Crop), ("pair_by", PairBy)):
            if getattr(self, name) not in get_args(words):
                raise unknown(name, getattr(self, name), get_args(words))
        if self.channels not in (0, 1, 3):
            raise ganeval.GanevalError(
                f"setting channels is {self.channels}",
                "1 (grey), 3 (RGB) or 0 (as the pictures are)",
                "change channels",
            )

    def num_classes_of(self, network: str) -> int | None:
        """Return the number of classes of a network; None if it takes no labels."""
        found: int | None = self.networks[network].get("num_classes")
        return found or None  # 0: the network could take labels, but does not

    @property
    def main(self) -> str:
        """Name of the exported network that is shown and scored."""
        return next(iter(self.exported))

    def build(self, data: Data, randomness: torch.Generator) -> Game:
        """Return the game with its first weights, for samples with the shape of the data.

        Raises:
            GanevalError: The recipe exports a network that has no average, or one whose samples
                would depend on their batch.
        """
        game = self.make_game(self, data, randomness)
        if not set(self.exported) <= set(game.averaged):
            raise ganeval.GanevalError(
                f"{self.name} exports {', '.join(self.exported)}, and its game averages "
                f"{', '.join(game.averaged) or 'nothing'}",
                "an average of each exported network, because users get the average",
                "change `exported` of the recipe, or `averaged` of the game",
            )
        for name in self.exported:
            norm_mode_of(game.get_submodule(name))
        game.prior = self.prior
        return game

    def generator_options(self, shape: Shape, network: str = "generator") -> dict[str, Any]:
        """Return the keyword arguments of an exported network, for samples of a shape."""
        return {**self.of_shape(shape), **self.networks[network]}
