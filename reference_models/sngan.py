"""SN-GAN: every layer of the discriminator has spectral norm one.

Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018. Each weight
W of D is divided by its largest singular value sigma(W) (equation 8). One step of power iteration
in each pass estimates sigma(W) (algorithm 1). The losses are hinge losses (equations 16 and 17),
where f(x) is the output of D:

    D minimises   E max(0, 1 - f(x)) + E max(0, 1 + f(G(z)))
    G minimises   -E f(G(z))

What is special: a linear layer with spectral norm one does not increase distances, so D cannot
become steep. This needs no penalty and hardly any time. For a convolution, W is the kernel reshaped
to a matrix with one row for each output channel.

`--preset cifar10` is mimicry's residual network; every pass runs algorithm 1 unchanged.
Published: FID 16.77 +- 0.04 with 50,000 real images of the training split and 50,000 generated ones
(mimicry's README).

Differs from the paper: one move of D for each of G, where the paper has five with these rates;
three power iterations a step, because D is evaluated on real samples, on generated ones and for G,
where algorithm 1 has one; the right singular vector is computed again after the update of the left
one (`game.refine`); 64 latents and 32 channels, where it has 128 and 64 or more (`--preset paper`).
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.cifar10 import CIFAR10, RESIDUAL
from reference_models.parts.ffhq64 import FFHQ64
from reference_models.parts.labels import LABELS
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import objective_of
from reference_models.parts.residual import init_residual, is_residual
from reference_models.parts.stabilise import STABILISE, stabiliser_of
from reference_models.parts.unconditional import Unconditional
from reference_models.parts.weights import init_uniform

WARM_UP = 20  # power iterations before the first step

Generator = generator_for


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, estimated by power iteration.

    The left singular vector is a buffer. Each training pass updates it by one iteration; evaluation
    does not.
    """

    left: torch.Tensor

    def __init__(self, weight: torch.Tensor, *, refine: bool = True) -> None:
        """Start from a vector with equal components, which `iterate` improves.

        Args:
            weight: The weight to divide.
            refine: Whether the right vector is computed again after the update of the left one.
                Otherwise it is the one before the update, as in algorithm 1.
        """
        super().__init__()
        rows = weight.shape[0]
        self.register_buffer("left", torch.full((rows,), rows**-0.5))
        self.refine = refine

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return weight / sigma; the gradient goes through sigma too."""
        matrix = weight.flatten(1)
        right = self.iterate(matrix) if self.training else None
        # A copy, because the next pass changes the buffer, and this pass's graph must not change.
        left = self.left.clone()
        if right is None or self.refine:
            right = F.normalize(matrix.detach().T @ left, dim=0)
        return weight / torch.dot(left, matrix @ right)

    @torch.no_grad()
    def iterate(self, matrix: torch.Tensor) -> torch.Tensor:
        """Update the left vector by one power iteration, and return the right vector."""
        right = F.normalize(matrix.T @ self.left, dim=0)
        self.left.copy_(F.normalize(matrix @ right, dim=0))
        return right


def normalise(network: nn.Module, *, refine: bool = True) -> None:
    """Divide every weight of a network by its spectral norm, after some power iterations."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            # unsafe: skips torch's checks, which would run a power iteration before those below.
            parametrize.register_parametrization(
                layer, "weight", SpectralNorm(layer.weight, refine=refine), unsafe=True
            )
            for _ in range(WARM_UP):
                _ = layer.weight


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights and converged singular vectors."""
    game = Unconditional(
        Generator(**recipe.generator_options(data.shape)),
        discriminator_for(data.shape, **recipe.networks["discriminator"]),
        objective_of(recipe),
        augment_of(recipe, data),
        stabiliser_of(recipe),
    )
    for name, options in recipe.networks.items():
        init = init_residual if is_residual(options["body"]) else init_uniform
        init(game.get_submodule(name), randomness)
    if recipe.game["spectral_norm"]:
        normalise(game.discriminator, refine=recipe.game["refine"])
    return game


RECIPE = Recipe(
    name="sngan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.sngan:Generator")},
    networks={
        "generator": {"latent_size": 64, "width": 32, "body": "plain"},
        "discriminator": {"width": 32, "body": "plain"},
    },
    game={
        **{"objective": "hinge", "spectral_norm": True, "refine": True},
        **LABELS,
        **AUGMENT,
        **STABILISE,
    },
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=2e-4, betas=(0.0, 0.9)) for player in ("D", "G")},
    presets={
        "paper": {
            "generator.latent_size": 128,
            "generator.width": 64,
            "discriminator.width": 64,
            "solver.num_first": 5,
        },
        "ffhq64": FFHQ64,
        "cifar10": {**CIFAR10, **RESIDUAL, "game.refine": False},
    },
)
