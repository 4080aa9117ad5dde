"""Minibatch discrimination: D sees how near each sample is to the others in its batch.

Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section 3.2. f(x_i) are the
features of sample i. A learned tensor T maps them to a matrix M_i = f(x_i) T with R rows and C
columns (the paper's B and C). Sample i gets R more features, one for each row r:

    o(x_i)_r = sum_{j != i} exp(-|M_ir - M_jr|_1)

The last layer of D sees o(x_i) beside f(x_i). The losses are the same as in `gan.py`:

    D minimises   -E log D(x) - E log(1 - D(G(z)))        G minimises   -E log D(G(z))

What is special: if G always makes the same sample, every o of a generated batch has its largest
possible value, the number of the other samples. D can see that at once. Real and generated samples
are in separate batches. If a batch is computed in parts (`solver.accumulate`, several processes),
samples are compared within their part.

Two more techniques of the paper are settings: `game.history_weight` is the lambda of historical
averaging (section 3.3, `parts/history.py`), and `generator.norm=virtual` is virtual batch
normalization with `generator.num_reference` rows (section 3.5, `parts/virtual_batch_norm.py`).

Differs from the paper: the sum leaves out j = i, as the paper's code does; networks of `dcgan.py`
without BatchNorm in D; 16 rows of 4 columns, where the code has 100 of 5 (`--preset paper`).
"""

from typing import Any

import torch
from torch import nn

from reference_models.engine.data import Batch, Data, unknown
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.history import History
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import objective_of
from reference_models.parts.unconditional import Unconditional
from reference_models.parts.virtual_batch_norm import VirtuallyNormalised
from reference_models.parts.weights import init_uniform

NORMS = ("batch", "virtual")


def Generator(  # noqa: N802 (what checkpoints name as their entry)
    shape: tuple[int, ...], *, latent_size: int, width: int, norm: str, num_reference: int
) -> nn.Module:
    """Return an MLP for points, or transposed convolutions with one of two norms for images.

    Raises:
        GanevalError: There is no such norm, or the norm is virtual and the data are points.
    """
    if norm not in NORMS:
        raise unknown("norm", norm, NORMS)
    network = generator_for(shape, latent_size=latent_size, width=width)
    if norm == "batch":
        return network
    return VirtuallyNormalised(network, latent_size=latent_size, num_reference=num_reference)


class Closeness(nn.Module):
    """The layer from features f to o."""

    def __init__(self, num_features: int, num_rows: int, num_columns: int) -> None:
        """Build T, as the weights of a linear layer from the features to R * C numbers."""
        super().__init__()
        self.rows = (num_rows, num_columns)
        self.tensor = nn.Linear(num_features, num_rows * num_columns, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return o [B, num_rows] for features [B, num_features]."""
        matrices = self.tensor(features).unflatten(1, self.rows)
        distances = (matrices[:, None] - matrices[None]).abs().sum(dim=3)
        closeness: torch.Tensor = (-distances).exp().sum(dim=1) - 1  # without j = i, which is 1
        return closeness


class MinibatchDiscriminator(Discriminator):
    """A discriminator that compares the samples of a batch."""

    def __init__(self, body: Discriminator, *, num_rows: int, num_columns: int) -> None:
        """Take the features of `body`, and add the layer beside its last one."""
        super().__init__()
        self.body, self.num_features = body, body.num_features
        self.closeness = Closeness(body.num_features, num_rows, num_columns)
        self.weights = nn.Linear(num_rows, 1, bias=False)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return f(x), which depends on each sample alone."""
        return self.body.features(x)

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits [B]; a linear layer on f and o is the sum of one on f and one on o."""
        of_batch: torch.Tensor = self.weights(self.closeness(features)).squeeze(1)
        return self.body.logits(features) + of_batch


class MinibatchGan(Unconditional):
    """The game in which players are also held near their history, if it has a weight."""

    history: History

    def before_step(self, num_images: int) -> None:
        """Add the players' parameters to their history."""
        self.history.remember(self)

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the objective's term of a player, and the term of its history."""
        return {**super().loss(player, batch, draw), **self.history.terms(self, player)}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    options: dict[str, Any] = dict(recipe.networks["discriminator"])
    body = discriminator_for(data.shape, options.pop("width"))
    game = MinibatchGan(
        Generator(**recipe.generator_options(data.shape)),
        MinibatchDiscriminator(body, **options),
        objective_of(recipe),
        augment_of(recipe, data),
    )
    init_uniform(game, randomness)
    if isinstance(game.generator, VirtuallyNormalised):
        game.generator.choose(randomness)
    game.history = History(game, recipe.game["history_weight"])
    return game


RECIPE = Recipe(
    name="minibatch",
    make_game=make_game,
    exported={"generator": Exported("reference_models.minibatch_discrimination:Generator")},
    networks={
        "generator": {"latent_size": 64, "width": 32, "norm": "batch", "num_reference": 64},
        "discriminator": {"width": 32, "num_rows": 16, "num_columns": 4},
    },
    game={"objective": "non-saturating", "history_weight": 0.0, **AUGMENT},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=2e-4) for player in ("D", "G")},
    presets={
        "paper": {
            "discriminator.num_rows": 100,
            "discriminator.num_columns": 5,
            "optimizers.D.lr": 3e-4,
            "optimizers.G.lr": 3e-4,
        },
        "points": {"optimizers.D.lr": 2e-3, "optimizers.G.lr": 2e-3},
    },
)
