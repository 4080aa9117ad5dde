"""The differences between pictures, points and clips: checkpoints, previews, scores."""

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

GRID = 8  # rows and columns of a preview of pictures, so it has GRID * GRID samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How a generator is scored during training.

    Attributes:
        every: Steps from one score to the next; 0 for never.
        metrics: Names of scores; None for the usual ones of the kind of data, and those that the
            data themselves define.
        extractor: Network that turns images into features.
        num_images: Number of samples, and of training images to compare with (or all, if there are
            fewer).
        reference: A source to compare with instead, such as a held-out split.
        cache_dir: Cache of features, a folder or URL; None for the user's cache folder.
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
        name: Name of the score, with network and options: "fid", "fid@mine", "precision:k=5".
        value: The score.
        direction: "lower" or "higher", whichever is better.
        se: Standard error; None if there is no honest one.
        interval: 95 % interval; None if there is none.
    """

    name: str
    value: float
    direction: str
    se: float | None = None
    interval: tuple[float, float] | None = None


class KnownData(Protocol):
    """Data with a known truth, such as their modes."""

    def scores(self, samples: torch.Tensor) -> Mapping[str, tuple[float, str]]:
        """Return all scores of samples [N, ...], each with its better direction."""


class Scorer(Protocol):
    """Scores a generator many times in the same way."""

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The conditions that comparable scores share, as JSON values."""

    def score(self, generator: nn.Module, step: int) -> Sequence[Score]:
        """Return the scores of a generator; warn and return none if it cannot be scored."""


class KindOfData(Protocol):
    """How a generator's samples are exported, shown and scored."""

    @property
    def suffix(self) -> str:
        """Suffix of the file for users, such as ".safetensors"."""

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
        """Write the file for users with the network `name` of the game; replace an older one."""

    def step_of(self, path: Path) -> int:
        """Return the training step of a file that `export` wrote."""

    def write_preview(self, samples: torch.Tensor, data: Data, path: Path) -> None:
        """Write a PNG that shows samples, float32 [GRID * GRID, ...]."""

    def scorer(
        self, scoring: Scoring, recipe: Recipe, data: Data, *, seed: int, device: torch.device
    ) -> AbstractContextManager[Scorer]:
        """Return the scorer, with its reference."""


def kind_of(data: Data) -> KindOfData:
    """Return the functions for the kind of the data."""
    module, _, attribute = _KINDS[data.kind].partition(":")
    kind: KindOfData = getattr(importlib.import_module(module), attribute)
    return kind


def known_names(data: Data) -> tuple[str, ...]:
    """Return the names of the scores that data with a known truth define; none for other data."""
    if not hasattr(data, "scores"):
        return ()
    return tuple(cast(KnownData, data).scores(data.batch(0, 0, 2)["real"]))


def known_scores(data: Data, samples: torch.Tensor, names: Sequence[str]) -> list[Score]:
    """Return some of the scores of samples [N, ...] that data with a known truth define."""
    found = cast(KnownData, data).scores(samples)
    return [Score(name=name, value=found[name][0], direction=found[name][1]) for name in names]
