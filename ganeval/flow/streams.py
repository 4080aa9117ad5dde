"""The random streams of a run."""

import hashlib

import numpy as np


def derive_rng(seed: int, purpose: str) -> np.random.Generator:
    """Return the random stream of one purpose; adding a purpose changes no other stream."""
    words = np.frombuffer(
        hashlib.sha256(purpose.encode("utf-8", "surrogatepass")).digest(), dtype=np.uint32
    )
    return np.random.default_rng([seed, *words.tolist()])
