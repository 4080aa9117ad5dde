"""From items to features: decode each item once, and run every network on it in batches."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import InputError, UnstableError, one_line
from ganeval.extractors.base import Input
from ganeval.features.extraction import Extraction, Layers, Place, Wanted
from ganeval.features.shards import ShardInfo
from ganeval.machine.ahead import in_order
from ganeval.sources.base import Item


def compute(
    items: Sequence[Item], wanted: Wanted, pool: Executor, tell: Callable[[int], None]
) -> tuple[Layers, ShardInfo]:
    """Decode each item once and run every network, each with its own micro-batch size.

    Raises:
        InputError: A network returned NaN or infinity.
        UnstableError: An item changed while it was read.
    """
    passes = [_Pass(network, layers) for network, layers in wanted]
    names: list[str] = []
    notes: Counter[str] = Counter()
    skipped: dict[int, str] = {}
    prepare = partial(_prepare, preparations=[network.preparation for network, _ in wanted])
    ahead = 4 * max(network.micro_batch for network, _ in wanted)
    for at, result in enumerate(in_order(pool, prepare, items, ahead=ahead)):
        if isinstance(result, InputError):
            skipped[at] = str(result).removeprefix(one_line(items[at].name))
            continue
        inputs, noted = result
        names.append(items[at].name)
        notes.update(noted)
        ran = [one.take(own, names[-1]) for one, own in zip(passes, inputs, strict=True)]
        if any(ran):
            tell(at + 1)
    found = {place: rows for one in passes for place, rows in one.end(names).items()}
    return found, ShardInfo(num=len(names), notes=notes, skipped=skipped)


def _prepare(
    item: Item, *, preparations: Sequence[Input]
) -> tuple[list[torch.Tensor], tuple[str, ...]] | InputError:
    """Return an item's input for each network and its notes, or the error if it has none."""
    try:
        content = item.content()
    except UnstableError:  # the item may be fine next time, so it is not stored as skipped
        raise
    except InputError as error:
        return error
    try:
        return [how(content) for how in preparations], content.notes
    except InputError as error:
        return InputError(f"{item.name}: {error.found}", error.needed, error.remedy)


class _Pass:
    """Runs one network on some items, in micro-batches."""

    def __init__(self, network: Extraction, layers: Sequence[str]) -> None:
        self._network, self._layers = network, layers
        self._run = network.network  # built now, so that it fails before anything is decoded
        self._waiting: list[torch.Tensor] = []
        self._batches: list[dict[str, torch.Tensor]] = []

    def take(self, own: torch.Tensor, name: str) -> bool:
        """Take the input of an item; return whether it filled a micro-batch, which then ran."""
        self._waiting.append(own)
        if len(self._waiting) < self._network.micro_batch:
            return False
        self._flush(name)
        return True

    def end(self, names: Sequence[str]) -> dict[Place, npt.NDArray[np.float32]]:
        """Run the last micro-batch and return the rows of every layer, for the named items."""
        if self._waiting:
            self._flush(names[-1])
        info, found = self._network.info, {}
        for layer in self._layers:
            rows = np.empty((0, info.layers[layer]), np.float32)
            if self._batches:
                rows = torch.cat([batch[layer] for batch in self._batches]).cpu().numpy()
            _check_finite(rows, names, layer, info.name)
            found[self._network.name, layer] = rows
        return found

    def _flush(self, last: str) -> None:
        """Run the network on the waiting inputs, padded with zeros to the micro-batch size.

        On a GPU this returns before the network has run. The batch is copied from pinned memory,
        which torch reuses only after the copy is done. The features stay on the device.
        """
        inputs = self._waiting
        batch = torch.empty(
            (self._network.micro_batch, *inputs[0].shape),
            dtype=torch.float32,
            pin_memory=self._network.device_type == "cuda",
        )
        torch.stack(inputs, out=batch[: len(inputs)])
        batch[len(inputs) :] = 0
        try:
            outputs = self._run(batch, self._layers)
        except InputError as error:  # the network sees one item at a time and refused the last
            raise InputError(f"{last}: {error.found}", error.needed, error.remedy) from error
        self._batches.append({layer: rows[: len(inputs)] for layer, rows in outputs.items()})
        self._waiting = []


def _check_finite(
    rows: npt.NDArray[np.float32], names: Sequence[str], layer: str, extractor: str
) -> None:
    """Refuse features that are NaN or infinite, naming the first item that has them."""
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InputError(
            f"{names[int(bad.argmax())]}: {extractor} returned NaN or Infinity in layer {layer} "
            f"({int(bad.sum())} items in all)",
            "finite features",
            "check the weights (`ganeval weights verify`) and use --precision float32",
        )
