"""Pairs of pictures on the way through a network that looks at them one at a time."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest

from ganeval.errors import InputError
from ganeval.extractors.base import ExtractorRequest, find_extractor
from ganeval.features.compute import compute
from ganeval.features.extraction import Extraction
from ganeval.images.picture import Picture
from ganeval.sources.base import Item, Pair

REQUEST = ExtractorRequest()
PIXELS = find_extractor("pixels")


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def extraction() -> Extraction:
    info = PIXELS.describe(REQUEST)
    return Extraction(
        name="pixels",
        info=info,
        preparation=info.input,
        precision="float32",
        device_type="cpu",
        micro_batch=1,
        load=lambda: PIXELS.from_request(REQUEST),
    )


def item(name: str, one: int, other: int) -> Item:
    """Return a pair of pictures, 20 pixels wide and as high as that: white and grey."""
    pair = Pair(
        *(
            Picture(np.full((3, height, 20), level, np.uint8), (note,))
            for height, level, note in ((one, 255, "flat"), (other, 155, "grey"))
        )
    )
    return Item(name, bytes(32), lambda: pair)


def test_pairs_of_several_sizes_go_through_one_after_the_other(pool: Executor) -> None:
    items = [item("a", 11, 11), item("b", 30, 20), item("c", 12, 12), item("d", 90, 90)]
    layers = ["ssim", "psnr-mse"]
    found, info = compute(items, [(extraction(), layers)], pool, lambda _: None)
    assert info.num == 3
    assert info.notes == {"flat": 3, "grey": 3}
    assert found["pixels", "psnr-mse"].tolist() == [[10_000.0]] * 3
    assert found["pixels", "ssim"].shape == (3, 1)
    assert np.ptp(found["pixels", "ssim"]) == 0
    ((at, reason),) = info.skipped.items()
    assert at == 1
    assert reason.startswith(": a picture of 20 x 30 pixels and one of 20 x 20; ")


def test_a_pair_that_a_measure_is_not_defined_for_is_named(pool: Executor) -> None:
    items = [item("a", 11, 11), item("b", 10, 10), item("c", 12, 12)]
    with pytest.raises(
        InputError, match=r"^b: pictures of 20 x 10 pixels; needed: at least 11 x 11 for ssim"
    ):
        compute(items, [(extraction(), ["ssim"])], pool, lambda _: None)
    found, _ = compute(items, [(extraction(), ["psnr-mse"])], pool, lambda _: None)
    assert found["pixels", "psnr-mse"].shape == (3, 1)


def test_a_picture_is_no_pair(pool: Executor) -> None:
    picture = Picture(np.zeros((3, 20, 20), np.uint8))
    _, info = compute(
        [Item("a", bytes(32), lambda: picture)], [(extraction(), ["ssim"])], pool, lambda _: None
    )
    assert info.skipped[0].startswith(": a picture, not a pair of pictures; ")
