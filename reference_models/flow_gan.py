"""Flow-GAN: a generator that can be inverted has a likelihood, and D may judge it all the same.

Grover, Dhar and Ermon, "Flow-GAN: Combining Maximum Likelihood and Adversarial Learning in
Generative Models", AAAI 2018, the section on hybrid learning:

    min_G max_D  V(G, D) - lambda E_x log p_G(x)

with V of `wgan_gp.py`. G is a chain of RealNVP's coupling layers (Dinh, Sohl-Dickstein and Bengio,
"Density estimation using Real NVP", ICLR 2017, section 3.2), z to x of the same size:

    x1 = z1,   x2 = z2 * exp(s(z1)) + t(z1)
    log p_G(x) = log N(G^-1(x); 0, I) - sum of all s

What is special: the Jacobian of a layer is triangular, so its determinant is a sum of outputs, and
the inverse needs no inverse of s and t. lambda = 0 trains by D alone (the paper's ADV), `RECIPE`
has both (hybrid), and `FLOW` is the other end, maximum likelihood without D (MLE). The paper's
point: ADV makes good samples whose likelihood is worse than that of a mixture of Gaussians around
the training data; MLE the other way round.

Pictures are spread over the width of their byte (`parts/likelihood.py`), for D too, and a last
layer takes the real line to their range by tanh.

Differs from the paper: couplings are perceptrons on a checkerboard of all pixels with scales, where
its NICE for MNIST has shifts alone and its RealNVP for CIFAR-10 residual networks on several
scales; its prior for NICE is logistic, here it is normal.
"""

import itertools
import math
from dataclasses import replace

import torch
from torch import nn

import ganeval
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, Augment, augment_of
from reference_models.parts.likelihood import MaximumLikelihood, dequantised
from reference_models.parts.networks import discriminator_for
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.weights import init_uniform
from reference_models.wgan_gp import WassersteinGanGp

_END = 256 / 255  # of the range of spread pictures: half a byte's width beyond black and white


