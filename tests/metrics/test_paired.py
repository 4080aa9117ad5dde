"""PSNR and SSIM against scikit-image, pair by pair."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import ganeval
from ganeval.errors import InputError, UnstableError
from ganeval.machine.progress import SCORES_OF
from ganeval.metrics.base import Result
from ganeval.metrics.paired import Psnr, Ssim
from ganeval.metrics.parts.per_item import NUM_WORST, worst_pairs
from tests.pictures import blobs
from tests.summaries import InMemory, inputs

Levels = npt.NDArray[np.uint8]
RUN = {"extractor": "random", "device": "cpu", "cache": False, "pair_by": "index"}


def noisy(pictures: Levels, seed: int = 0) -> Levels:
    """Return pictures with noise, more in each one."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=pictures.shape) * np.linspace(1, 40, len(pictures))[:, None, None, None]
    return np.clip(np.rint(pictures + noise), 0, 255).astype(np.uint8)


def psnr_of(one: Levels, other: Levels) -> list[float]:
    with np.errstate(divide="ignore"):
        return [
            peak_signal_noise_ratio(real, made, data_range=255)
            for real, made in zip(other, one, strict=True)
        ]


def ssim_of(one: Levels, other: Levels) -> list[float]:
    return [
        structural_similarity(
            *pair,
            channel_axis=2,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for pair in zip(one, other, strict=True)
    ]


def test_scores_are_the_means_of_scikit_image() -> None:
    reference = blobs(34, seed=1)
    sample = noisy(reference)
    report = ganeval.evaluate(sample=sample, reference=reference, metrics=["psnr", "ssim"], **RUN)
    for name, values in (
        ("psnr", psnr_of(sample, reference)),
        ("ssim", ssim_of(sample, reference)),
    ):
        row = report[name]
        assert row.value == pytest.approx(np.mean(values), rel=1e-6)
        assert row.se == pytest.approx(np.std(values, ddof=1) / 34**0.5, rel=1e-5)
        low, high = row.interval
        assert (low + high) / 2 == pytest.approx(row.value)
        assert high - low == pytest.approx(2 * 1.96 * row.se)
        assert row.num_sample == 34
        assert row.extractor == "pixels"


def test_identical_pairs_are_counted_and_left_out() -> None:
    reference = blobs(40, seed=1)
    sample = noisy(reference)
    sample[[3, 5, 39]] = reference[[3, 5, 39]]
    values = np.array(psnr_of(sample, reference))
    assert np.isinf(values).sum() == 3
    report = ganeval.evaluate(sample=sample, reference=reference, metrics=["psnr", "ssim"], **RUN)
    row = report["psnr"]
    assert row.value == pytest.approx(values[np.isfinite(values)].mean(), rel=1e-6)
    assert row.details == {"left_out": 3}
    assert row.cautions == {"3 of 40 pairs are identical": "left out of the mean of psnr"}
    assert report["ssim"].value == pytest.approx(np.mean(ssim_of(sample, reference)), rel=1e-6)


@pytest.mark.parametrize(
    ("num_differ", "found"),
    [(0, "all 12 pairs are identical; "), (1, "11 of 12 pairs are identical; ")],
)
def test_pairs_that_are_all_identical_are_an_error(num_differ: int, found: str) -> None:
    reference = blobs(12, seed=1)
    sample = reference.copy()
    sample[:num_differ] ^= 1
    with pytest.raises(InputError) as error:
        ganeval.evaluate(sample=sample, reference=reference, metrics=["psnr"], **RUN)
    assert str(error.value).startswith(found)
    row = ganeval.evaluate(sample=sample, reference=reference, metrics=["ssim"], **RUN)["ssim"]
    assert row.value == pytest.approx(1, abs=1e-3)


def of_pairs(metric: Psnr | Ssim, values: Any) -> Result:
    """What a metric makes of what the comparer says of each pair."""
    rows = np.asarray(values, np.float32)[:, None]
    summary = InMemory(rows, noun="pairs")
    return metric.compute(inputs(metric, {"sample": summary}), np.random.default_rng(0))


def test_a_pair_has_a_value_of_its_own() -> None:
    errors = [4.0, 0.0, 65025.0, 650.25]
    result = of_pairs(Psnr(), errors)
    np.testing.assert_allclose(
        result.per_item["psnr"], [20 * np.log10(255 / 2), np.nan, 0, 20], rtol=1e-6
    )
    (score,) = result.scores
    assert (score.se, score.interval, score.influence) == (None, None, None)
    assert score.cautions["3 pairs"] == "too few for an interval (30 are needed)"
    np.testing.assert_array_equal(
        of_pairs(Ssim(), [0.5, -0.25, 1]).per_item["ssim"], [0.5, -0.25, 1]
    )


def test_identical_pairs_add_nothing_to_the_error_of_psnr() -> None:
    (score,) = of_pairs(Psnr(), [0.0, *range(1, 41)]).scores
    assert score.influence is not None
    assert score.influence.sample[0] == 0
    assert abs(score.influence.sample.mean()) < 1e-12


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_error_of_psnr_is_the_spread_over_draws(share: float) -> None:
    """With a random number of identical pairs too. The spread of 500 draws is known to 3 %."""
    rng = np.random.default_rng(6)
    drawn = []
    for _ in range(500):
        errors = rng.gamma(2, 40, 90) * (rng.random(90) >= share)
        drawn.append(of_pairs(Psnr(), errors).scores[0])
    errors_found: Any = [score.se for score in drawn]
    expected = np.std([score.value for score in drawn])
    assert np.mean(errors_found) == pytest.approx(expected, rel=0.1)


def test_the_error_of_ssim_is_the_spread_over_draws() -> None:
    rng = np.random.default_rng(7)
    drawn = [of_pairs(Ssim(), rng.beta(8, 2, 50)).scores[0] for _ in range(500)]
    found: Any = [score.se for score in drawn]
    assert np.mean(found) == pytest.approx(np.std([score.value for score in drawn]), rel=0.1)


def test_names_pair_and_not_the_order(write_pictures: Any, tmp_path: Any) -> None:
    """A file that is missing on one side shifts the order of the others."""
    reference = blobs(12, seed=1)
    sample = noisy(reference)
    folders = (
        write_pictures(tmp_path / "fake", sample),
        write_pictures(tmp_path / "real", reference),
    )
    (folders[1] / "00003.png").unlink()
    kept = [at for at in range(12) if at != 3]
    expected = np.mean(np.array(psnr_of(sample, reference))[kept])
    options = {**RUN, "pair_by": "name"}
    row = ganeval.evaluate(sample=folders[0], reference=folders[1], metrics=["psnr"], **options)[
        "psnr"
    ]
    assert row.value == pytest.approx(expected, rel=1e-6)
    assert (row.num_sample, row.num_reference) == (11, 11)
    assert row.reference == str(folders[1])


def test_the_worst_pairs_are_named_and_shown(write_pictures: Any, tmp_path: Any) -> None:
    reference = blobs(12, seed=1)
    sample = noisy(reference, seed=2)[np.random.default_rng(0).permutation(12)]
    folders = (
        write_pictures(tmp_path / "fake", sample),
        write_pictures(tmp_path / "real", reference),
    )
    (folders[1] / "00003.png").unlink()
    options: Any = {**RUN, "pair_by": "name", "gallery": True}
    report = ganeval.evaluate(
        sample=folders[0], reference=folders[1], metrics=["psnr", "ssim"], **options
    )
    for name, values in (
        ("psnr", psnr_of(sample, reference)),
        ("ssim", ssim_of(sample, reference)),
    ):
        order = [int(at) for at in np.argsort(values) if at != 3][:NUM_WORST]
        (found,) = (one for key, one in report.items.items() if key.label == name)
        worst = found.evidence["worst pairs"]
        assert worst.title == f"pairs with the lowest {name}"
        assert worst.roles == ("sample", "reference")
        assert worst.names == tuple((f"{at:05}.png", f"{at:05}.png") for at in order)
        assert worst.values == pytest.approx([values[at] for at in order], rel=1e-6)
        for at, (one, other) in zip(order, worst.pictures, strict=True):
            for shown, pictures in ((one, sample), (other, reference)):
                pixels = np.asarray(PIL.Image.open(io.BytesIO(shown.data)))
                assert np.array_equal(pixels, pictures[at])


def test_the_worst_of_a_distance_are_the_highest_and_identical_pairs_are_not_shown() -> None:
    kind = replace(Psnr.kinds[0], name="d", direction="lower")
    (found,) = worst_pairs(kind, np.array([1.0, np.nan, 3.0, 2.0])).values()
    assert found.rows.tolist() == [[2, 2], [3, 3], [0, 0]]
    assert found.values.tolist() == [3.0, 2.0, 1.0]
    assert found.title == "pairs with the highest d"
    (found,) = worst_pairs(Psnr.kinds[0], np.array([1.0, np.nan, 3.0, 2.0])).values()
    assert found.values.tolist() == [1.0, 2.0, 3.0]


def test_a_pair_that_is_another_one_by_now_is_not_shown(write_pictures: Any, tmp_path: Any) -> None:
    reference = blobs(4, seed=1)
    folders = [
        write_pictures(tmp_path / name, one)
        for name, one in (("fake", noisy(reference)), ("real", reference))
    ]
    options: Any = {**RUN, "pair_by": "name", "gallery": True}

    def change(what: str, *_: int) -> None:
        if what.startswith(SCORES_OF):  # everything has been read
            write_pictures(tmp_path / "other", blobs(4, seed=2))
            (tmp_path / "other" / "00002.png").replace(folders[1] / "00002.png")

    with pytest.raises(UnstableError, match="is not the pair of pictures that was scored"):
        ganeval.evaluate(
            sample=folders[0],
            reference=folders[1],
            metrics=["psnr"],
            progress=change,
            **options,
        )


def test_a_page_shows_scored_pairs_alone(write_pictures: Any, tmp_path: Any) -> None:
    """A picture without a partner, or one that was skipped, is not decoded for the page."""
    reference = blobs(6, seed=1)
    folders = [
        write_pictures(tmp_path / name, one)
        for name, one in (("fake", noisy(reference)), ("real", reference))
    ]
    (folders[0] / "00001.png").write_bytes((folders[0] / "00001.png").read_bytes()[:60])
    (folders[0] / "other.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    report = ganeval.evaluate(
        sample=folders[0],
        reference=folders[1],
        metrics=["psnr"],
        gallery=True,
        on_bad_image="skip",
        max_bad=0.5,
        **{**RUN, "pair_by": "name"},
    )
    assert report["psnr"].num_sample == 5
    (gallery,) = report.galleries
    shown = {picture.name for picture in gallery.pictures}
    assert shown == {f"{at:05}.png" for at in (0, 2, 3, 4, 5)}
    (skipped,) = report.provenance["pairings"][str(folders[0])]["skipped"]
    assert "00001.png" in skipped
