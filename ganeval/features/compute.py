"""From items to features: decode ahead in a pool, run the network in batches of one size."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import PIL
import torch

from ganeval.ahead import in_order
from ganeval.errors import InputError, UnstableError, one_line
from ganeval.extractors.base import Extractor, Input, Precision
from ganeval.features.shards import ShardInfo
from ganeval.sources.base import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that turns pictures into features.

    Attributes:
        extractor: The network.
        preprocess: From a picture to its input.
        precision: Of the network's arithmetic.
        device_type: "cpu", "cuda" or "mps".
        micro_batch: The network always sees this many images at once, the last batch of a shard
            padded, so that an image's features do not depend on how many others there are.
        layers: The layers that are stored.
    """

    extractor: Extractor
    preprocess: Input
    precision: Precision
    device_type: str
    micro_batch: int
    layers: tuple[str, ...]

    def identity(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Return what goes into a shard's key beside its items, as JSON values."""
        info = self.extractor.info
        return {
            "settings": dict(settings),
            "preprocess": self.preprocess.to_json(),
            "extractor": [info.name, info.version, info.weights_sha256],
            "precision": self.precision,
            "device": self.device_type,
            "micro_batch": self.micro_batch,
            "layers": list(self.layers),
            "torch": torch.__version__,
            "pillow": PIL.__version__,
        }


def compute(
    items: Sequence[Item], recipe: Recipe, pool: Executor, tell: Callable[[int], None]
) -> tuple[dict[str, npt.NDArray[np.float32]], ShardInfo]:
    """Decode the items and run the network over them in micro-batches of one size."""
    width = recipe.extractor.info.layers
    batches: list[dict[str, torch.Tensor]] = []
    names: list[str] = []
    notes: Counter[str] = Counter()
    skipped: dict[int, str] = {}
    inputs: list[torch.Tensor] = []
    decode = partial(decode_and_resize, how=recipe.preprocess)
    for at, result in enumerate(in_order(pool, decode, items, ahead=4 * recipe.micro_batch)):
        if isinstance(result, InputError):
            skipped[at] = str(result).removeprefix(one_line(items[at].name))
            continue
        inputs.append(result[0])
        names.append(items[at].name)
        notes.update(result[1])
        if len(inputs) == recipe.micro_batch:
            batches.append(_run(inputs, recipe))
            inputs = []
            tell(at + 1)
    if inputs:
        batches.append(_run(inputs, recipe))
    layers = {
        layer: torch.cat([batch[layer] for batch in batches]).cpu().numpy()
        if batches
        else np.empty((0, width[layer]), np.float32)
        for layer in recipe.layers
    }
    for layer, rows in layers.items():
        _check_finite(rows, names, layer, recipe.extractor.info.name)
    return layers, ShardInfo(num=len(names), notes=notes, skipped=skipped)


def decode_and_resize(
    item: Item, *, how: Input
) -> tuple[torch.Tensor, tuple[str, ...]] | InputError:
    """Return an item's network input float32 [3, S, S] and its notes, or why there is none."""
    try:
        image = item.image()
    except UnstableError:  # no property of the picture, hence nothing to store
        raise
    except InputError as error:
        return error
    return how(image), image.notes


def _run(inputs: list[torch.Tensor], recipe: Recipe) -> dict[str, torch.Tensor]:
    """Run the network on one micro-batch, padded to its size with zeros.

    On a GPU this returns before the network has run: the batch is copied from pinned memory, which
    torch uses again only when the copy is done, and the features stay on the device.
    """
    batch = torch.empty(
        (recipe.micro_batch, *inputs[0].shape),
        dtype=torch.float32,
        pin_memory=recipe.device_type == "cuda",
    )
    torch.stack(inputs, out=batch[: len(inputs)])
    batch[len(inputs) :] = 0
    outputs = recipe.extractor(batch, recipe.layers)
    return {layer: rows[: len(inputs)] for layer, rows in outputs.items()}


def _check_finite(
    rows: npt.NDArray[np.float32], names: Sequence[str], layer: str, extractor: str
) -> None:
    """Refuse features that are NaN or infinite, naming the first image that has them."""
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InputError(
            f"{names[int(bad.argmax())]}: {extractor} returned NaN or Infinity in layer {layer} "
            f"({int(bad.sum())} images in all)",
            "finite features",
            "check the weights (`ganeval weights verify`) and use --precision float32",
        )
