"""Random pairs of the items of one source."""

import hashlib
from dataclasses import replace

import numpy as np

from ganeval.errors import InputError, UsageError
from ganeval.sources.base import Source
from ganeval.sources.views.pair_view import PairView, pair_content


def random_pairs(source: Source, *, num: int, seed: int = 0) -> PairView:
    """Return random pairs of different items of a source, as a source.

    Each draw takes all ordered pairs with equal probability, so a pair may occur twice. The first
    pairs are the same however many are drawn.

    Args:
        source: Where the items are.
        num: The number of pairs.
        seed: From 0; the pairs come from NumPy's Philox, seeded by `SeedSequence([seed])`.

    Raises:
        UsageError: No pairs are asked for, or the seed is negative.
        InputError: The source has only one item.
    """
    count = len(source)
    if num < 1 or seed < 0:
        raise UsageError(
            f"{num:,} random pairs with seed {seed}",
            "at least 1 pair, and a seed of at least 0",
            "change it",
        )
    if count < 2:
        raise InputError(
            f"{source.info.location}: one item, which makes no pair", "at least 2", "add some"
        )
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed])))
    one, step = np.divmod(stream.integers(count * (count - 1), size=num), count - 1)
    places = np.stack([one, (one + 1 + step) % count], axis=1)
    fingerprint = hashlib.sha256(source.info.fingerprint.encode() + places.tobytes())
    return PairView(
        info=replace(
            source.info,
            kind="random-pairs",
            content=pair_content(source.info, source.info),
            noun="pairs",
            location=f"random pairs of {source.info.location}",
            count=num,
            sizes={},
            notes={},
            found={**source.info.found, "pair_seed": seed},
            fingerprint=fingerprint.hexdigest(),
        ),
        one=source,
        other=source,
        places=places,
    )
