"""What is particular to pictures, points, clips: their checkpoint, their preview, their scores."""

import importlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import nn

from reference_models.engine.data import Data
from reference_models.engine.recipe import Recipe

_KINDS = {
    "pictures": "reference_models.engine.kinds.pictures:PICTURES",
    "points": "reference_models.engine.kinds.points:POINTS",
    "clips": "reference_models.engine.kinds.clips:CLIPS",
}

GRID = 8  # rows and columns of a preview of pictures; its square is the number of its samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How a generator is scored during training.

    Attributes:
        every: Steps from one score to the next; 0: never.
        metrics: Names of scores; None: the usual ones of the kind of data, and all that the data
            themselves can be asked for.
        extractor: Network that turns images into features.
        num_images: Samples, and training images to compare them with (or all, if there are fewer).
        reference: A source to compare with instead, such as a held-out split.
        cache_dir: Where features are kept, a folder or URL; None for the user's cache folder.
    """

    every: int = 0
    metrics: tuple[str, ...] | None = None
    extractor: str = "efficientnet-lite0"
    num_images: int = 360
    reference: str | None = None
    cache_dir: Path | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One score of a generator.

    Attributes:
        name: What it is called, with its network and options: "fid", "fid@mine", "precision:k=5".
        value: The score.
        direction: "lower" or "higher", whichever is better.
        se: Standard error; None where there is no honest one.
        interval: Of 95 %; None where there is none.
    """

    name: str
    value: float
    direction: str
    se: float | None = None
    interval: tuple[float, float] | None = None


class KnownData(Protocol):
    """Data of which the truth is known, such as its modes."""

    def scores(self, samples: torch.Tensor) -> Mapping[str, tuple[float, str]]:
        """Return value and better direction of all that samples [N, ...] can be asked for."""


class Scorer(Protocol):
    """Scores a generator again and again in one way."""

    @property
    def conditions(self) -> Mapping[str, Any]:
        """What scores that are compared must have in common, as JSON values."""

    def score(self, generator: nn.Module, step: int) -> Sequence[Score]:
        """Return the scores of a generator; none if it cannot be scored, with a warning."""


class KindOfData(Protocol):
    """What is done with a generator's samples."""

    @property
    def suffix(self) -> str:
        """Of the file that users get, such as ".safetensors"."""

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
        """Write what users get of a network of the game, called `name`; the file is replaced."""

    def step_of(self, path: Path) -> int:
        """Return the training steps behind what `export` has written."""

    def write_preview(self, samples: torch.Tensor, data: Data, path: Path) -> None:
        """Write a PNG that shows samples, float32 [GRID * GRID, ...]."""

    def scorer(
        self, scoring: Scoring, recipe: Recipe, data: Data, *, seed: int, device: torch.device
    ) -> AbstractContextManager[Scorer]:
        """Return what scores, with its reference at hand."""


def kind_of(data: Data) -> KindOfData:
    """Return what is particular to the kind of the data."""
    module, _, attribute = _KINDS[data.kind].partition(":")
    kind: KindOfData = getattr(importlib.import_module(module), attribute)
    return kind


def known_names(data: Data) -> tuple[str, ...]:
    """Return the names of the scores that data of a known truth give; none of other data."""
    if not hasattr(data, "scores"):
        return ()
    return tuple(cast(KnownData, data).scores(data.batch(0, 0, 2)["real"]))


def known_scores(data: Data, samples: torch.Tensor, names: Sequence[str]) -> list[Score]:
    """Return some of the scores that data of a known truth give samples [N, ...]."""
    found = cast(KnownData, data).scores(samples)
    return [Score(name=name, value=found[name][0], direction=found[name][1]) for name in names]
