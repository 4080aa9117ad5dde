"""What users get of a run: one checkpoint that says what it is, and a picture of its samples."""

import os
import uuid
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from torch import nn

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe

GRID = 8  # rows and columns


def export(
    generator: nn.Module, recipe: Recipe, data: Data, folder: Path, *, step: int, seed: int
) -> Path:
    """Write `folder/NAME.safetensors` with its card and return the path.

    Args:
        generator: The averaged one.
        recipe: Of the run.
        data: Of the run; images.
        folder: Of the run.
        step: Training steps behind it.
        seed: Of the run.

    Raises:
        GanevalError: The data are points; a checkpoint holds a generator of images.
    """
    if len(data.shape) != 3:
        raise ganeval.GanevalError(
            f"data '{data.name}' has points, not images",
            "images, for a checkpoint that can be sampled and scored",
            "train on digits, shapes, or a folder of pictures",
        )
    has_statistics = any(isinstance(module, nn.BatchNorm2d) for module in generator.modules())
    card = ganeval.Card(
        model=recipe.name,
        entry=recipe.entry,
        kwargs=recipe.generator_options(data.shape),
        prior="normal",
        latent_size=int(getattr(generator, "latent_size")),  # noqa: B009 (mypy: a tensor else)
        num_classes=None,
        value_range=(-1.0, 1.0),
        image_size=data.shape[1],
        channels=data.shape[0],
        norm_mode="running" if has_statistics else "none",
        ema=True,
        step=step,
        seed=seed,
        data={"name": data.name, "digest": data.digest},
        versions={"ganeval": ganeval.__version__, "torch": str(torch.__version__)},
    )
    path = folder / f"{recipe.name}.safetensors"
    ganeval.write_checkpoint(path, generator.state_dict(), card)
    return path


@torch.inference_mode()
def write_grid(generator: nn.Module, latent_size: int, path: Path, *, seed: int) -> None:
    """Write samples of fixed latents as one PNG, so that the files of a run can be compared."""
    like = next(generator.parameters())
    latents = Draw(seed, 0).normal("grid", GRID * GRID, latent_size, like=like)
    images = generator(latents).float().cpu().clamp(-1, 1)
    pixels = np.floor((images.numpy() + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8)
    num, channels, height, width = pixels.shape
    rows = num // GRID
    sheet = pixels.reshape(rows, GRID, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * height, GRID * width, channels)
    picture = PIL.Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            picture.save(file, "PNG")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
