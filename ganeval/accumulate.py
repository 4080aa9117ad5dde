"""Scores inside a training loop: batches come in, the numbers are those of `evaluate`."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch

from ganeval.audio.windows import Windows
from ganeval.errors import InputError, UsageError
from ganeval.evaluation import report_of
from ganeval.features.collect import CollectedShard, collect_shard, join
from ganeval.features.collected import Features
from ganeval.features.extraction import Wanted
from ganeval.features.shards import SHARD_SIZE
from ganeval.flow.clusters import clusters_of_parts
from ganeval.flow.collect import Collected, collect, statistics_of, wanted_of
from ganeval.flow.plan import check_for_stream, make_plan
from ganeval.flow.settings import build_settings
from ganeval.flow.views import check_content
from ganeval.flow.workspace import Workspace, open_workspace, opened_index
from ganeval.images.seen import Seen
from ganeval.machine.devices import tensors_on_the_cpu
from ganeval.metrics.base import Each, Role, View
from ganeval.report.report import Report
from ganeval.sources.arrays.clips import Clips, clips_source
from ganeval.sources.arrays.memory import Images, images_source
from ganeval.sources.arrays.pixels import array_digest, to_picture
from ganeval.sources.base import Content, Item
from ganeval.sources.views.windows import windows_of_items


class Accumulator:
    """Scores a stream of generated images, or clips of sound, against a reference.

    >>> metric = Accumulator(reference="real.npz", metrics=["fid"])  # doctest: +SKIP
    >>> for batch in loader:  # doctest: +SKIP
    ...     metric.update(batch)
    >>> metric.compute()["fid"].value  # doctest: +SKIP

    The stream is cut into the same blocks of 1024 as a source of its items, so the scores have the
    same bits however it is split into batches. `compute` may be called at any time and the stream
    go on after it; `reset` starts a new one and keeps the reference. The features of the stream are
    kept in the cache like those of any source. Its networks say whether it is of images or clips.

    Attributes:
        num: Number of images or clips so far.
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
        rate: int | None = None,
        name: str = "accumulator",
        **options: Any,
    ) -> None:
        """Open the reference and load the network.

        Args:
            reference: Real images or clips, or stored statistics, as for `evaluate`.
            train: As for `evaluate`.
            heldout: As for `evaluate`.
            metrics: As for `evaluate`.
            value_range: What floats of images span, `(-1, 1)` say; without it only uint8 is taken.
            rate: Samples in a second of clips; None where each has its own, as a `Clip`.
            name: How the report calls the stream.
            **options: As for `evaluate`.

        Raises:
            UsageError, InputError, MachineError: As `evaluate` does.
        """
        settings = build_settings(options)
        if settings.num_images is not None:
            raise UsageError(
                "num_images is set for a stream", "all its items", "feed as many as are wanted"
            )
        if settings.engine != "local":
            raise UsageError(
                f"engine '{settings.engine}' for a stream",
                "local, since a stream is computed where it arises",
                "leave it out",
            )
        self.name = name
        self._value_range, self._rate = value_range, rate
        others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
        self._resources = ExitStack()
        index = self._resources.enter_context(opened_index(settings))
        self._plan = make_plan([], others, metrics, settings, index=index)
        self._workspace = self._resources.enter_context(
            open_workspace(settings, self._plan.protocol, self._plan.layers)
        )
        wanted = wanted_of(self._plan, "sample", self._workspace, {})
        networks = [network for of_view in wanted.values() for network, _ in of_view]
        self._of_clips = any("clip" in network.preparation.takes for network in networks)
        content = "clip" if self._of_clips else "picture"
        for choice in self._plan.choices:
            check_for_stream(choice, name, content)
        for network in networks:
            check_content(name, content, network.info.name, network.preparation.takes)
        _check_form(name, of_clips=self._of_clips, value_range=value_range, rate=rate)
        statistics_of(self._plan, self._workspace)  # refuses them before the first batch
        self._others: Collected | None = None
        self._views = {
            view: _Viewed(view=view, wanted=wanted.get(view, ())) for view in [Each(), *wanted]
        }
        self._seen = Seen(value_range)
        self._closed = False

    @property
    def num(self) -> int:
        """Number of images or clips so far."""
        return self._views[Each()].num

    @tensors_on_the_cpu()
    def update(self, batch: Any) -> None:
        """Take a batch of what was generated.

        Args:
            batch: Images as uint8 [N, 3, H, W], or floating point of that shape within
                `value_range`, on any device. A list of Pillow images, of tensors [3, H, W] or of
                arrays [H, W, 3] is accepted too. So are a tuple or list `(images, labels)` and a
                mapping with the key `"image"`, as data sets yield them; only their images are used.
                Clips as a tensor [N, samples] or [N, channels, samples], or in any other form that
                `ganeval.Clips` takes.

        Raises:
            InputError: Another type, shape or range, or NaN; nothing of the batch is taken.
            UsageError: A range is declared and the values are uint8, a rate is missing, or the
                accumulator is closed.
        """
        self._refuse_if_closed()
        items = self._clips(batch) if self._of_clips else self._images(batch)
        taken = {view: _looked_at(items, view, self.name) for view in self._views}
        for view, viewed in self._views.items():
            viewed.take(*taken[view], self._workspace)

    def _images(self, batch: Any) -> list[Item]:
        """Return the images of a batch, their own memory."""
        if isinstance(batch, Mapping) and "image" in batch:
            batch = batch["image"]
        elif isinstance(batch, tuple | list) and getattr(next(iter(batch), 0), "ndim", 0) == 4:
            batch = batch[0]
        if isinstance(batch, torch.Tensor | np.ndarray):
            if batch.ndim != 4 or batch.shape[1] != 3:
                raise InputError(
                    f"{self.name}: batch of shape {tuple(batch.shape)}",
                    "shape [N, 3, H, W]",
                    "permute or expand it",
                )
        elif not isinstance(batch, tuple | list):
            raise InputError(
                f"{self.name}: a batch of type {type(batch).__name__}",
                "a tensor [N, 3, H, W], (images, labels), or a list of images",
                "pass the images alone, such as `metric.update(batch[0])`",
            )
        if len(batch) == 0:
            return []
        if isinstance(batch, torch.Tensor):
            batch = batch.detach().cpu()
        source = images_source(
            Images(batch, value_range=self._value_range, name=self.name),
            policy=self._plan.settings.decode,
            start=self.num,
        )
        loaded = source.load(range(len(source)))
        pixels = [item.picture().pixels for item in loaded]
        if source.info.seen is not None:
            self._seen.merge(source.info.seen)
        self._seen.sizes.update(source.info.sizes)
        return [
            Item(item.name, array_digest(one), partial(to_picture, one))
            for item, one in zip(loaded, pixels, strict=True)
        ]

    def _clips(self, batch: Any) -> list[Item]:
        """Return the clips of a batch, their own memory."""
        if isinstance(batch, tuple | Mapping):
            raise InputError(
                f"{self.name}: a batch of type {type(batch).__name__}",
                "a tensor [N, samples] or [N, channels, samples], or a list of clips",
                "give the clips alone, `metric.update(batch[0])` say",
            )
        if isinstance(batch, list | torch.Tensor | np.ndarray) and len(batch) == 0:
            return []
        source = clips_source(Clips(batch, rate=self._rate, name=self.name), start=self.num)
        loaded = source.load(range(len(source)))
        return [Item(item.name, item.digest, partial(_as_it_is, item.clip())) for item in loaded]

    @tensors_on_the_cpu()
    def compute(self, *, step: int | None = None) -> Report:
        """Return the scores of all images or clips so far.

        Args:
            step: Training step; `ganeval table` tells the reports of one stream apart by it.

        Raises:
            InputError: Too few of them for a metric.
            UsageError: The accumulator is closed.
        """
        self._refuse_if_closed()
        features = {
            view: viewed.features(self._workspace, "clips" if self._of_clips else "images")
            for view, viewed in self._views.items()
        }
        if self._others is None:  # computed once
            self._others = collect(self._plan, self._workspace)
        samples: dict[str, dict[View, Features]] = {self.name: features}
        collected = replace(self._others, samples=samples, step=step, seen=self._seen)
        return report_of(self._plan, self._workspace, collected)

    def reset(self) -> None:
        """Forget the stream; the reference stays."""
        for view, viewed in self._views.items():
            self._views[view] = _Viewed(view=view, wanted=viewed.wanted)
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


