"""Consensus optimisation: both players also shrink the length of the joint gradient.

Mescheder, Nowozin and Geiger, "The Numerics of GANs", NeurIPS 2017, equation 10: with v the
gradients of both players' losses, both move along

    v + gamma grad |v|^2 / 2

in one joint update, which damps the rotation around equilibria. The game is that of `gan.py`; only
the solver differs. The paper's deep networks have gamma = 10 and RMSProp(1e-4); the small ones here
hardly learn with these, but do with gamma = 1 and RMSProp(1e-3) (docs/experiments.md).
"""

from dataclasses import replace

from reference_models.engine.recipe import OptimizerSpec
from reference_models.engine.solvers import Consensus
from reference_models.gan import RECIPE as GAN
from reference_models.gan import build_game
from reference_models.parts.networks import MlpGenerator

Generator = MlpGenerator

RECIPE = replace(
    GAN,
    name="consensus",
    variant="",
    build=lambda shape, randomness: build_game("non-saturating", shape, randomness),
    entry="reference_models.consensus:Generator",
    solver=Consensus(gamma=1.0),
    optimizers={player: OptimizerSpec(name="rmsprop", lr=1e-3) for player in ("D", "G")},
)
