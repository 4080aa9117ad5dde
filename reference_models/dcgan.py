"""DCGAN: the convolutional networks that made GANs of images train.

Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", ICLR 2016. The objective is the non-saturating one of `gan.py`; what is
special is section 3: strided convolutions instead of pooling, BatchNorm except at G's output and
D's input, no hidden fully connected layers, ReLU in G with tanh at its end, LeakyReLU(0.2) in D;
and section 4: weights from N(0, 0.02), Adam(2e-4, 0.5).
"""

import torch

from reference_models.engine.game import Game
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.networks import ConvDiscriminator, ConvGenerator, init_dcgan
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.unconditional import Unconditional

LATENT_SIZE = 64
WIDTH = 32

Generator = ConvGenerator


def build_game(shape: tuple[int, ...], randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    channels, image_size, _ = shape
    game = Unconditional(
        Generator(latent_size=LATENT_SIZE, image_size=image_size, channels=channels, width=WIDTH),
        ConvDiscriminator(image_size=image_size, channels=channels, width=WIDTH),
        OBJECTIVES["non-saturating"],
    )
    init_dcgan(game, randomness)
    return game


RECIPE = Recipe(
    name="dcgan",
    build=build_game,
    entry="reference_models.dcgan:Generator",
    generator_options=lambda shape: {
        "latent_size": LATENT_SIZE,
        "image_size": shape[1],
        "channels": shape[0],
        "width": WIDTH,
    },
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=2e-4, betas=(0.5, 0.999)) for player in ("D", "G")},
)
