"""Scores inside a training loop: images come in batches, the numbers are those of `evaluate`."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import InputError, UsageError
from ganeval.evaluation import report_of
from ganeval.features.collect import CollectedShard, collect_shard, join
from ganeval.features.collected import Features
from ganeval.features.shards import SHARD_SIZE
from ganeval.flow.collect import Collected, collect, statistics_of, wanted_of
from ganeval.flow.plan import check_for_stream, make_plan
from ganeval.flow.settings import build_settings
from ganeval.flow.views import check_content
from ganeval.flow.workspace import open_workspace, opened_index
from ganeval.images.seen import Seen
from ganeval.machine.devices import tensors_on_the_cpu
from ganeval.metrics.base import Each, Role, View
from ganeval.report.report import Report
from ganeval.sources.arrays.memory import Images, images_source
from ganeval.sources.arrays.pixels import array_digest, to_picture
from ganeval.sources.base import Item


class Accumulator:
    """Scores a stream of generated images against a reference.

    >>> metric = Accumulator(reference="real.npz", metrics=["fid"])  # doctest: +SKIP
    >>> for batch in loader:  # doctest: +SKIP
    ...     metric.update(batch)
    >>> metric.compute()["fid"].value  # doctest: +SKIP

    The stream is cut into the same blocks of 1024 as a source of images, so the scores have the
    same bits however it is split into batches. `compute` may be called at any time and the stream
    go on after it; `reset` starts a new one and keeps the reference. The features of the stream are
    kept in the cache like those of any source.

    Attributes:
        num: Number of images so far.
    """

    @tensors_on_the_cpu()
    def __init__(
        self,
        *,
        reference: Any = None,
        train: Any = None,
        heldout: Any = None,
        metrics: Sequence[str] | None = None,
        value_range: tuple[float, float] | None = None,
        name: str = "accumulator",
        **options: Any,
    ) -> None:
        """Open the reference and load the network.

        Args:
            reference: Real images or stored statistics, as for `evaluate`.
            train: As for `evaluate`.
            heldout: As for `evaluate`.
            metrics: As for `evaluate`.
            value_range: What floats span, `(-1, 1)` say; without it only uint8 is taken.
            name: How the report calls the stream.
            **options: As for `evaluate`.

        Raises:
            UsageError, InputError, MachineError: As `evaluate` does.
        """
        settings = build_settings(options)
        if settings.num_images is not None:
            raise UsageError(
                "num_images is set for a stream", "all its images", "feed as many as are wanted"
            )
        if settings.engine != "local":
            raise UsageError(
                f"engine '{settings.engine}' for a stream", "local, where it arises", "leave it out"
            )
        self.name = name
        self._value_range = value_range
        others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
        self._resources = ExitStack()
        index = self._resources.enter_context(opened_index(settings))
        self._plan = make_plan([], others, metrics, settings, index=index)
        self._workspace = self._resources.enter_context(
            open_workspace(settings, self._plan.protocol, self._plan.layers)
        )
        for choice in self._plan.choices:
            check_for_stream(choice)
        self._wanted = wanted_of(self._plan, "sample", self._workspace, {})[Each()]
        for network, _ in self._wanted:
            check_content(name, "picture", network.info, network.preparation.takes)
        statistics_of(self._plan, self._workspace)  # refuses them before the first batch
        self._others: Collected | None = None
        self._blocks: list[CollectedShard] = []
        self._waiting: list[npt.NDArray[np.uint8]] = []
        self._seen = Seen(value_range)
        self._closed = False

    @property
    def num(self) -> int:
        """Number of images so far."""
        return sum(block.info.num for block in self._blocks) + len(self._waiting)

    @tensors_on_the_cpu()
    def update(self, images: Any) -> None:
        """Take a batch of generated images.

        Args:
            images: uint8 [N, 3, H, W], or floating point of that shape within `value_range`, on any
                device. A list of Pillow images, of tensors [3, H, W] or of arrays [H, W, 3] is
                taken too. Of `(images, labels)`, a tuple or list, the images are taken, and of a
                mapping its `"image"`, as of a data set's items.

        Raises:
            InputError: Another type, shape or range, or NaN; nothing of the batch is taken.
            UsageError: A range is declared and the values are uint8, or the accumulator is closed.
        """
        self._refuse_if_closed()
        if isinstance(images, Mapping) and "image" in images:
            images = images["image"]
        elif isinstance(images, tuple | list) and getattr(next(iter(images), 0), "ndim", 0) == 4:
            images = images[0]
        if isinstance(images, torch.Tensor | np.ndarray):
            if images.ndim != 4 or images.shape[1] != 3:
                raise InputError(
                    f"{self.name}: batch of shape {tuple(images.shape)}",
                    "shape [N, 3, H, W]",
                    "permute or expand it",
                )
        elif not isinstance(images, tuple | list):
            raise InputError(
                f"{self.name}: a batch of type {type(images).__name__}",
                "a tensor [N, 3, H, W], (images, labels), or a list of images",
                "give the images alone, `metric.update(batch[0])` say",
            )
        if len(images) == 0:
            return
        if isinstance(images, torch.Tensor):
            images = images.detach().cpu()
        source = images_source(
            Images(images, value_range=self._value_range, name=self.name),
            policy=self._plan.settings.decode,
            start=self.num,
        )
        items = source.load(range(len(source)))
        self._waiting += [item.picture().pixels for item in items]
        if source.info.seen is not None:
            self._seen.merge(source.info.seen)
        self._seen.sizes.update(source.info.sizes)
        while len(self._waiting) >= SHARD_SIZE:
            self._blocks.append(self._block(self._waiting[:SHARD_SIZE]))
            del self._waiting[:SHARD_SIZE]

    @tensors_on_the_cpu()
    def compute(self, *, step: int | None = None) -> Report:
        """Return the scores of all images so far.

        Args:
            step: Step of the training, by which `ganeval table` tells reports of one stream apart.

        Raises:
            InputError: Too few images for a metric.
            UsageError: The accumulator is closed.
        """
        self._refuse_if_closed()
        blocks = list(self._blocks)
        if self._waiting:
            blocks.append(self._block(self._waiting))
        features = join(
            self._workspace.store, self._wanted, blocks, labels=None, clusters=None, noun="images"
        )
        if self._others is None:  # computed once
            self._others = collect(self._plan, self._workspace)
        samples: dict[str, dict[View, Features]] = {self.name: {Each(): features}}
        collected = replace(self._others, samples=samples, step=step, seen=self._seen)
        return report_of(self._plan, self._workspace, collected)

    def reset(self) -> None:
        """Forget the stream; the reference stays."""
        self._blocks.clear()
        self._waiting.clear()
        self._seen = Seen(self._value_range)

    def close(self) -> None:
        """Release the network and the decoding threads."""
        self._closed = True
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse_if_closed(self) -> None:
        """Refuse what needs the network once it is released."""
        if self._closed:
            raise UsageError(
                f"{self.name}: closed already",
                "an accumulator that is open",
                "call update and compute before close, within the `with` block",
            )

    def _block(self, images: list[npt.NDArray[np.uint8]]) -> CollectedShard:
        """Run the network over one block of the stream, or find it in the cache."""
        workspace = self._workspace
        items = [
            Item(f"{self.name}[{at}]", array_digest(pixels), partial(to_picture, pixels))
            for at, pixels in enumerate(images, start=len(self._blocks) * SHARD_SIZE)
        ]
        return collect_shard(
            items, {}, self._wanted, workspace.store, pool=workspace.pool, tell=_ignore
        )


def _ignore(done: int) -> None:
    """Tell nobody: a training loop has its own progress."""
