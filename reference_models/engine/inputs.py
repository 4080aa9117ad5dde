"""The inputs of a generator, drawn once for many calls."""

import torch
from torch import nn

from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe


def latent_size_of(network: nn.Module) -> int | None:
    """Return the length of a network's latent vectors; None if it takes none."""
    size: int | None = getattr(network, "latent_size", None)
    return size


def inputs_of(
    network: nn.Module,
    recipe: Recipe,
    data: Data,
    num: int,
    *,
    seed: int,
    name: str = "generator",
) -> tuple[torch.Tensor, ...]:
    """Return `num` inputs (latents, labels, conditions) that are the same during a whole run.

    Args:
        network: An exported network; the result has only the inputs that it takes.
        recipe: Recipe of the run.
        data: Data of the run.
        num: Number of samples.
        seed: Seed of the inputs.
        name: Name of the network in the game.
    """
    like = next(network.parameters())
    size, condition = latent_size_of(network), recipe.exported[name].condition
    num_classes = recipe.num_classes_of(name)
    inputs = []
    if size is not None:
        inputs.append(Draw(seed, 0).latents("grid", num, size, prior=recipe.prior, like=like))
    if num_classes is not None:
        inputs.append(torch.arange(num, device=like.device) % num_classes)
    if condition is not None:
        inputs.append(data.batch(seed, 0, num)[condition].to(like.device))
    return tuple(inputs)
