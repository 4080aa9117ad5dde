"""Unrolled GAN: the generator looks several moves of the discriminator ahead.

Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, equations 5 to 8: G minimises
equation 1's value f (E log D(x) and E log(1 - D(G(z))), both) against the discriminator that K
steps of gradient descent would make of D,

    theta_D^(k+1) = theta_D^k - eta dL_D(theta_G, theta_D^k) / dtheta_D

and differentiates through these steps, so it sees that crowding one mode will be answered. The game
is that of `gan.py` with equation 1's losses; solver and learning rates differ. G is five times as
fast as D (ten times in the paper's own code), for where D runs ahead, equation 1 leaves G no
gradient.
"""

from dataclasses import replace

from reference_models.engine.recipe import OptimizerSpec
from reference_models.engine.solvers import Unrolled
from reference_models.gan import RECIPE as GAN
from reference_models.gan import build_game
from reference_models.parts.networks import MlpGenerator

Generator = MlpGenerator

RECIPE = replace(
    GAN,
    name="unrolled",
    variant="",
    build=lambda shape, randomness: build_game("minimax", shape, randomness),
    entry="reference_models.unrolled:Generator",
    solver=Unrolled(num_steps=5, lr=3e-2),
    optimizers={"D": OptimizerSpec(lr=2e-4), "G": OptimizerSpec(lr=1e-3)},
)
