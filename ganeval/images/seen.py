"""Record the values and sizes of a source's images, and compare values with the range."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # sources that are files of pictures load no torch
    import torch

_FULL = (0.0, 255.0)  # the values of uint8
_LEAST_SPAN = 0.1  # of the range that values may have; even dark sets of pictures span more
_LEAST_SHARE = 0.0001  # smaller shares are not given as a percentage
_ENOUGH = 8  # images; of fewer there are no doubts
_DIGITS = 3  # enough for a reader, and the same on every machine


class Seen:
    """The values and sizes of one source's images, as far as they have been read.

    Attributes:
        declared: The (low, high) that become 0 and 255; None for uint8.
        low: The lowest value so far; infinity before the first.
        high: The highest value so far; minus infinity before the first.
        num: How many values of a declared range there were so far.
        clipped: How many of these lay beyond it, so that they were clipped.
        sizes: Number of images by (width, height), if no header tells them beforehand.
    """

    def __init__(self, declared: tuple[float, float] | None = None) -> None:
        self.declared = declared
        self.low, self.high = float("inf"), float("-inf")
        self.num = self.clipped = 0
        self.sizes: Counter[tuple[int, int]] = Counter()
        self._lock = threading.Lock()  # pictures are read by several threads

    def add(self, values: torch.Tensor | npt.NDArray[Any]) -> None:
        """Record the values of images, any shape and real type, without NaN."""
        num = clipped = 0
        if isinstance(values, np.ndarray):
            low, high = float(np.min(values)), float(np.max(values))
        else:
            low, high = (end.item() for end in values.aminmax())
            if self.declared is not None:
                from ganeval.images.quantise import num_clipped

                num, clipped = values.numel(), num_clipped(values, self.declared)
        with self._lock:
            self.low, self.high = min(self.low, low), max(self.high, high)
            self.num += num
            self.clipped += clipped

    def merge(self, other: Seen) -> None:
        """Add what was recorded of other images of the source."""
        with self._lock:
            self.low, self.high = min(self.low, other.low), max(self.high, other.high)
            self.num += other.num
            self.clipped += other.clipped
            self.sizes.update(other.sizes)

    def facts(self) -> dict[str, object]:
        """Return the facts for the provenance, JSON values; empty before the first image."""
        if self.low > self.high:
            return {}
        facts: dict[str, object] = {"observed_range": [rounded(self.low), rounded(self.high)]}
        if self.declared is not None:
            facts["value_range"] = [float(end) for end in self.declared]
        return facts

    def doubts(self, num: int) -> list[str]:
        """Return doubts about the declared range, a clause each; `num` images were seen.

        All images of a source may be bright, so this is a reason to warn, not to refuse.
        """
        if not self.clipped or self.declared is None:
            return self._doubts_of_range(num)
        low, high = self.declared
        share = self.clipped / self.num
        return [
            f"{f'{share:.2%}' if share >= _LEAST_SHARE else 'a few'} of the values of {num:,} "
            f"images are beyond the declared range {low:g} to {high:g} and were clipped "
            f"({self.low:.4g} to {self.high:.4g}); correct the scale or the range, "
            "or clip them yourself (clamp, for a generator) if that is meant",
            *self._doubts_of_range(num),
        ]

    def _doubts_of_range(self, num: int) -> list[str]:
        """Return doubts about the declared range by the lowest and the highest value."""
        if num < _ENOUGH or self.low > self.high:
            return []
        low, high = self.declared or _FULL
        span = high - low
        declared = f"declared range {low:g} to {high:g}" if self.declared else "uint8"
        seen = f"({rounded(self.low):g} to {rounded(self.high):g})"
        if self.high - self.low < _LEAST_SPAN * span:
            return [f"{declared}, but the values of {num:,} images are almost one grey {seen}"]
        if self.declared and low < 0 <= self.low:
            return [f"{declared}, but none of {num:,} images has a negative value {seen}"]
        if self.declared and self.low > low + span / 4 and self.high > high - span / 4:
            bound = f"a value below {low + span / 4:g}"
            return [f"{declared}, but none of {num:,} images has {bound} {seen}"]
        return []


def rounded(value: float) -> float:
    """Return a number to a few significant digits."""
    return float(f"{value:.{_DIGITS}g}")
