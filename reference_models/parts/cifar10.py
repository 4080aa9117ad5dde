"""The settings behind the scores that mimicry published for CIFAR-10.

They are from kwotsin/mimicry, README, "CIFAR-10, Training Parameters": Adam(2e-4, 0, 0.9) with a
rate that falls linearly to 0 over 100,000 steps, each of five moves of D and one of G; batches of
64; no average of G. The networks have 256 channels in G, 128 in D and 128 latents
(`nets/*_32.py`). Each score is a mean over three draws, of 50,000 images of the training split and
50,000 generated ones, with features of the TensorFlow Inception network of 2015.
"""

from typing import Any

CIFAR10: dict[str, Any] = {
    "data": "data:cifar10",
    "batch_size": 64,
    "steps": 100_000,
    "ema_half_life": 0.0,
    "generator.latent_size": 128,
    "generator.width": 256,
    "discriminator.width": 128,
    "solver.num_first": 5,
    **{
        f"optimizers.{player}.{name}": value
        for player in ("D", "G")
        for name, value in {"lr": 2e-4, "betas": [0.0, 0.9], "decay": "linear"}.items()
    },
}
"""Settings for every model; models with a setting for the body add `RESIDUAL`."""

RESIDUAL: dict[str, Any] = {"generator.body": "residual", "discriminator.body": "residual"}
