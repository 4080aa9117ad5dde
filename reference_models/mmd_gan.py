"""MMD-GAN: the critic learns codes, and batches of data and samples are compared by their codes.

Li et al., "MMD GAN: Towards Deeper Understanding of Moment Matching Network", NeurIPS 2017, with
the numbers of the authors' code (OctoberChang/MMD-GAN, mmd_gan.py). The critic D is an autoencoder:
f encodes a sample, and g decodes the code. The losses are

    V = sqrt(MMD^2 of f(x) and f(G(z))) - 16 mean relu(E f(G(z)) - E f(x))

    D minimises   -V + 8 E |g(f(x)) - x|^2 + 8 E |g(f(G(z))) - G(z)|^2
    G minimises   V

where MMD^2 is the biased estimate with the kernel sum_b exp(-|f - f'|^2 / (2 b^2)), b = 1, 2, 4, 8,
16. The mean in V is over the components of a code, and |.|^2 is a mean over pixels.

What is special: D chooses codes in which data and samples differ most, so a small batch is enough
to see the difference. The decoder keeps f injective; otherwise MMD = 0 would not mean equal
distributions. The second term of V, the rank hinge, keeps E f(x) >= E f(G(z)) in each component of
a code (section "Feasible Set Reduction"). The weights of f are clipped as in `wgan.py`, but not the
weights of g. The kernel is poor if D lags behind G. So D moves five times for each move of G, and
more often at the beginning.

Differs from the paper: RMSProp(5e-4) for D and RMSProp(2e-4) for G, where the code has 5e-5 for
both; 10 moves of D in each of the first 5 steps, where the code has 100 in each of the first 25
steps and in every 500th step; codes of 16 numbers, where the code has as many numbers as latents,
128 on CIFAR-10 (`--preset paper`).
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Options, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.gmmn import discrepancy
from reference_models.parts.matching import Distance
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.penalties import clip_weights
from reference_models.parts.weights import init_uniform

Generator = generator_for


class Critic(nn.Module):
    """The autoencoder of f and g."""

    def __init__(
        self, *, shape: tuple[int, ...], code_size: int, width: int, batch_norm: bool
    ) -> None:
        """Build an encoder like a discriminator and a decoder like a generator."""
        super().__init__()
        self.encoder = discriminator_for(shape, width, num_outputs=code_size, batch_norm=batch_norm)
        self.decoder = generator_for(shape, latent_size=code_size, width=width)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return codes float32 [B, code_size] and the mean squared error of the decoded codes."""
        codes: torch.Tensor = self.encoder(x)
        return codes, F.mse_loss(self.decoder(codes), x)


class MmdGan(Game):
    """The game of G against the critic.

    Attributes:
        generator: Maps latents [B, latent_size] to samples; has `latent_size`.
        critic: The autoencoder.
        distance: Distance between two batches of codes.
        options: The settings of the recipe's game, by name.
    """

    players: Mapping[str, tuple[str, ...]] = {"D": ("critic",), "G": ("generator",)}

    def __init__(
        self,
        generator: nn.Module,
        critic: Critic,
        distance: Distance,
        options: Options,
    ) -> None:
        """Take the networks, the distance of codes, and the settings of the recipe's game."""
        super().__init__()
        self.generator, self.critic, self.distance = generator, critic, distance
        self.options = options

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return a player's terms; D also has the errors of decoding."""
        real = batch["real"]
        latent_size: Any = self.generator.latent_size
        z = draw.latents("z", batch.size, latent_size, prior=self.prior, like=real)
        fake = self.generator(z)
        of_real, error_of_real = self.critic(real)
        of_fake, error_of_fake = self.critic(fake)
        distance = self.distance(of_real, of_fake)
        hinge = self.options["hinge"] * F.relu(of_fake.mean(dim=0) - of_real.mean(dim=0)).mean()
        if player == "G":
            return {"distance": distance, "hinge": -hinge}
        return {
            "distance": -distance,
            "hinge": hinge,
            "decoding_real": self.options["decoding"] * error_of_real,
            "decoding_fake": self.options["decoding"] * error_of_fake,
        }

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Clip the encoder's weights."""
        if player == "D":
            clip_weights(self.critic.encoder, self.options["clip"])


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights; the encoder's weights are clipped."""
    game = MmdGan(
        Generator(**recipe.generator_options(data.shape)),
        Critic(shape=data.shape, **recipe.networks["critic"]),
        discrepancy(recipe.game["bandwidths"]),
        recipe.game,
    )
    init_uniform(game, randomness)
    clip_weights(game.critic.encoder, recipe.game["clip"])
    return game


RECIPE = Recipe(
    name="mmd-gan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.mmd_gan:Generator")},
    networks={
        "generator": {"latent_size": 16, "width": 32},
        "critic": {"code_size": 16, "width": 16, "batch_norm": True},
    },
    game={
        "bandwidths": (1.0, 2.0, 4.0, 8.0, 16.0),
        "hinge": 16.0,
        "decoding": 8.0,
        "clip": 0.01,
    },
    solver=Alternating(num_first=5, num_burst=10, burst_steps=5),
    # With a G as fast as D, a run that was good after 300 steps had diverged after 800.
    optimizers={
        "D": OptimizerSpec(name="rmsprop", lr=5e-4),
        "G": OptimizerSpec(name="rmsprop", lr=2e-4),
    },
    presets={
        "paper": {
            "generator.latent_size": 128,
            "generator.width": 64,
            "critic.code_size": 128,
            "critic.width": 64,
            "solver.num_burst": 100,
            "solver.burst_steps": 25,
            "solver.burst_every": 500,
            "optimizers.D.lr": 5e-5,
            "optimizers.G.lr": 5e-5,
        }
    },
)