class Coupling(nn.Module):
    """One coupling layer: what `mask` keeps says how the rest is scaled and shifted."""

    mask: torch.Tensor

    def __init__(self, mask: torch.Tensor, *, width: int, depth: int, limit: float) -> None:
        """Build s and t as one perceptron; `limit` is the largest absolute value of s."""
        super().__init__()
        self.limit = limit
        self.register_buffer("mask", mask, persistent=False)
        sizes = [len(mask), *[width] * depth]
        self.hidden = nn.Sequential(
            *(
                layer
                for before, after in itertools.pairwise(sizes)
                for layer in (nn.Linear(before, after), nn.ReLU())
            )
        )
        self.output = nn.Linear(width, 2 * len(mask))

    def scale_and_shift(self, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return s and t [B, D], both 0 where the mask is 1."""
        scale, shift = self.output(self.hidden(kept)).to(kept.dtype).chunk(2, dim=1)
        change = 1 - self.mask
        return change * self.limit * (scale / self.limit).tanh(), change * shift

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return z scaled and shifted, [B, D]."""
        scale, shift = self.scale_and_shift(self.mask * z)
        return z * scale.exp() + shift

    def inverse(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what `forward` takes to x, and log |det dx/dz| [B] there."""
        scale, shift = self.scale_and_shift(self.mask * x)
        return (x - shift) * (-scale).exp(), scale.sum(dim=1)


class Generator(nn.Module):
    """A flow from latents to points or pictures of as many numbers."""

    def __init__(
        self, *, shape: tuple[int, ...], num_couplings: int, width: int, depth: int, limit: float
    ) -> None:
        """Build the couplings, which keep the white and the black squares in turn."""
        super().__init__()
        self.shape, self.latent_size = tuple(shape), math.prod(shape)
        places = torch.meshgrid(*(torch.arange(n) for n in shape), indexing="ij")
        white = (torch.stack(places).sum(dim=0) % 2).flatten().float()
        self.couplings = nn.ModuleList(
            Coupling(white if number % 2 else 1 - white, width=width, depth=depth, limit=limit)
            for number in range(num_couplings)
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples float32 [B, *shape] of latents [B, latent_size]."""
        for coupling in self.couplings:
            z = coupling(z)
        samples = z.reshape(len(z), *self.shape)
        return _END * (samples / 2).tanh() if len(self.shape) == 3 else samples

    def inverse(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latents [B, latent_size] of samples, and log |det dx/dz| [B] there."""
        rest, total = x.flatten(1), torch.zeros(len(x), dtype=x.dtype, device=x.device)
        if len(self.shape) == 3:
            part = rest / _END
            rest = 2 * part.atanh()
            total = total + (_END * (1 - part.square()) / 2).log().sum(dim=1)
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, Coupling)
            rest, log_det = coupling.inverse(rest)
            total = total + log_det
        return rest, total

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Return log p(x) in nats, float32 [B]; -inf beyond the range of pictures.

        Args:
            x: float32 [B, *shape]; pictures dequantised.
        """
        inside = torch.ones(len(x), dtype=torch.bool, device=x.device)
        if len(self.shape) == 3:
            outside = x.abs() >= _END
            inside, x = ~outside.flatten(1).any(dim=1), x.masked_fill(outside, 0)
        z, log_det = self.inverse(x)
        log_prior = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)
        return (log_prior - log_det).masked_fill(~inside, -math.inf)


class FlowGan(WassersteinGanGp):
    """The game of the flow against the penalised critic, with a likelihood for the flow."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        augment: Augment,
        weight: float,
        likelihood_weight: float,
    ) -> None:
        """Take what `WassersteinGanGp` takes, and lambda."""
        super().__init__(generator, discriminator, objective, augment, weight=weight)
        self.likelihood_weight = likelihood_weight

    def reads(self, player: str) -> bool:
        """G sees real samples for their likelihood."""
        return super().reads(player) or self.likelihood_weight > 0

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the terms of wgan-gp on spread pictures, and for G the likelihood of these."""
        if not self.reads(player):
            return super().loss(player, batch, draw)
        real = dequantised(batch, draw)
        terms = super().loss(player, Batch({"real": real}), draw)
        if player == "D":
            return terms
        assert isinstance(self.generator, Generator)
        log_prob = self.generator.log_prob(real).mean()
        return {**terms, "likelihood": -self.likelihood_weight * log_prob}


def flow_of(recipe: Recipe, data: Data) -> Generator:
    """Return the flow of a recipe.

    Raises:
        GanevalError: A prior other than the normal one, of which log p is computed.
    """
    if recipe.prior != "normal":
        raise ganeval.GanevalError(
            f"prior {recipe.prior} for {recipe.name}",
            "normal latents, whose density it has",
            "leave it",
        )
    return Generator(**recipe.generator_options(data.shape))


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    game = FlowGan(
        flow_of(recipe, data),
        discriminator_for(data.shape, **recipe.networks["discriminator"]),
        objective_of(recipe),
        augment_of(recipe, data),
        recipe.game["penalty_weight"],
        recipe.game["likelihood_weight"],
    )
    init_uniform(game, randomness)
    return game


def make_flow(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game of one player with its first weights."""
    game = MaximumLikelihood(flow_of(recipe, data))
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="flow-gan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.flow_gan:Generator")},
    networks={
        "generator": {"num_couplings": 8, "width": 128, "depth": 2, "limit": 2.0},
        "discriminator": {"width": 32},
    },
    game={
        "objective": "wasserstein",
        "penalty_weight": 10.0,
        "likelihood_weight": 1.0,
        **AUGMENT,
    },
    solver=Alternating(num_first=5),
    optimizers={player: OptimizerSpec(lr=1e-3, betas=(0.5, 0.9)) for player in ("D", "G")},
    presets={
        "points": {
            "game.penalty_weight": 0.1,
            "optimizers.D.lr": 2e-3,
            "optimizers.G.lr": 2e-3,
        }
    },
    variant="hybrid: likelihood and D",
)
FLOW = replace(
    RECIPE,
    name="flow",
    make_game=make_flow,
    networks={"generator": RECIPE.networks["generator"]},
    game={},
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=1e-3, betas=(0.9, 0.999), max_norm=100.0)},
    presets={"points": {"optimizers.G.lr": 2e-3}},
    variant="maximum likelihood alone",
)
