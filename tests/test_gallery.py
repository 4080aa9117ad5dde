"""What the HTML report shows: the right pictures, the right neighbours, the right line."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch

import ganeval
from ganeval.errors import UnstableError
from ganeval.extractors.base import EXTRACTORS, ExtractorRequest
from ganeval.features.shards import SHARD_SIZE
from ganeval.images.picture import Picture as Pixels
from ganeval.report.gallery import Gallery, Picture
from ganeval.report.report import Report
from tests.pictures import blobs

REAL = blobs(150, seed=1)
FAKE = blobs(140, seed=2)


def report_on(sample: object, reference: object, *, extractor: str = "random") -> Report:
    return ganeval.evaluate(
        sample=sample,
        reference=reference,
        metrics=["fid"],
        extractor=extractor,
        cache=False,
        gallery=True,
        on_bad_image="skip",
    )


def gallery_of(sample: object, reference: object) -> Gallery:
    (gallery,) = report_on(sample, reference).galleries
    return gallery


def pixels(picture: Picture) -> npt.NDArray[np.uint8]:
    return np.asarray(PIL.Image.open(io.BytesIO(picture.data)).convert("RGB"))


def number(picture: Picture) -> int:
    """The place in its source that a picture's name ends with: `real[17]` or `00017.png`."""
    return int("".join(char for char in picture.name.split("/")[-1] if char.isdigit()))


