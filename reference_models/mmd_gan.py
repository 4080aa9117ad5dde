"""MMD-GAN: the kernel of a moment matching network is learned by a critic, an autoencoder.

Li et al., "MMD GAN: Towards Deeper Understanding of Moment Matching Network", NeurIPS 2017,
algorithm 1, with the numbers of the authors' code (OctoberChang/MMD-GAN, mmd_gan.py). The critic
encodes a sample as f(x) and decodes it again as g(f(x)). Both players see

    V = sqrt(MMD^2 of f(x) and f(G(z))) - 16 mean relu(E f(G(z)) - E f(x))

    D: minimises -V + 8 E |g(f(x)) - x|^2 + 8 E |g(f(G(z))) - G(z)|^2         G: minimises V

with the kernel sum_b exp(-|f - f'|^2 / (2 b^2)), b = 1, 2, 4, 8, 16, and the biased estimate.

What is special: the kernel is that of `gmmn.py` on codes that the critic chooses to tell the two
apart, which a small batch suffices for. Decoding keeps f injective, without which MMD = 0 would not
mean equal distributions. The rank hinge (section 3.4, reducing the feasible set) holds the
encoder to E f(x) >= E f(G(z)) in each coordinate. Its weights are clipped as in `wgan.py`, the
decoder's are free. A critic that is behind gives a poor kernel, so it moves five times for each
move of G, and in bursts of many at the beginning.

Published: Inception Score 6.17 +- 0.07 on CIFAR-10, where GMMN has 3.47 (table 1).

Differs from the paper: RMSProp(5e-4) and bursts of 10 moves in the first 5 steps, where it has
5e-5 and bursts of 100 in the first 25 steps and in one of 500 later; codes of 16 numbers, where it
has as many as latents, 128 on CIFAR-10 (`--preset paper`).
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.gmmn import discrepancy
from reference_models.parts.matching import Distance
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.penalties import clip_weights
from reference_models.parts.weights import init_uniform

Generator = generator_for


class Critic(nn.Module):
    """An autoencoder, whose codes are compared."""

    def __init__(
        self, *, shape: tuple[int, ...], code_size: int, width: int, batch_norm: bool
    ) -> None:
        """Build an encoder like a discriminator and a decoder like a generator."""
        super().__init__()
        self.encoder = discriminator_for(shape, width, num_outputs=code_size, batch_norm=batch_norm)
        self.decoder = generator_for(shape, latent_size=code_size, width=width)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return codes float32 [B, code_size] and the mean squared error of decoding them."""
        codes: torch.Tensor = self.encoder(x)
        return codes, F.mse_loss(self.decoder(codes), x)


class MmdGan(Game):
    """The game of G against the critic.

    Attributes:
        generator: Latents [B, latent_size] to samples; has `latent_size`.
        critic: The autoencoder.
        distance: Of two batches of codes.
        hinge: Weight of the rank hinge.
        decoding: Weight of the errors of decoding.
        clip: Largest absolute weight of the encoder.
    """

    players: Mapping[str, tuple[str, ...]] = {"D": ("critic",), "G": ("generator",)}

    def __init__(
        self,
        generator: nn.Module,
        critic: Critic,
        distance: Distance,
        *,
        hinge: float,
        decoding: float,
        clip: float,
    ) -> None:
        """Take the networks, the distance of codes and the numbers; clip the encoder."""
        super().__init__()
        self.generator, self.critic, self.distance = generator, critic, distance
        self.hinge, self.decoding, self.clip = hinge, decoding, clip

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return a player's terms; only D minds how well samples are decoded."""
        real = batch["real"]
        latent_size: Any = self.generator.latent_size
        z = draw.latents("z", batch.size, latent_size, prior=self.prior, like=real)
        fake = self.generator(z)
        of_real, error_of_real = self.critic(real)
        of_fake, error_of_fake = self.critic(fake)
        distance = self.distance(of_real, of_fake)
        behind = self.hinge * F.relu(of_fake.mean(dim=0) - of_real.mean(dim=0)).mean()
        if player == "G":
            return {"distance": distance, "hinge": -behind}
        return {
            "distance": -distance,
            "hinge": behind,
            "decoding_real": self.decoding * error_of_real,
            "decoding_fake": self.decoding * error_of_fake,
        }

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Clip the encoder's weights."""
        if player == "D":
            clip_weights(self.critic.encoder, self.clip)


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights, the encoder's clipped."""
    game = MmdGan(
        Generator(**recipe.generator_options(data.shape)),
        Critic(shape=data.shape, **recipe.networks["critic"]),
        discrepancy(recipe.game["bandwidths"]),
        hinge=recipe.game["hinge"],
        decoding=recipe.game["decoding"],
        clip=recipe.game["clip"],
    )
    init_uniform(game, randomness)
    clip_weights(game.critic.encoder, game.clip)
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
    optimizers={player: OptimizerSpec(name="rmsprop", lr=5e-4) for player in ("D", "G")},
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
