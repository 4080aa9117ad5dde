"""Perceptual path length: a linear generator's closed form, trimming, and its error."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
import torch

import ganeval
from ganeval.errors import InputError, UsageError
from ganeval.metrics.base import Score
from ganeval.metrics.path_length import PathLength
from tests.sources.arcs import between, draw_place, draws
from tests.summaries import InMemory, inputs

SIZE = 8
RUN = {"device": "cpu", "cache": False, "extractor": "random"}
MATRIX = np.random.default_rng(0).normal(0, 0.1, (3 * SIZE * SIZE, 8)).astype(np.float32)


class Toy(torch.nn.Module):
    """G(z) = A z."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (z @ torch.from_numpy(MATRIX).T).reshape(-1, 3, SIZE, SIZE)


def scored(text: str, prior: str = "normal", **options: Any) -> Any:
    generator = ganeval.Generator(
        Toy(), latent_size=8, value_range=(-3, 3), prior=prior, num_images=9
    )
    report = ganeval.evaluate(sample=generator, metrics=[text], **{**RUN, **options})
    (row,) = report.scores
    return row


def trimmed(values: npt.NDArray[np.float64]) -> float:
    """The mean without what lies beyond the 1st and the 99th hundredth, as StyleGAN's authors do.

    NVlabs/stylegan3, metrics/perceptual_path_length.py: percentiles with the interpolations
    "lower" and "higher", and all values from the one to the other.
    """
    ordered = np.sort(values)
    last = len(values) - 1
    low, high = ordered[int(np.floor(0.01 * last))], ordered[int(np.ceil(0.99 * last))]
    return float(np.mean([value for value in values if low <= value <= high]))


def length(step: npt.NDArray[np.float64], epsilon: float) -> float:
    """The distance of `pixels` for a step between latents, by epsilon^2."""
    difference = MATRIX.astype(float) @ step / 3  # on the scale of -1 to 1
    return float(difference @ difference) / epsilon**2


@pytest.mark.parametrize("places", ["full", "end"])
def test_paths_of_normal_latents_are_those_of_a_literal(places: str) -> None:
    """Path by path, from the latents of numpy and scipy's slerp."""
    num, epsilon = 250, 1e-3
    row = scored(f"ppl@pixels:num_paths={num}:epsilon={epsilon}:places={places}", seed=4)
    values = []
    for path in range(num):
        start, end = draws(4, 2 * path), draws(4, 2 * path + 1)
        at = draw_place(4, path) if places == "full" else 0.0
        step = between(start, end, at + epsilon) - between(start, end, at)
        values.append(length(step, epsilon))
    assert row.value == pytest.approx(trimmed(np.array(values)), rel=2e-4)
    assert row.details["untrimmed"] == pytest.approx(np.mean(values), rel=2e-4)
    assert row.num_sample == num
    assert row.extractor == "pixels"


def test_paths_of_uniform_latents_have_a_closed_form() -> None:
    """The step is epsilon (w - z), so the mean is 2/3 |A|^2 whatever epsilon is."""
    expected = 2 / 3 * np.square(MATRIX.astype(float) / 3).sum()
    for epsilon in (1e-3, 0.2):
        row = scored(f"ppl@pixels:num_paths=1000:epsilon={epsilon}", prior="uniform")
        assert row.details["untrimmed"] == pytest.approx(expected, rel=0.05)
        assert row.value < row.details["untrimmed"]


def of_paths(values: Any) -> Score:
    metric = PathLength(epsilon=0.5)
    rows = np.asarray(values, np.float32)[:, None] / 4  # times 1 / epsilon^2
    summary = InMemory(rows, noun="paths")
    (score,) = metric.compute(inputs(metric, {"sample": summary}), np.random.default_rng(0)).scores
    return score


@pytest.mark.parametrize("num", [2, 30, 100, 101, 102, 201, 1000, 1001])
def test_trimming_is_that_of_the_authors(num: int) -> None:
    values = np.random.default_rng(num).gamma(1, 8, num).astype(np.float32).astype(float)
    score = of_paths(values)
    assert score.value == pytest.approx(trimmed(values), rel=1e-12)
    by_rank = scipy.stats.trim_mean(values, int((num - 1) * 0.01) / num + 1e-12)
    assert score.value == pytest.approx(by_rank, rel=1e-12)
    assert score.details == {"untrimmed": pytest.approx(values.mean(), rel=1e-12)}
    left_out = int((num - 1) * 0.01)  # at each end, which count as the last that are kept
    ordered = np.sort(values)
    ordered[:left_out], ordered[num - left_out :] = ordered[left_out], ordered[num - left_out - 1]
    expected = ordered.std(ddof=1) / num**0.5 / (1 - 2 * left_out / num)
    assert score.se == (pytest.approx(expected, rel=1e-12) if num >= 30 else None)


def test_equal_values_are_kept() -> None:
    score = of_paths([8.0] * 300)
    assert (score.value, score.se) == (8, 0)


def test_the_error_is_the_spread_over_draws() -> None:
    """The values are long-tailed. The spread of 600 draws is known to 3 %."""
    rng = np.random.default_rng(1)
    drawn = [of_paths(rng.lognormal(0, 1.2, 400)) for _ in range(600)]
    errors: Any = [score.se for score in drawn]
    expected = np.std([score.value for score in drawn])
    assert np.mean(errors) == pytest.approx(expected, rel=0.1)
    untrimmed = np.std([score.details["untrimmed"] for score in drawn])
    assert untrimmed > 1.15 * expected  # which the error is not that of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ppl:num_paths=1", "ppl has num_paths=1; needed: at least 2; raise num_paths"),
        ("ppl:epsilon=0", "ppl has epsilon=0.0; needed: above 0 and below 1; change epsilon"),
        ("ppl:epsilon=1", "ppl has epsilon=1.0; "),
        ("ppl:places=start", "start"),
    ],
)
def test_options_out_of_their_range_are_refused(text: str, found: str) -> None:
    with pytest.raises(UsageError, match=found):
        scored(text)


def test_pictures_have_no_paths() -> None:
    pictures = np.zeros((5, 8, 8, 3), np.uint8)
    with pytest.raises(InputError, match="a source of kind memory, which has no latents"):
        ganeval.evaluate(sample=pictures, metrics=["ppl@pixels"], **RUN)
