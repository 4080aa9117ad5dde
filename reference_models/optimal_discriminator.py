"""The optimal discriminator: D learns alone, against a generator whose density is known.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, section 4.1. The data have the
density p, and the samples of a fixed generator have the density q. The only player, D, minimises
-V(D), where

    V(D) = E_p log D(x) + E_q log(1 - D(x))

The best D is D* = p / (p + q) (equation 2), with the value V(D*) = 2 JSD(p, q) - log 4 (equation
6).

What is special: D estimates more than a probability. The logit of D*, log D* - log(1 - D*), is the
log ratio of the densities, log p(x) - log q(x). And (V(D) + log 4) / 2 is a lower bound on the
Jensen-Shannon divergence JSD, which D* reaches. Here q is a Gaussian with independent coordinates;
it has the means and standard deviations of the data. So D*, the ratio and the divergence can be
computed if p is known.

The exported generator shows a use of the ratio. It draws several candidates from q and keeps one of
them, with a probability proportional to p(x) / q(x) = exp(logit). With D = D*, the distribution of
its samples approaches p as the number of candidates grows. (Azadi et al., "Discriminator Rejection
Sampling", ICLR 2019, improve samples of a GAN in a similar way.) It works if p and q overlap, as
for points. It fails for pictures, because Gaussian noise hardly ever looks like one.

Differs from the paper: the paper only has the proposition, and here it is a model; D is a
perceptron with Adam; samples of pictures are clipped to the range of pixels.
"""

import math
from collections.abc import Mapping

import torch
from torch import nn

import ganeval
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.gan import MlpDiscriminator
from reference_models.parts.objectives import logistic_discriminator
from reference_models.parts.weights import init_uniform


class Generator(nn.Module):
    """Draws candidates from q and keeps one of them, chosen by D.

    Attributes:
        discriminator: Maps samples to logits [B], which estimate log p / q.
        mean: Mean of q, float32, with the shape of a sample.
        std: Standard deviations of q, float32, with the same shape.
        latent_size: One number for the choice, plus the numbers of all candidates.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, *, shape: tuple[int, ...], width: int, depth: int, num_candidates: int
    ) -> None:
        """Build D, and q, which is standard normal until it is fitted."""
        super().__init__()
        self.shape, self.num_candidates = tuple(shape), num_candidates
        self.discriminator = MlpDiscriminator(shape=shape, width=width, depth=depth)
        self.register_buffer("mean", torch.zeros(self.shape))
        self.register_buffer("std", torch.ones(self.shape))
        self.latent_size = 1 + num_candidates * math.prod(self.shape)

    def known(self, noise: torch.Tensor) -> torch.Tensor:
        """Return samples of q, made from standard normal noise [B, *shape]."""
        samples = self.mean + self.std * noise
        return samples.clamp(-1, 1) if len(self.shape) == 3 else samples

    def log_density(self, x: torch.Tensor) -> torch.Tensor:
        """Return log q of points [B, d]; for pictures it would ignore the clipping."""
        standard = (x - self.mean) / self.std
        of_each = -standard.square() / 2 - self.std.log() - math.log(2 * math.pi) / 2
        return of_each.sum(dim=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples for standard normal latents [B, latent_size]."""
        noise = z[:, 1:].reshape(-1, *self.shape)
        candidates = self.known(noise)
        logits = self.discriminator(candidates).reshape(len(z), self.num_candidates)
        candidates = candidates.reshape(len(z), self.num_candidates, *self.shape)
        steps = logits.float().softmax(dim=1).cumsum(dim=1)
        level = torch.special.ndtr(z[:, :1])  # uniform on [0, 1]
        chosen = (steps < level).sum(dim=1).clamp(max=self.num_candidates - 1)
        kept: torch.Tensor = candidates[torch.arange(len(z), device=z.device), chosen]
        return kept


class OptimalDiscriminator(Game):
    """The game of one player, D; it is a part of the exported network.

    Attributes:
        generator: Holds q and D; its only parameters are D's weights.
    """

    players: Mapping[str, tuple[str, ...]] = {"D": ("generator",)}

    def __init__(self, generator: Generator) -> None:
        """Take the network."""
        super().__init__()
        self.generator = generator

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return -V(D), which is log 4 - 2 JSD at D*."""
        real = batch["real"]
        noise = draw.normal("known", batch.size, *self.generator.shape, like=real)
        judge = self.generator.discriminator
        value = logistic_discriminator(judge(real), judge(self.generator.known(noise)))
        return {"adversarial": value}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> OptimalDiscriminator:
    """Return the game with D's first weights, and q fitted to the first items of the data.

    Raises:
        GanevalError: The latents are not normal, and q needs normal ones.
    """
    if recipe.prior != "normal":
        raise ganeval.GanevalError(
            f"prior {recipe.prior} for optimal-d",
            "normal latents, from which samples of q are made",
            "leave prior=normal",
        )
    generator = Generator(**recipe.generator_options(data.shape))
    init_uniform(generator, randomness)
    real = data.batch(0, 0, recipe.game["num_fitted"])["real"]
    generator.mean.copy_(real.mean(dim=0))
    generator.std.copy_(real.std(dim=0, correction=0).clamp(min=recipe.game["least_std"]))
    return OptimalDiscriminator(generator)


RECIPE = Recipe(
    name="optimal-d",
    make_game=make_game,
    exported={"generator": Exported("reference_models.optimal_discriminator:Generator")},
    networks={"generator": {"width": 64, "depth": 3, "num_candidates": 16}},
    game={"num_fitted": 1000, "least_std": 0.05},
    solver=Alternating(),
    optimizers={"D": OptimizerSpec(lr=1e-3, betas=(0.9, 0.999), decay="linear")},
    batch_size=128,
    presets={
        "points": {
            "batch_size": 512,
            "generator.num_candidates": 256,
            "optimizers.D.lr": 5e-3,
        }
    },
)
