"""The settings with which mimicry's published scores on CIFAR-10 were reached.

kwotsin/mimicry, README, "CIFAR-10, Training Parameters": Adam(2e-4, 0, 0.9), the rate falling
linearly to 0 over 100,000 steps of five moves of D and one of G, batches of 64, no average of G;
networks with 256 channels in G, 128 in D and 128 latents (`nets/*_32.py`). Its scores there are
means over three draws, with 50,000 images of the training split and 50,000 generated ones, through
the TensorFlow network of 2015.
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
"""Settings for every model; models whose bodies are a setting add `RESIDUAL`."""

RESIDUAL: dict[str, Any] = {"generator.body": "residual", "discriminator.body": "residual"}
