"""What bfloat16 does to FID: the error beside float32, and that of mixing the two."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.timing import Figure
from calibrations.picture_pool import download, single_crops_of
from ganeval import Images
from ganeval.extract import features_of
from ganeval.features.moments import Moments
from ganeval.flow.settings import build_settings
from ganeval.metrics.parts.linalg import frechet_distance
from tests.random_inception import soft_images

EXTRACTORS = ("efficientnet-lite0", "inception")


def precision_figures(folder: Path, weights: Path, num: int) -> Iterator[Figure]:
    """Yield FID of `num` against `num` pictures in both precisions, for each extractor."""
    made = [soft_images(num, size=64, seed=seed).numpy() for seed in range(2)]
    made[1] = (made[1] * 0.85).astype(np.uint8)  # darker and of less contrast
    pictures = download(folder)
    real = [single_crops_of(pictures, name, num) for name in ("reference", "model")]
    for extractor, (kind, sides) in product(
        EXTRACTORS, (("crops of clip art", real), ("made pictures", list(map(Images, made))))
    ):
        path = weights if extractor == "inception" else None
        moments = [
            [_moments(images, extractor, path, precision) for images in sides]
            for precision in ("float32", "bfloat16")
        ]
        (exact, other_exact), (rough, other_rough) = moments
        reference = frechet_distance(exact, other_exact)
        in_both = frechet_distance(rough, other_rough)
        in_one = frechet_distance(exact, other_rough)
        yield Figure(
            work=f"FID in bfloat16, {extractor}, {num:,} {kind} a side",
            ours=f"{in_both:.4f}",
            other=f"float32 {reference:.4f}",
            ratio=f"{in_both / reference - 1:+.2%} "
            f"({in_one / reference - 1:+.2%} with one side only)",
            wanted="within 1 %",
        )


def _moments(images: Images, extractor: str, weights: Path | None, precision: str) -> Moments:
    """Return the moments of the pooled features."""
    settings = build_settings(
        {"extractor": extractor, "weights": weights, "precision": precision, "cache": False}
    )
    with features_of(images, ["pool"], settings) as found:
        return found.of("pool").moments()
