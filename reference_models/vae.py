"""VAE: a decoder of latents, and an encoder that makes a bound on the likelihood computable.

Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014. The decoder f gives the density of
x for latents z, p(x|z) = N(f(z), s^2 I), with p(z) = N(0, I). The encoder predicts the latents of
x, q(z|x) = N(mu(x), diag sigma(x)^2). One player owns both networks and s. It maximises the mean
over x of a lower bound on the log-likelihood (equation 3):

    log p(x) >= E_{q(z|x)} log p(x|z) - KL(q(z|x) | p(z))

What is special: with z = mu(x) + sigma(x) * noise the gradient goes through the random z (section
2.4). One z for each x is enough to estimate the first term. The second term has a closed form
(appendix B):

    KL = 1/2 sum (mu^2 + sigma^2 - 1 - log sigma^2)

Samples are the decoder's means f(z), without the noise of p(x|z). Pictures are dequantised
(`parts/likelihood.py`).

Differs from the paper: one learned s for all pixels and inputs, where the paper's Gaussian decoder
has a variance for each, and where its digits are Bernoulli; Adam, where it has Adagrad; two hidden
layers (`--preset paper` has one of 500).
"""

import math

import torch
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.gan import MlpDiscriminator, MlpGenerator
from reference_models.parts.likelihood import MaximumLikelihood, dequantised
from reference_models.parts.weights import init_uniform


class Generator(nn.Module):
    """The decoder and the encoder."""

    def __init__(
        self, *, shape: tuple[int, ...], latent_size: int, width: int, depth: int, std: float
    ) -> None:
        """Build both for points or pictures; `std` is the first value of s."""
        super().__init__()
        self.latent_size = latent_size
        self.decoder = MlpGenerator(latent_size=latent_size, shape=shape, width=width, depth=depth)
        self.encoder = MlpDiscriminator(
            shape=shape, width=width, depth=depth, num_outputs=2 * latent_size
        )
        self.log_std = nn.Parameter(torch.tensor(math.log(std)))  # log s

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return the means of p(x|z), float32 [B, *shape]."""
        samples: torch.Tensor = self.decoder(z)
        return samples

    @property
    def std(self) -> torch.Tensor:
        """The s of p(x|z), a scalar."""
        return self.log_std.exp()

    def terms(self, x: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log p(x|z) for one z drawn from q(z|x), and the KL term; float32 [B], in nats.

        Args:
            x: float32 [B, *shape]; pictures must be dequantised.
            noise: Standard normal [B, latent_size].
        """
        mean, log_variance = self.encoder(x).to(x.dtype).chunk(2, dim=1)
        z = mean + (0.5 * log_variance).exp() * noise
        far = ((x - self.decoder(z)) / self.std).flatten(1)
        log_prob = -(0.5 * far.square() + self.log_std + 0.5 * math.log(2 * math.pi)).sum(dim=1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        return log_prob, divergence

    def elbo(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return an unbiased estimate of the bound on log p(x), float32 [B], in nats."""
        log_prob, divergence = self.terms(x, noise)
        return log_prob - divergence


class Vae(MaximumLikelihood):
    """The game of one player who maximises the bound."""

    def __init__(self, generator: Generator, weight: float) -> None:
        """Take the network, and the weight of the KL term: with 1 the loss is a bound."""
        super().__init__(generator)
        self.weight = weight

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the two terms of the bound, negated, in nats."""
        assert isinstance(self.generator, Generator)
        x = dequantised(batch, draw)
        noise = draw.normal("noise", len(x), self.generator.latent_size, like=x)
        log_prob, divergence = self.generator.terms(x, noise)
        return {"reconstruction": -log_prob.mean(), "divergence": self.weight * divergence.mean()}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    game = Vae(Generator(**recipe.generator_options(data.shape)), recipe.game["divergence_weight"])
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="vae",
    make_game=make_game,
    exported={"generator": Exported("reference_models.vae:Generator")},
    networks={"generator": {"latent_size": 16, "width": 256, "depth": 2, "std": 0.1}},
    game={"divergence_weight": 1.0},
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=1e-3, betas=(0.9, 0.999))},
    presets={
        "paper": {"generator.width": 500, "generator.depth": 1},
        "points": {"generator.latent_size": 2, "optimizers.G.lr": 2e-3},
    },
)