@dataclass(slots=True, kw_only=True)
class _Viewed:
    """The items of a stream as a metric looks at them: each, or the windows of each.

    Attributes:
        view: How.
        wanted: The networks and layers.
        blocks: What was collected of whole blocks.
        waiting: The items after these.
        wholes: For each item of all, the number of the one in the stream that it is of.
    """

    view: View
    wanted: Wanted
    blocks: list[CollectedShard] = field(default_factory=list)
    waiting: list[Item] = field(default_factory=list)
    wholes: list[int] = field(default_factory=list)

    @property
    def num(self) -> int:
        """Number of items so far."""
        return len(self.wholes)

    def take(self, items: Sequence[Item], wholes: Sequence[int], workspace: Workspace) -> None:
        """Take items, with the place in their batch of what each is of; compute whole blocks."""
        start = self.wholes[-1] + 1 if self.wholes else 0
        self.wholes += [start + whole for whole in wholes]
        self.waiting += items
        while len(self.waiting) >= SHARD_SIZE:
            self.blocks.append(self._block(self.waiting[:SHARD_SIZE], workspace))
            del self.waiting[:SHARD_SIZE]

    def features(self, workspace: Workspace, noun: str) -> Features:
        """Return the features of all items so far."""
        blocks = list(self.blocks)
        if self.waiting:
            blocks.append(self._block(self.waiting, workspace))
        return join(
            workspace.store,
            self.wanted,
            blocks,
            labels=None,
            clusters=clusters_of_parts(np.array(self.wholes, np.int64), None),
            noun=noun if self.view == Each() else "windows",
        )

    def _block(self, items: Sequence[Item], workspace: Workspace) -> CollectedShard:
        """Run the networks over one block, or find it in the cache."""
        return collect_shard(
            list(items), {}, self.wanted, workspace.store, pool=workspace.pool, tell=_ignore
        )


def _looked_at(items: Sequence[Item], view: View, name: str) -> tuple[Sequence[Item], list[int]]:
    """Return what a view makes of items, and the place among these of what each is of."""
    if isinstance(view, Windows):
        return windows_of_items(items, view, name)
    return items, list(range(len(items)))


def _check_form(
    name: str, *, of_clips: bool, value_range: tuple[float, float] | None, rate: int | None
) -> None:
    """Refuse what is said of the other kind of content.

    Raises:
        UsageError: A range of clips, or a rate of images.
    """
    if of_clips and value_range is not None:
        raise UsageError(
            f"{name}: value_range={value_range} for clips",
            "samples from -1 to 1, or integers",
            "leave it out, and scale floats to -1 to 1",
        )
    if rate is not None and not of_clips:
        raise UsageError(
            f"{name}: rate={rate} for images",
            "a rate for clips of sound alone",
            "leave it out, or name networks of clips, extractor='log-mel' say",
        )


def _as_it_is(content: Content) -> Content:
    """Return what is there already."""
    return content


def _ignore(done: int) -> None:
    """Show no progress, since a training loop has its own."""
