"""Two parallel lines: the Wasserstein distance grows with their distance, the JSD does not."""

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch

from reference_models import gan, wgan
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Recipe
from reference_models.engine.solvers import Alternating
from reference_models.experiments.base import Experiment
from reference_models.gan import MlpDiscriminator
from reference_models.parts.objectives import OBJECTIVES, Objective
from reference_models.parts.penalties import clip_weights
from reference_models.parts.weights import init_uniform

STEPS = 600
BATCH_SIZE = 64
NUM_POINTS = 2000


class Lines(Game):
    """A game of D alone, between the line at 0 and a shifted line: Arjovsky et al. 2017, example 1.

    Attributes:
        discriminator: Maps points [B, 2] to logits [B].
        objective: Objective of D.
        shift: Distance between the lines.
        clip: Largest absolute weight; None for no limit.
    """

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",)}

    def __init__(
        self, objective: Objective, *, shift: float, clip: float | None, seed: int
    ) -> None:
        """Take the objective and make the network."""
        super().__init__()
        self.discriminator = MlpDiscriminator(shape=(2,))
        init_uniform(self.discriminator, Draw(seed, 0).generator("first weights"))
        self.objective, self.shift, self.clip = objective, shift, clip

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the term of D; the batch holds heights on the real line, [B, 1]."""
        heights = draw.uniform("fake", batch.size, 1)
        real = torch.cat([torch.zeros_like(batch["real"]), batch["real"]], dim=1)
        fake = torch.cat([torch.full_like(heights, self.shift), heights], dim=1)
        logits = self.discriminator(real), self.discriminator(fake)
        return {"adversarial": self.objective.discriminator(*logits)}

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Clip the weights, if there is a limit."""
        if self.clip is not None:
            clip_weights(self.discriminator, self.clip)


def growth_of_estimate(
    recipe: Recipe, objective: str, *, clip: float | None, at_zero: float
) -> Callable[[int], float]:
    """Return a function that trains D at shifts 1 and 2, and returns the ratio of its estimates.

    Args:
        recipe: Has the optimizer of D.
        objective: Name of D's objective.
        clip: Largest absolute weight.
        at_zero: D's best loss if both lines coincide; the estimate is this minus the loss.
    """

    def estimate(shift: float, seed: int) -> float:
        game = Lines(OBJECTIVES[objective], shift=shift, clip=clip, seed=seed)
        optimizers = {"D": recipe.optimizers["D"].build(game.parameters_of("D").values())}
        for step in range(STEPS):
            draw = Draw(seed, step)
            batch = Batch({"real": draw.uniform("real", BATCH_SIZE, 1)})
            Alternating().step(game, optimizers, partial(_same, batch), draw)
        draw = Draw(seed, STEPS)
        with torch.inference_mode():
            loss = game("D", Batch({"real": draw.uniform("real", NUM_POINTS, 1)}), draw)
        return at_zero - float(loss)

    return lambda seed: estimate(2.0, seed) / estimate(1.0, seed)


def _same(batch: Batch, reads: bool) -> Batch:
    """Return the one batch of a step."""
    return batch


WGAN = Experiment(
    model="wgan",
    criterion="growth of D's estimate if the distance between two lines doubles (W1: 2)",
    better="higher",
    threshold=1.5,
    control_is="the discriminator of gan (JSD: log 2 at any distance)",
    system=growth_of_estimate(
        wgan.RECIPE, "wasserstein", clip=wgan.RECIPE.game["clip"], at_zero=0.0
    ),
    control=growth_of_estimate(gan.RECIPE, "non-saturating", clip=None, at_zero=2 * math.log(2)),
)
