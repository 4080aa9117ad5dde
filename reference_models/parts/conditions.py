"""What a network of clips takes beside them: the class of a clip, and a sound of a lower rate."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.recipe import Recipe
from reference_models.parts.classes import check_classes
from reference_models.parts.levels import check_prior


def at_each_sample(given: Sequence[Tensor], num_classes: int, like: Tensor) -> Tensor | None:
    """Return conditions at every sample of a clip; None of none.

    Args:
        given: Labels int64 [B], which become one of `num_classes` channels that is 1; conditions
            float [B, C, T / r], of which each value stands for r samples.
        num_classes: Number of classes.
        like: Float [..., T]: of its type and length.

    Returns:
        Float [B, channels of all, T].
    """
    parts = []
    for one in given:
        if one.ndim == 1:
            hot = F.one_hot(one, num_classes).to(like.dtype)
            parts.append(hot[:, :, None].expand(-1, -1, like.shape[-1]))
        else:
            parts.append(one.repeat_interleave(like.shape[-1] // one.shape[-1], dim=-1))
    return torch.cat(parts, dim=1) if parts else None


def check_clips(recipe: Recipe, data: Data) -> None:
    """Refuse what a network that computes the levels of clips cannot be trained on.

    Raises:
        GanevalError: Clips of several channels, labels or a condition that the data do not have, a
            condition that the recipe does not hand on, or latents that are not uniform.
    """
    if data.shape[0] != 1:
        raise ganeval.GanevalError(
            f"clips of {data.shape[0]} channels for {recipe.name}",
            "clips of one",
            "mix them down, as in folder:PATH,channels=mono",
        )
    check_prior(recipe)
    sizes, condition = recipe.networks[recipe.main], recipe.exported[recipe.main].condition
    if sizes["num_classes"]:
        check_classes(data, sizes["num_classes"], setting="generator.num_classes")
    wanted = {"labels": sizes["num_classes"] > 0, "condition": condition is not None}
    for name, is_wanted in wanted.items():
        if is_wanted and name not in data.names:
            raise ganeval.GanevalError(
                f"data '{data.name}' without {name} for {recipe.name} with them",
                "data that have them, such as tones",
                "change data, or leave them out",
            )
    if (sizes["condition_channels"] > 0) != wanted["condition"]:
        raise ganeval.GanevalError(
            f"{sizes['condition_channels']} channels of a condition for {recipe.name}",
            "0 for the model by its name, some for its recipe LOCAL, which Python has",
            "change generator.condition_channels",
        )
