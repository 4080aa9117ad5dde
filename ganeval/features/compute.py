"""From items to features: decode each item once, and run every network that wants it in batches."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import torch

from ganeval.ahead import in_order
from ganeval.errors import InputError, UnstableError, one_line
from ganeval.extractors.base import Extractor, ExtractorInfo, Input, Precision
from ganeval.features.shards import ShardInfo
from ganeval.sources.base import Item


@dataclass(frozen=True, kw_only=True, eq=False)
class Extraction:
    """One network of a run and how it is fed: all that turns the content of items into features.

    Attributes:
        name: What the run calls the network (`"inception"`, or the short name of a user).
        info: What the network is.
        preparation: From an item's content to the network's input.
        precision: Of the network's arithmetic.
        device_type: "cpu", "cuda" or "mps".
        micro_batch: The network always sees this many items at once, the last batch of a shard
            padded, so that an item's features do not depend on how many others there are.
        load: Builds the network; called when the first item has to go through it.
    """

    name: str
    info: ExtractorInfo
    preparation: Input
    precision: Precision
    device_type: str
    micro_batch: int
    load: Callable[[], Extractor]

    @cached_property
    def network(self) -> Extractor:
        """The network on its device."""
        return self.load()

    def identity(self) -> dict[str, object]:
        """Return what goes into a shard's key beside its items and its layer, as JSON values."""
        info = self.info
        return {
            "preprocess": self.preparation.to_json(),
            "extractor": [info.name, info.version, info.weights_sha256],
            "precision": self.precision,
            "device": self.device_type,
            "micro_batch": self.micro_batch,
            "torch": version("torch"),
            "pillow": version("pillow"),
        }


Place = tuple[str, str]
"""Where features come from: the name of a network in the run, and its layer."""

Layers = Mapping[Place, npt.NDArray[np.float32]]

Wanted = Sequence[tuple[Extraction, Sequence[str]]]
"""Networks, each with the layers that are wanted of it."""


def compute(
    items: Sequence[Item], wanted: Wanted, pool: Executor, tell: Callable[[int], None]
) -> tuple[Layers, ShardInfo]:
    """Decode each item once and run every network over them in micro-batches of its own size.

    Raises:
        InputError: A network returned NaN or infinity.
        UnstableError: An item changed while it was read.
    """
    batches: list[list[dict[str, torch.Tensor]]] = [[] for _ in wanted]
    waiting: list[list[torch.Tensor]] = [[] for _ in wanted]
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
        for own, of_network in zip(inputs, waiting, strict=True):
            of_network.append(own)
        for (network, layers), of_network, done in zip(wanted, waiting, batches, strict=True):
            if len(of_network) == network.micro_batch:
                done.append(_run(of_network, network, layers))
                of_network.clear()
                tell(at + 1)
    found: dict[Place, npt.NDArray[np.float32]] = {}
    for (network, layers), of_network, done in zip(wanted, waiting, batches, strict=True):
        if of_network:
            done.append(_run(of_network, network, layers))
        for layer in layers:
            rows = np.empty((0, network.info.layers[layer]), np.float32)
            if done:
                rows = torch.cat([batch[layer] for batch in done]).cpu().numpy()
            _check_finite(rows, names, layer, network.info.name)
            found[network.name, layer] = rows
    return found, ShardInfo(num=len(names), notes=notes, skipped=skipped)


def _prepare(
    item: Item, *, preparations: Sequence[Input]
) -> tuple[list[torch.Tensor], tuple[str, ...]] | InputError:
    """Return an item's input for each network and its notes, or why there is none."""
    try:
        content = item.content()
    except UnstableError:  # no property of the item, hence nothing to store
        raise
    except InputError as error:
        return error
    try:
        return [how(content) for how in preparations], content.notes
    except InputError as error:
        return InputError(f"{item.name}: {error.found}", error.needed, error.remedy)


def _run(
    inputs: list[torch.Tensor], network: Extraction, layers: Sequence[str]
) -> dict[str, torch.Tensor]:
    """Run a network on one micro-batch, padded to its size with zeros.

    On a GPU this returns before the network has run: the batch is copied from pinned memory, which
    torch uses again only when the copy is done, and the features stay on the device.
    """
    batch = torch.empty(
        (network.micro_batch, *inputs[0].shape),
        dtype=torch.float32,
        pin_memory=network.device_type == "cuda",
    )
    torch.stack(inputs, out=batch[: len(inputs)])
    batch[len(inputs) :] = 0
    outputs = network.network(batch, layers)
    return {layer: rows[: len(inputs)] for layer, rows in outputs.items()}


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
