"""Stacked digits: three digits as red, green and blue, so 1,000 modes that can be counted.

Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, stack digits of MNIST.
Srivastava et al., "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning",
NeurIPS 2017, made it a benchmark: a classifier of digits reads each channel. One score is how many
of the 1,000 triples occur at all, the other KL(their histogram || uniform). Published for MNIST's
digits (modes, KL; collected by Kumar et al., "Maximum Entropy Generators for Energy-Based Models",
2019):

    Unrolled GAN 48.7, 4.32     VEEGAN 150, 2.95     WGAN-GP 959, 0.73     PacGAN 1000, 0.06

The digits here are scikit-learn's, which are smaller and fewer, so scores cannot be compared with
the published ones. The classifier takes the class of the nearest training digit. It needs no
training, and reads 98.6 % of the held-out digits of 8 x 8 pixels correctly.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

import ganeval
from reference_models.data.digits import digits
from reference_models.data.order import generator
from reference_models.data.pictures import Pictures
from reference_models.engine.data import Batch, Kind

NUM_MODES = 1000
FAIR_SHARE = 0.2  # the same as for the modes of points

_BLOCK = 256  # pictures drawn at once; changing it changes every stream


@dataclass(frozen=True, slots=True, eq=False)
class Stacked:
    """An endless stream of triples of digits, drawn independently.

    Attributes:
        digits: The grey digits that are stacked, with their classes.
    """

    digits: Pictures

    @property
    def name(self) -> str:
        """Name of the data."""
        return "stacked"

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the digits and of the definition of the stream."""
        definition = ["stacked", self.digits.digest, _BLOCK]
        return hashlib.sha256(json.dumps(definition).encode()).hexdigest()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture: (3, H, W)."""
        return (3, *self.digits.shape[1:])

    @property
    def kind(self) -> Kind:
        """Pictures."""
        return "pictures"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches."""
        return ("real", "labels")

    @property
    def num_classes(self) -> int:
        """1,000: the label is 100 red + 10 green + blue."""
        return NUM_MODES

    def source_of(self, name: str) -> None:
        """Return None: ganeval has no such source."""

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of triples; each block has its own random generator."""
        first, last = position // _BLOCK, (position + size - 1) // _BLOCK
        blocks = [
            generator(seed, "stacked", block).integers(len(self.digits), size=(_BLOCK, 3))
            for block in range(first, last + 1)
        ]
        start = position - first * _BLOCK
        chosen = np.concatenate(blocks)[start : start + size]
        pixels = self.digits.pixels[chosen, 0]
        assert self.digits.labels is not None
        return Batch(
            {
                "real": torch.from_numpy(pixels).float() / 127.5 - 1,
                "labels": torch.from_numpy(_modes_of(self.digits.labels[chosen])),
            }
        )

    def read(self, samples: Tensor) -> npt.NDArray[np.int64]:
        """Return the mode of each sample, int64 [N], for samples float [N, 3, H, W] in [-1, 1].

        Each channel gets the class of the nearest training digit of the same size.
        """
        known = digits(size=self.shape[1])
        classifier = KNeighborsClassifier(1, algorithm="brute")
        classifier.fit(known.pixels.reshape(len(known), -1).astype(np.float32), known.labels)
        pixels = (samples.detach().cpu().float().numpy() + 1) * 127.5
        classes = classifier.predict(pixels.reshape(3 * len(pixels), -1))
        return _modes_of(classes.reshape(-1, 3).astype(np.int64))

    def scores(self, samples: Tensor) -> dict[str, tuple[float, str]]:
        """Return the scores of samples [N, 3, H, W] on the modes, each with its better direction.

        `modes` counts the modes that occur at all, as in the papers. `fair_modes` counts the modes
        with at least a fifth of their fair share. `mode_kl` is KL(histogram || uniform) in nats;
        for N samples of the data it is about 1000 / 2N.
        """
        counts = np.bincount(self.read(samples), minlength=NUM_MODES)
        share = counts[counts > 0] / counts.sum()
        return {
            "modes": (float((counts > 0).sum()), "higher"),
            "fair_modes": (_fair(counts), "higher"),
            "mode_kl": (float((share * np.log(share * NUM_MODES)).sum()), "lower"),
        }


def stacked(*, size: int = 16, channels: int = 3, split: str = "train") -> Stacked:
    """Return triples of digits as the channels of pictures.

    Args:
        size: Height and width, as in `digits`.
        channels: 3.
        split: "train" or "test", the split of the digits.

    Raises:
        GanevalError: The number of channels is not 3, or another option is not allowed.
    """
    if channels != 3:
        raise ganeval.GanevalError(
            f"stacked digits of {channels} channels",
            "3 channels, one for each digit",
            "leave out channels",
        )
    return Stacked(digits(size=size, split=split))


def _modes_of(classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the modes [N] of triples of classes [N, 3]."""
    modes: npt.NDArray[np.int64] = classes @ np.array([100, 10, 1])
    return modes


def _fair(counts: npt.NDArray[np.int64]) -> float:
    """Return the number of modes with at least a fifth of their fair share."""
    least = max(FAIR_SHARE * counts.sum() / NUM_MODES, 1)
    return float((counts >= least).sum())
