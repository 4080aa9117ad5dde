"""SN-GAN: every layer of the discriminator has spectral norm one.

Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018: each weight
is divided by its largest singular value (equation 8), which one step of power iteration per pass
estimates (algorithm 1), so the discriminator is 1-Lipschitz up to its activations. The losses are
the hinge (equations 16 and 17):

    D: E max(0, 1 - f(x)) + E max(0, 1 + f(G(z)))      G: -E f(G(z))
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from reference_models.engine.game import Game
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.networks import (
    discriminator_for,
    generator_for,
    init_uniform,
)
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.unconditional import Unconditional

LATENT_SIZE = 64
WIDTH = 32
WARM_UP = 20  # power iterations before the first step

Generator = generator_for


class SpectralNorm(nn.Module):
    """Divide a weight by its largest singular value, estimated by power iteration.

    The left singular vector is a buffer: it moves by one iteration in each training pass and stays
    in evaluation.
    """

    left: torch.Tensor

    def __init__(self, weight: torch.Tensor) -> None:
        """Start from equal components; `iterate` brings them to the singular vector."""
        super().__init__()
        rows = weight.shape[0]
        self.register_buffer("left", torch.full((rows,), rows**-0.5))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return weight / sigma, the gradient going through sigma too."""
        matrix = weight.flatten(1)
        if self.training:
            self.iterate(matrix)
        # A copy: the buffer moves on in the next pass, the graph of this one must not.
        left = self.left.clone()
        right = F.normalize(matrix.detach().T @ left, dim=0)
        return weight / torch.dot(left, matrix @ right)

    @torch.no_grad()
    def iterate(self, matrix: torch.Tensor) -> None:
        """Make one step of power iteration: algorithm 1."""
        right = F.normalize(matrix.T @ self.left, dim=0)
        self.left.copy_(F.normalize(matrix @ right, dim=0))


def spectral_norm(layer: nn.Module) -> nn.Module:
    """Return the layer with its weight divided by its spectral norm."""
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)
    # unsafe: registering must not run the power iteration on weights that are not drawn yet.
    return parametrize.register_parametrization(layer, "weight", SpectralNorm(weight), unsafe=True)


def build_game(shape: tuple[int, ...], randomness: torch.Generator) -> Game:
    """Return the game with its first weights and settled singular vectors."""
    game = Unconditional(
        Generator(shape, latent_size=LATENT_SIZE, width=WIDTH),
        discriminator_for(shape, WIDTH),
        OBJECTIVES["hinge"],
    )
    init_uniform(game, randomness)
    for layer in list(game.discriminator.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spectral_norm(layer)
            for _ in range(WARM_UP):
                _ = layer.weight
    return game


RECIPE = Recipe(
    name="sngan",
    build=build_game,
    entry="reference_models.sngan:Generator",
    generator_options=lambda shape: {
        "shape": list(shape),
        "latent_size": LATENT_SIZE,
        "width": WIDTH,
    },
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=2e-4, betas=(0.0, 0.9)) for player in ("D", "G")},
)
