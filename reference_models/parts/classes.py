"""Check the number of classes, and find the labelled pictures of a few-label run."""

from collections.abc import Sized

import torch

import ganeval
from reference_models.engine.data import Data

_BLOCK = 256  # pictures that are read together to find labels


def check_classes(data: Data, num_classes: int, *, setting: str) -> None:
    """Check that the data have as many classes as the networks; data without labels pass.

    Args:
        data: Data of the run.
        num_classes: Number of classes of the networks.
        setting: The setting with the number of classes, for the message.

    Raises:
        GanevalError: The data have more or fewer classes.
    """
    if data.num_classes is not None and data.num_classes != num_classes:
        raise ganeval.GanevalError(
            f"data '{data.name}' has {data.num_classes} classes",
            f"{num_classes} classes, as many as the networks have",
            f"--set {setting}={data.num_classes}",
        )


def known_labels(
    data: Data, *, num_classes: int, per_class: int, subset: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first pictures of each class in a shuffled order of the data, and their classes.

    Args:
        data: Finite data with labels; other data give no pictures.
        num_classes: Number of classes of the data.
        per_class: Pictures of each class.
        subset: Number of the order, at least 0; it serves as the seed.

    Returns:
        float32 [num_classes * per_class, *shape] and int64 [num_classes * per_class].

    Raises:
        GanevalError: A class has fewer than `per_class` pictures.
    """
    found: list[list[torch.Tensor]] = [[] for _ in range(num_classes)]
    if "labels" not in data.names or not isinstance(data, Sized):
        return torch.zeros(0, *data.shape), torch.zeros(0, dtype=torch.int64)
    for start in range(0, len(data), _BLOCK):
        batch = data.batch(subset, start, min(_BLOCK, len(data) - start))
        for picture, label in zip(batch["real"], batch["labels"].tolist(), strict=True):
            if len(found[label]) < per_class:
                found[label].append(picture)
        if all(len(pictures) == per_class for pictures in found):
            break
    fewest = min(range(num_classes), key=lambda label: len(found[label]))
    if len(found[fewest]) < per_class:
        raise ganeval.GanevalError(
            f"data '{data.name}' has {len(found[fewest])} pictures of class {fewest}",
            f"{per_class} labelled pictures of each class",
            "lower game.per_class",
        )
    pictures = torch.stack([picture for of_class in found for picture in of_class])
    return pictures, torch.arange(num_classes).repeat_interleave(per_class)
