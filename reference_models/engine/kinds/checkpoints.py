"""Checkpoints that ganeval samples, for pictures and clips."""

from pathlib import Path

import torch
from torch import nn

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.inputs import latent_size_of
from reference_models.engine.norms import norm_mode_of
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import lasting_settings

VALUE_RANGE = (-1.0, 1.0)


class Checkpoints:
    """Files of weights with a card that says how to sample the network."""

    suffix = ".safetensors"

    def export(
        self,
        network: nn.Module,
        name: str,
        recipe: Recipe,
        data: Data,
        path: Path,
        *,
        step: int,
        seed: int,
    ) -> None:
        """Write a checkpoint with its card."""
        card = ganeval.Card(
            model=recipe.name,
            entry=recipe.exported[name].entry,
            kwargs=recipe.generator_options(data.shape, name),
            prior=recipe.prior,
            latent_size=latent_size_of(network),
            num_classes=recipe.num_classes_of(name),
            condition=condition_source(recipe, data, name),
            value_range=VALUE_RANGE,
            image_size=data.shape[1],
            channels=data.shape[0],
            rate=getattr(data, "rate", None),  # pictures have none
            norm_mode=norm_mode_of(network),
            ema=True,
            step=step,
            seed=seed,
            data={"name": data.name, "digest": data.digest},
            settings=lasting_settings(recipe),
            versions={"ganeval": ganeval.__version__, "torch": str(torch.__version__)},
        )
        ganeval.write_checkpoint(path, network.state_dict(), card)

    def step_of(self, path: Path) -> int:
        """Return the step in a checkpoint's card."""
        return ganeval.read_card(path).step


def condition_source(recipe: Recipe, data: Data, name: str) -> str | None:
    """Return the source of the conditions of a network; None if it takes none."""
    condition = recipe.exported[name].condition
    return None if condition is None else data.source_of(condition)
