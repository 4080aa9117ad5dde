"""Conditions: the pictures or clips that a paired network makes its samples from."""

import logging
import math
from collections.abc import Sequence

import numpy as np
import torch

from ganeval.errors import InputError
from ganeval.sources.base import Item, Source

log = logging.getLogger(__name__)

_OTHER_LENGTH = 0.01  # smaller relative differences of length are ignored


def condition_batch(source: Source, indices: Sequence[int]) -> torch.Tensor:
    """Return the conditions of samples: pictures float32 [B, 3, H, W], clips [B, C, samples].

    Both are in [-1, 1].
    """
    items = source.load([index % len(source) for index in indices])
    if source.info.content == "clip":
        return _clip_batch(items)
    pictures = [item.picture().pixels for item in items]
    for item, picture in zip(items, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise InputError(
                f"{item.name}: {picture.shape[2]}x{picture.shape[1]} pixels",
                f"conditions of one size ({pictures[0].shape[2]}x{pictures[0].shape[1]})",
                "write `folder:PATH,size=256` for the condition source",
            )
    return torch.from_numpy(np.stack(pictures)).float() / 127.5 - 1


def doubts_of_length(name: str, conditions: Source, rate: int, num_samples: int) -> list[str]:
    """Return a doubt if generated clips differ in length from their conditions.

    Conditions at a wrong rate are taken for slower or faster sounds; no other check shows this.
    """
    if conditions.info.content != "clip":
        return []
    given = conditions.load([0])[0].clip()
    if math.isclose(given.seconds, num_samples / rate, rel_tol=_OTHER_LENGTH):
        return []
    expected = round(given.samples.shape[1] * rate / num_samples)
    doubt = (
        f"makes {num_samples / rate:.4g} s from {given.seconds:.4g} s; if it keeps the length of "
        f"sounds, it takes them at {expected:,} Hz: write `,rate={expected}` after the condition"
    )
    log.warning("%s: %s", name, doubt)
    return [doubt]


def _clip_batch(items: Sequence[Item]) -> torch.Tensor:
    """Return clips of one length and number of channels, float32 [B, C, samples]."""
    clips = [item.clip().samples for item in items]
    for item, clip in zip(items, clips, strict=True):
        if clip.shape != clips[0].shape:
            raise InputError(
                f"{item.name}: {clip.shape[1]:,} samples in {clip.shape[0]} channels",
                f"conditions of one shape ({clips[0].shape[1]:,} samples in {clips[0].shape[0]})",
                "write `folder:PATH,channels=mono,seconds=2` for the condition source",
            )
    return torch.from_numpy(np.stack(clips))
