"""Counter-based randomness for data: the order of items as a function of seed and position."""

import functools
import hashlib

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def generator(seed: int, purpose: str, number: int) -> np.random.Generator:
    """Return the random stream of (seed, purpose, number).

    Args:
        seed: At least 0.
        purpose: Streams of different purposes are independent. Its SHA-256 is used, because
            Python's own hash differs from process to process.
        number: Counts the streams of one purpose, such as the epochs.
    """
    stream = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, stream, number])))


def epoch_indices(count: int, *, seed: int, position: int, size: int) -> Indices:
    """Return which of `count` items a batch holds, int64 [size].

    The stream is a sequence of permutations, one for each epoch. The batch is the part that begins
    at `position`.
    """
    parts = []
    for epoch in range(position // count, (position + size - 1) // count + 1):
        begin = epoch * count
        start, stop = max(position - begin, 0), min(position + size - begin, count)
        parts.append(_permutation(count, seed, epoch)[start:stop])
    return np.concatenate(parts)


@functools.lru_cache(maxsize=4)  # 8 bytes per item
def _permutation(count: int, seed: int, epoch: int) -> Indices:
    """Return the order of one epoch; cached, because many batches in a row need it."""
    order = generator(seed, "data order", epoch).permutation(count)
    order.flags.writeable = False  # shared by every caller
    return order
