"""Small runs that show what each system achieves, each with a control that must fail."""

import importlib

from reference_models.experiments.base import Experiment

EXPERIMENTS: dict[str, str] = {
    "gan": "reference_models.experiments.ring:GAN",
    "gan-minimax": "reference_models.experiments.ring:GAN_MINIMAX",
    "dcgan": "reference_models.experiments.digits:DCGAN",
    "dcgan-features": "reference_models.experiments.labels:DCGAN",
    "dcgan-arithmetic": "reference_models.experiments.arithmetic:DCGAN",
    "wgan": "reference_models.experiments.digits:WGAN",
    "wgan-lines": "reference_models.experiments.distance:WGAN",
    "wgan-gp": "reference_models.experiments.ring:WGAN_GP",
    "sngan": "reference_models.experiments.ring:SNGAN",
    "projection": "reference_models.experiments.classes:PROJECTION",
    "projection-classes": "reference_models.experiments.classes:PROJECTION_WITHIN",
    "acgan": "reference_models.experiments.classes:ACGAN",
    "acgan-classes": "reference_models.experiments.classes:ACGAN_WITHIN",
    "feature-matching": "reference_models.experiments.ring:FEATURE_MATCHING",
    "minibatch": "reference_models.experiments.ring:MINIBATCH",
    "semi-supervised": "reference_models.experiments.labels:SEMI_SUPERVISED",
    "infogan": "reference_models.experiments.codes:INFOGAN",
    "bigan": "reference_models.experiments.codes:BIGAN",
    "ali": "reference_models.experiments.codes:ALI",
    "pix2pix": "reference_models.experiments.digits:PIX2PIX",
    "cyclegan": "reference_models.experiments.translation:CYCLEGAN",
    "srgan": "reference_models.experiments.translation:SRGAN",
    "srgan-resnet": "reference_models.experiments.translation:SRRESNET",
    "unrolled": "reference_models.experiments.ring:UNROLLED",
    "consensus": "reference_models.experiments.ring:CONSENSUS",
    "progan": "reference_models.experiments.digits:PROGAN",
    "gan-support": "reference_models.experiments.support:GAN",
    "optimal-d": "reference_models.experiments.ratio:OPTIMAL_D",
    "optimal-d-jsd": "reference_models.experiments.ratio:OPTIMAL_D_JSD",
    "gmmn": "reference_models.experiments.moments:GMMN",
    "energy-distance": "reference_models.experiments.moments:ENERGY_DISTANCE",
    "mmd-gan": "reference_models.experiments.moments:MMD_GAN",
    "f-gan": "reference_models.experiments.gaussian:F_GAN",
    "poole": "reference_models.experiments.gaussian:POOLE",
    "lsgan": "reference_models.experiments.ring:LSGAN",
    "relativistic": "reference_models.experiments.ring:RELATIVISTIC",
    "roth": "reference_models.experiments.plane:ROTH",
    "nagarajan": "reference_models.experiments.ring:NAGARAJAN",
    "first-order": "reference_models.experiments.first_order:FIRST_ORDER",
    "flow": "reference_models.experiments.likelihood:FLOW",
    "flow-gan": "reference_models.experiments.likelihood:FLOW_GAN",
    "vae": "reference_models.experiments.likelihood:VAE",
    "pixelcnn": "reference_models.experiments.likelihood:PIXELCNN",
    "wavenet": "reference_models.experiments.sound:WAVENET",
    "audio-sr": "reference_models.experiments.sound:AUDIO_SR",
    "audio-sr-lsd": "reference_models.experiments.sound:AUDIO_SR_LSD",
}
"""Name of the experiment -> "module:value". A model's first experiment has the model's name."""


def find_experiment(name: str) -> Experiment:
    """Return the experiment of a name.

    Raises:
        KeyError: There is no such experiment.
    """
    module, _, value = EXPERIMENTS[name].partition(":")
    experiment: Experiment = getattr(importlib.import_module(module), value)
    return experiment
