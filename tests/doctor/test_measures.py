"""Upscaling and likeness, on photographs and digits that come with scikit-learn."""

import math
import time

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageFilter
import pytest
from sklearn.datasets import load_sample_images

from ganeval.doctor.detail import MOST_DETAIL, detail_above, repeats
from ganeval.doctor.likeness import ALIKE, nearly_same, thumbnail
from ganeval.doctor.look import Look, look_at
from ganeval.images.picture import Picture
from ganeval.sources.arrays.datasets import digits
from tests.doctor.sharp import sharp

HOW = PIL.Image.Resampling
SIZE = 64


def crops(size: int = SIZE) -> list[PIL.Image.Image]:
    """Squares out of two photographs, scaled down by two, so that they are sharp."""
    found = []
    for pixels in load_sample_images().images:
        photograph = PIL.Image.fromarray(pixels)
        half = photograph.resize((photograph.width // 2, photograph.height // 2), HOW.BICUBIC)
        for top in range(0, half.height - size + 1, size):
            for left in range(0, half.width - size + 1, size):
                found.append(half.crop((left, top, left + size, top + size)))
    return found


def look(picture: PIL.Image.Image) -> Look:
    pixels = np.ascontiguousarray(np.asarray(picture.convert("RGB")).transpose(2, 0, 1))
    return look_at(Picture(pixels), name="x", digest=b"", header=None)


def share_below(pictures: list[PIL.Image.Image], at: int) -> float:
    known = [value for picture in pictures if not math.isnan(value := look(picture).detail[at])]
    assert len(known) >= 10
    return float(np.mean(np.array(known) < MOST_DETAIL[at]))


def test_the_measured_constants_stay() -> None:
    assert MOST_DETAIL == (0.06, 0.08)
    assert ALIKE == 0.995


def test_sharp_photographs_have_detail() -> None:
    assert share_below(crops(), 0) < 0.3
    assert share_below(crops(), 1) < 0.1


@pytest.mark.parametrize("how", [HOW.BILINEAR, HOW.BICUBIC, HOW.LANCZOS])
@pytest.mark.parametrize(("factor", "at"), [(2, 0), (4, 1)])
def test_scaled_up_photographs_have_none(factor: int, at: int, how: PIL.Image.Resampling) -> None:
    enlarged = [part.resize((SIZE, SIZE), how) for part in crops(SIZE // factor)]
    assert share_below(enlarged, at) > 0.85


def test_rounding_is_no_detail() -> None:
    faint = [
        part.resize((SIZE, SIZE), HOW.LANCZOS).point(lambda value: 100 + value / 6)
        for part in crops(SIZE // 2)
    ]
    values = np.array([look(picture).detail[0] for picture in faint])
    assert np.nanmedian(values) < 0.005


def test_detail_is_one_for_the_usual_spectrum_and_unknown_for_flat_or_small() -> None:
    values = np.array([detail_above(picture.transpose(2, 0, 1)) for picture in sharp(130, seed=1)])
    np.testing.assert_allclose(values.mean(axis=0), 1, atol=0.25)
    assert np.isnan(detail_above(np.full((3, 64, 64), 7, np.uint8))).all()
    assert np.isnan(detail_above(np.zeros((3, 31, 64), np.uint8))).all()


def test_only_the_centre_of_a_large_picture_is_measured() -> None:
    pixels = np.zeros((3, 300, 400), np.uint8)
    pixels[:, 22:278, 72:328] = np.random.default_rng(0).integers(0, 256, (3, 256, 256))
    assert detail_above(pixels) == detail_above(pixels[:, 22:278, 72:328])


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_repeated_pixels_are_counted(factor: int) -> None:
    small = np.random.default_rng(0).integers(0, 256, (3, 20, 20), np.uint8)
    assert repeats(small.repeat(factor, axis=1).repeat(factor, axis=2)) == factor
    assert repeats(small.repeat(factor, axis=1)) == 1
    assert repeats(np.full((3, 24, 24), 9, np.uint8)) == 1


def thumbnails(pictures: list[PIL.Image.Image]) -> npt.NDArray[np.uint8]:
    return np.array([thumbnail(picture.convert("L")) for picture in pictures])


def test_no_two_digits_are_the_same() -> None:
    assert (nearly_same(digits("all")[0].reshape(-1, 64)) < 0).all()


def test_changed_photographs_are_found_again_and_nothing_else() -> None:
    originals = crops()
    rows = thumbnails(originals)
    clear = rows.std(axis=1) > 5
    for change in (
        lambda picture: picture.resize((32, 32), HOW.BICUBIC),
        lambda picture: picture.filter(PIL.ImageFilter.GaussianBlur(1)),
        lambda picture: picture.point(lambda value: value * 0.9),
    ):
        found = nearly_same(thumbnails([change(picture) for picture in originals]), rows)
        places = np.arange(len(rows))
        assert ((found == places) | (found < 0)).all()
        assert (found == places)[clear].mean() > 0.9
    mirrored = [picture.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) for picture in originals]
    assert (nearly_same(thumbnails(mirrored), rows) < 0).all()


def test_likeness_agrees_with_all_pairs() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (200, 64)).astype(np.float64)
    rows[100:] = rows[:100] + rng.normal(0, np.linspace(1, 20, 100)[:, None], (100, 64))
    pixels = np.clip(np.rint(rows), 0, 255).astype(np.uint8)
    correlation = np.corrcoef(pixels)
    np.fill_diagonal(correlation, 0)
    expected = correlation.max(axis=1) >= ALIKE
    assert 20 < expected.sum() < 180
    found = nearly_same(pixels)
    np.testing.assert_array_equal(found >= 0, expected)
    np.testing.assert_array_equal(found[expected], correlation.argmax(axis=1)[expected])


def test_flat_thumbnails_are_like_nothing() -> None:
    flat = np.full((5, 64), 100, np.uint8)
    flat[:, 0] += 3
    assert (nearly_same(flat) < 0).all()
    assert (nearly_same(flat, flat) < 0).all()


def test_equal_thumbnails_find_each_other() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (3, 64), np.uint8)[[0, 1, 0, 2, 2, 2]]
    found = nearly_same(rows)
    assert found[[0, 1, 2]].tolist() == [2, -1, 0]
    assert found[3] in (4, 5)
    assert found[[4, 5]].tolist() == [3, 3]


def test_fifty_thousand_of_three_are_compared_in_seconds() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (3, 64), np.uint8)
    begin = time.perf_counter()
    assert (nearly_same(np.tile(rows, (17_000, 1))) >= 0).all()
    assert time.perf_counter() - begin < 15


def test_fifty_thousand_are_compared_in_seconds() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50_000, 64), np.uint8)
    pixels[-1] = pixels[0]
    begin = time.perf_counter()
    assert (nearly_same(pixels) >= 0).sum() == 2
    assert time.perf_counter() - begin < 60
