"""What users get of a run: one checkpoint that says what it is, and a picture of its samples."""

from pathlib import Path

import numpy as np
import PIL.Image
import torch
from torch import nn

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import lasting_settings
from reference_models.engine.whole import written_whole

GRID = 8  # rows and columns
TILE, GAP = 64, 2  # pixels of a sample in a grid at least, and between two


def export(
    generator: nn.Module, recipe: Recipe, data: Data, path: Path, *, step: int, seed: int
) -> Path:
    """Write a checkpoint with its card and return the path.

    Args:
        generator: The averaged one.
        recipe: Of the run.
        data: Of the run; images.
        path: Path of the file, which is replaced; see `checkpoint_name`.
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
        prior=recipe.prior,
        latent_size=latent_size_of(generator),
        num_classes=recipe.num_classes,
        condition=data.source_of("condition") if recipe.paired else None,
        value_range=(-1.0, 1.0),
        image_size=data.shape[1],
        channels=data.shape[0],
        norm_mode="running" if has_statistics else "none",
        ema=True,
        step=step,
        seed=seed,
        data={"name": data.name, "digest": data.digest},
        settings=lasting_settings(recipe),
        versions={"ganeval": ganeval.__version__, "torch": str(torch.__version__)},
    )
    ganeval.write_checkpoint(path, generator.state_dict(), card)
    return path


def checkpoint_name(recipe: Recipe) -> str:
    """Return what the checkpoint of a model is called within the folder of a run."""
    return f"{recipe.name}.safetensors"


def latent_size_of(generator: nn.Module) -> int | None:
    """Return the length of a generator's latent vectors, None if it takes none."""
    size: int | None = getattr(generator, "latent_size")  # noqa: B009 (mypy: a tensor else)
    return size


def as_source(
    generator: nn.Module, recipe: Recipe, data: Data, *, num_images: int, seed: int = 0
) -> ganeval.Generator:
    """Return a generator of images as ganeval samples it from its checkpoint.

    Seeds of samples end at 2**32 - 1, those of training do not: the others come round again.
    """
    return ganeval.Generator(
        generator,
        latent_size=latent_size_of(generator),
        value_range=(-1.0, 1.0),
        num_images=num_images,
        prior=recipe.prior,
        seed=seed % 2**32,
        name=recipe.name,
        num_classes=recipe.num_classes,
        condition=data.source_of("condition") if recipe.paired else None,
        device=str(next(generator.parameters()).device),
    )


def fixed_inputs(
    generator: nn.Module, recipe: Recipe, data: Data, num: int, *, seed: int
) -> tuple[torch.Tensor, ...]:
    """Return the same `num` latents, labels and conditions for a whole run, as it takes these."""
    like = next(generator.parameters())
    draw, size = Draw(seed, 0), latent_size_of(generator)
    inputs = []
    if size is not None:
        inputs.append(draw.latents("grid", num, size, prior=recipe.prior, like=like))
    if recipe.num_classes is not None:
        inputs.append(torch.arange(num, device=like.device) % recipe.num_classes)
    if recipe.paired:
        inputs.append(data.batch(seed, 0, num)["condition"].to(like.device))
    return tuple(inputs)


@torch.inference_mode()
def write_grid(generator: nn.Module, inputs: tuple[torch.Tensor, ...], path: Path) -> None:
    """Write the samples of `GRID * GRID` fixed inputs as one PNG, comparable within a run.

    Small samples are enlarged, each pixel to a square, and all have a gap between them.
    """
    images = generator(*inputs).float().cpu().clamp(-1, 1)
    pixels = np.floor((images.numpy() + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8)
    factor = max(TILE // pixels.shape[-1], 1)
    pixels = pixels.repeat(factor, axis=2).repeat(factor, axis=3)
    framed = np.pad(pixels, ((0, 0), (0, 0), (0, GAP), (0, GAP)), constant_values=255)
    num, channels, height, width = framed.shape
    rows = num // GRID
    sheet = framed.reshape(rows, GRID, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * height, GRID * width, channels)[:-GAP, :-GAP]
    picture = PIL.Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    with written_whole(path) as file:
        picture.save(file, "PNG")
