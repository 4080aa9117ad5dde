"""The conditions of a network of clips: the class of a clip, and a sound at a lower rate."""

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
    """Return all conditions at every sample of a clip; None if there are none.

    Args:
        given: Labels int64 [B], which become one-hot channels, one for each class; and conditions
            float [B, C, T / r], each value of which is repeated for r samples.
        num_classes: Number of classes.
        like: Float [..., T]; the result has its type and length.

    Returns:
        Float [B, C of all conditions together, T].
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
    """Check that a recipe and its data fit a network that computes the levels of clips.

    Raises:
        GanevalError: The clips have several channels, the data lack labels or a condition, the
            recipe does not pass on the condition, or the latents are not uniform.
    """
    if data.shape[0] != 1:
        raise ganeval.GanevalError(
            f"clips of {data.shape[0]} channels for {recipe.name}",
            "clips of one channel",
            "mix them to mono: write `folder:PATH,channels=mono`",
        )
    check_prior(recipe)
    sizes, condition = recipe.networks[recipe.main], recipe.exported[recipe.main].condition
    if sizes["num_classes"]:
        check_classes(data, sizes["num_classes"], setting="generator.num_classes")
    wanted = {"labels": sizes["num_classes"] > 0, "condition": condition is not None}
    for name, is_wanted in wanted.items():
        if is_wanted and name not in data.names:
            raise ganeval.GanevalError(
                f"data '{data.name}' has no {name}, which {recipe.name} is set to use",
                f"data with {name}, such as tones",
                "use `--set data=tones`, or leave generator.num_classes and "
                "generator.condition_channels at 0",
            )
    if (sizes["condition_channels"] > 0) != wanted["condition"]:
        raise ganeval.GanevalError(
            f"generator.condition_channels {sizes['condition_channels']} for {recipe.name}",
            "0 for the model that is chosen by name, above 0 for its recipe LOCAL (Python only)",
            "change generator.condition_channels",
        )