def features(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Features by the extractor itself, without the store and the collecting."""
    network = EXTRACTORS.load("random").from_request(
        ExtractorRequest(
            weights_path=None, device=torch.device("cpu"), precision="float32", offline=True
        )
    )
    inputs = [network.info.input(Pixels(one.transpose(2, 0, 1))) for one in pictures]
    return network(torch.stack(inputs), ["pool"])["pool"].double().numpy()


def test_pictures_are_those_that_their_names_say() -> None:
    gallery = gallery_of(ganeval.Images(FAKE, name="fake"), REAL)
    numbers = [number(picture) for picture in gallery.pictures]
    assert len(set(numbers)) == len(numbers) == 24
    for at, picture in zip(numbers, gallery.pictures, strict=True):
        np.testing.assert_array_equal(pixels(picture), FAKE[at])


def test_neighbours_are_the_nearest_of_all() -> None:
    real, fake = features(REAL), features(FAKE)
    between = np.linalg.norm(real[:, None] - real, axis=2)
    np.fill_diagonal(between, np.inf)
    gallery = gallery_of(ganeval.Images(FAKE, name="fake"), ganeval.Images(REAL, name="real"))
    assert gallery.usual_distance == pytest.approx(np.median(between.min(axis=1)), rel=1e-5)
    assert len(gallery.neighbours) == 8
    for hood in gallery.neighbours:
        distances = np.linalg.norm(real - fake[number(hood.picture)], axis=1)
        assert [number(near) for near in hood.nearest] == np.argsort(distances)[:3].tolist()
        shown = [near.value for near in hood.nearest]
        np.testing.assert_allclose(shown, np.sort(distances)[:3], rtol=1e-4)


def test_copies_of_the_reference_are_at_distance_zero() -> None:
    gallery = gallery_of(
        ganeval.Images(REAL[20:60].copy(), name="fake"), ganeval.Images(REAL, name="real")
    )
    for hood in gallery.neighbours:
        assert number(hood.nearest[0]) == number(hood.picture) + 20
        assert hood.nearest[0].value == 0


def test_more_images_than_a_shard_are_told_apart() -> None:
    real = blobs(2 * SHARD_SIZE + 30, seed=5, height=8, width=8)
    gallery = gallery_of(
        ganeval.Images(real[::-1].copy(), name="fake"), ganeval.Images(real, name="real")
    )
    shards = {number(picture) // SHARD_SIZE for picture in gallery.pictures}
    assert {0, 1} <= shards
    for picture in gallery.pictures:
        np.testing.assert_array_equal(pixels(picture), real[len(real) - 1 - number(picture)])
    assert {number(hood.picture) // SHARD_SIZE for hood in gallery.neighbours} >= {0, 1}
    for hood in gallery.neighbours:
        assert number(hood.nearest[0]) == len(real) - 1 - number(hood.picture)


def test_the_pictures_that_raise_fid_most_are_the_odd_ones() -> None:
    sample = FAKE.copy()
    sample[[17, 99]] = 255 - sample[[17, 99]]
    gallery = gallery_of(ganeval.Images(sample, name="fake"), REAL)
    assert {number(picture) for picture in gallery.raising[:2]} == {17, 99}
    raising = [picture.value for picture in gallery.raising]
    lowering = [picture.value for picture in gallery.lowering]
    assert raising == sorted(raising, reverse=True)
    assert lowering == sorted(lowering)
    assert raising[-1] > 0 > lowering[-1]


def test_the_curve_ends_at_the_score_and_its_line_is_that_of_least_squares() -> None:
    sample = blobs(1040, seed=3)
    report = report_on(sample, REAL)
    (gallery,) = report.galleries
    curve = gallery.curve
    assert curve is not None
    assert curve.sizes == (130, 260, 520, 1040)
    assert curve.values[-1] == report["fid"].value
    assert list(curve.values) == sorted(curve.values, reverse=True)
    _, intercept = np.polyfit(1 / np.array(curve.sizes), curve.values, 1)
    assert curve.limit == pytest.approx(intercept, rel=1e-9)
    assert curve.limit < curve.values[-1]


def test_too_few_images_give_no_line() -> None:
    curve = gallery_of(FAKE, REAL).curve
    assert curve is not None
    assert curve.limit is None


def test_skipped_pictures_move_no_other(
    tmp_path: Path, write_pictures: Callable[[Path, npt.NDArray[np.uint8]], Path]
) -> None:
    folder = write_pictures(tmp_path / "fake", FAKE)
    damaged = folder / "00003.png"
    damaged.write_bytes(damaged.read_bytes()[:-60])
    gallery = gallery_of(folder, REAL)
    assert 3 not in [number(picture) for picture in gallery.pictures]
    assert any(number(picture) > 3 for picture in gallery.pictures)
    for picture in gallery.pictures:
        np.testing.assert_array_equal(pixels(picture), FAKE[number(picture)])


def test_large_pictures_become_small_and_keep_their_shape() -> None:
    gallery = gallery_of(blobs(8, seed=1, height=100, width=200), REAL)
    assert {(picture.width, picture.height) for picture in gallery.pictures} == {(64, 32)}
    assert pixels(gallery.pictures[0]).shape == (32, 64, 3)


def test_stored_statistics_have_no_pictures(tmp_path: Path) -> None:
    moments = features(REAL)
    np.savez(tmp_path / "real.npz", mu=moments.mean(axis=0), sigma=np.cov(moments.T))
    gallery = gallery_of(ganeval.Images(FAKE, name="fake"), tmp_path / "real.npz")
    assert gallery.neighbours == ()
    assert len(gallery.pictures) == 24
    assert gallery.curve is not None


class Restless(torch.utils.data.Dataset[torch.Tensor]):
    """A data set whose pictures are others in each pass over it."""

    def __init__(self) -> None:
        self.passes = self.last = 0

    def __len__(self) -> int:
        return 70

    def __getitem__(self, index: int) -> torch.Tensor:
        self.passes += index < self.last
        self.last = index
        return torch.full((3, 16, 16), (self.passes * 7 + index) % 256, dtype=torch.uint8)


def test_a_source_that_changes_is_refused() -> None:
    with pytest.raises(UnstableError, match="is not the picture that was scored"):
        report_on(Restless(), REAL)


def test_pictures_are_gathered_only_on_demand() -> None:
    report = ganeval.evaluate(
        sample=FAKE, reference=REAL, metrics=["fid"], extractor="random", cache=False
    )
    assert report.galleries == ()
