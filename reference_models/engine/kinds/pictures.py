"""Pictures: a checkpoint that ganeval samples, a grid of samples, and ganeval's metrics."""

import logging
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import nn
from torch.utils.data import Dataset

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.inputs import latent_size_of
from reference_models.engine.kinds import GRID, Score, Scoring, known_names, known_scores
from reference_models.engine.kinds.checkpoints import (
    VALUE_RANGE,
    Checkpoints,
    condition_source,
)
from reference_models.engine.recipe import Recipe
from reference_models.engine.whole import written_whole

logger = logging.getLogger("ganeval.training")

TILE, GAP = 64, 2  # pixels: smallest side of a sample in a grid, and the gap between two
METRICS = ("fid", "kid")
_BLOCK = 64  # samples made at once


class Pictures(Checkpoints):
    """How pictures are exported, shown and scored."""

    def write_preview(self, samples: torch.Tensor, data: Data, path: Path) -> None:
        """Write a grid of samples in [-1, 1].

        Small samples are enlarged by repeating pixels. There are gaps between samples.
        """
        images = samples.float().cpu().clamp(-1, 1)
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

    @contextmanager
    def scorer(
        self, scoring: Scoring, recipe: Recipe, data: Data, *, seed: int, device: torch.device
    ) -> Iterator["PictureScorer"]:
        """Yield a scorer with the scores of `ganeval eval`, and the scores that the data define.

        The reference's features are computed once; later runs find them in the cache.

        Raises:
            GanevalError: A metric, an extractor or a reference cannot be used.
        """
        reference, known = _reference(scoring, data), known_names(data)
        metrics = scoring.metrics or (*METRICS, *known)
        others = [name for name in metrics if name not in known]
        with ExitStack() as resources:
            accumulator = None
            if others:
                accumulator = resources.enter_context(
                    ganeval.Accumulator(
                        reference=reference,
                        metrics=others,
                        extractor=scoring.extractor,
                        device=str(device),
                        cache_dir=scoring.cache_dir,
                        name=f"samples of {recipe.name}",
                        command="ganeval train",
                    )
                )
            conditions = {
                "num_images": scoring.num_images,
                "extractor": scoring.extractor,
                "reference": reference.name if isinstance(reference, ganeval.Images) else reference,
            }
            yield PictureScorer(accumulator, metrics, conditions, recipe, data, seed)


PICTURES = Pictures()


@dataclass(frozen=True, slots=True, eq=False)
class PictureScorer:
    """Scores generators of pictures against one reference.

    Attributes:
        accumulator: Holds the reference; None if the data define all requested scores.
        metrics: Names of the scores. If the data define the first one, all scores of the data come
            first.
        conditions: The conditions that comparable scores share.
        recipe: Recipe of the run.
        data: Data of the run.
        seed: Seed of the samples.
    """

    accumulator: ganeval.Accumulator | None
    metrics: Sequence[str]
    conditions: Mapping[str, Any]
    recipe: Recipe
    data: Data
    seed: int

    def score(self, generator: nn.Module, step: int) -> Sequence[Score]:
        """Return the scores of a generator; none if, for example, all its images are the same."""
        num_images = self.conditions["num_images"]
        known = known_names(self.data)
        own = [name for name in self.metrics if name in known]
        made: list[torch.Tensor] = []
        of_data: list[Score] = []
        of_ganeval: list[Score] = []
        if self.accumulator is not None:
            self.accumulator.reset()
        try:
            source = ganeval.open_source(
                as_source(
                    generator,
                    self.recipe,
                    self.data,
                    num_images=num_images,
                    seed=self.seed,
                    name=self.recipe.main,
                ),
                policy=ganeval.Settings().decode,
            )
            for start in range(0, len(source), _BLOCK):
                items = source.load(range(start, min(start + _BLOCK, len(source))))
                pixels = np.stack([item.picture().pixels for item in items])
                if self.accumulator is not None:
                    self.accumulator.update(torch.from_numpy(pixels))
                if own:
                    made.append(torch.from_numpy(pixels[:, : self.data.shape[0]]))
        except ganeval.GanevalError as error:
            logger.warning("step %d is not scored: %s", step, error)
            return ()
        if self.accumulator is not None:
            of_ganeval = [
                Score(
                    name=score.label,
                    value=float(score.value),
                    direction=score.direction,
                    se=score.se,
                    interval=score.interval,
                )
                for score in self.accumulator.compute(step=step).scores
            ]
        if own:
            of_data = known_scores(self.data, torch.cat(made).float() / 127.5 - 1, own)
        return [*of_data, *of_ganeval] if self.metrics[0] in own else [*of_ganeval, *of_data]


def as_source(
    generator: nn.Module,
    recipe: Recipe,
    data: Data,
    *,
    num_images: int,
    seed: int = 0,
    name: str = "generator",
) -> ganeval.Generator:
    """Return a generator of images, sampled as ganeval samples its checkpoint.

    Seeds of samples must be below 2**32. Seeds of training may be larger; they are reduced modulo
    2**32.
    """
    return ganeval.Generator(
        generator,
        latent_size=latent_size_of(generator),
        value_range=VALUE_RANGE,
        num_images=num_images,
        prior=recipe.prior,
        seed=seed % 2**32,
        name=recipe.name,
        num_classes=recipe.num_classes_of(name),
        condition=condition_source(recipe, data, name),
        device=str(next(generator.parameters()).device),
    )


def _reference(scoring: Scoring, data: Data) -> Any:
    """Return the reference: a source by its name, or the first training images."""
    if scoring.reference is not None:
        return scoring.reference
    num = min(scoring.num_images, len(data)) if isinstance(data, Sized) else scoring.num_images
    return ganeval.Images(
        _FirstImages(data, num), value_range=VALUE_RANGE, name=f"{num} training images"
    )


class _FirstImages(Dataset[torch.Tensor]):
    """The first images of a stream; each is read when it is used, to save memory."""

    def __init__(self, data: Data, num: int) -> None:
        self._data, self._num = data, num

    def __len__(self) -> int:
        return self._num

    def __getitem__(self, index: int) -> torch.Tensor:
        """Return one image, float32 [C, H, W] in [-1, 1]."""
        return self._data.batch(0, index, 1)["real"][0]
