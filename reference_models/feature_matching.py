"""Feature matching: G makes samples whose mean features are the same as for real samples.

Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section 3.1. f(x) are the
features of D, here its last layer before the logit:

    D minimises   -E log D(x) - E log(1 - D(G(z)))        as in `gan.py`
    G minimises   |E f(x) - E f(G(z))|^2

What is special: G does not try to deceive D. D finds statistics that tell real from generated
samples, and G matches these statistics. This keeps G from overtraining on the present D. The
expectations are means over a batch. If a batch is computed in parts (`solver.accumulate`, several
processes), G matches the means of each part.

The paper finds that samples look worse than with minibatch discrimination, but that semi-supervised
classifiers are better (section 6.1; `semi_supervised.py` has the figures).

Differs from the paper: networks of `dcgan.py` without BatchNorm in D, where the paper's code has
dense ones with weight norm on MNIST; the squares are summed over features, where the code takes
their mean.
"""

import torch

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import objective_of
from reference_models.parts.unconditional import Unconditional
from reference_models.parts.weights import init_uniform

Generator = generator_for


def matching(discriminator: Discriminator, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return the squared distance of the mean features of two batches, a scalar."""
    means = [discriminator.features(batch).mean(dim=0) for batch in (real, fake)]
    return (means[0] - means[1]).square().sum()


class FeatureMatching(Unconditional):
    """The game whose G matches features."""

    discriminator: Discriminator

    def reads(self, player: str) -> bool:
        """Return True: both players use real samples."""
        return True

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the objective's term of D, or the squared distance that G minimises."""
        if player == "D":
            return super().loss(player, batch, draw)
        real = self.augment(batch["real"], draw, "real")
        fake = self.augment(self.sample(batch.size, draw), draw, "fake")
        return {"matching": matching(self.discriminator, real, fake)}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    game = FeatureMatching(
        Generator(**recipe.generator_options(data.shape)),
        discriminator_for(data.shape, **recipe.networks["discriminator"]),
        objective_of(recipe),
        augment_of(recipe, data),
    )
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="feature-matching",
    make_game=make_game,
    exported={"generator": Exported("reference_models.feature_matching:Generator")},
    networks={
        "generator": {"latent_size": 64, "width": 32},
        "discriminator": {"width": 32},
    },
    game={"objective": "non-saturating", **AUGMENT},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=1e-3) for player in ("D", "G")},
    presets={"points": {"optimizers.D.lr": 2e-3, "optimizers.G.lr": 2e-3}},
)
