"""Draw the levels of a sample: a uniform latent picks each level from its own distribution."""

import torch

import ganeval
from reference_models.engine.recipe import Recipe


def level_at(logits: torch.Tensor, uniform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the level at which the distribution function passes a number, and how far into it.

    Args:
        logits: Float [B, num_levels].
        uniform: Float [B], in [0, 1).

    Returns:
        The level, int64 [B], and the share of it that lies below the number, float [B] from 0 to 1.
    """
    chances = logits.double().softmax(dim=1)
    passed = chances.cumsum(dim=1)
    level = (passed <= uniform[:, None]).sum(dim=1, keepdim=True).clamp(max=logits.shape[1] - 1)
    within = 1 - (passed.gather(1, level) - uniform[:, None]) / chances.gather(1, level)
    return level[:, 0], within[:, 0].clamp(0, 1).to(logits.dtype)


def check_prior(recipe: Recipe) -> None:
    """Check that the latents are uniform, because uniform numbers pick the levels.

    Raises:
        GanevalError: The prior is not uniform.
    """
    if recipe.prior != "uniform":
        raise ganeval.GanevalError(
            f"prior {recipe.prior} for {recipe.name}",
            "uniform latents, which pick its levels",
            "leave prior=uniform",
        )
