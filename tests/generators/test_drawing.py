"""Latents and labels, against scipy's distributions."""

import numpy as np
import pytest
import torch
from scipy import stats

from ganeval.errors import UsageError
from ganeval.generators.drawing import Drawing


def drawn(num: int, **options: object) -> np.ndarray:
    return Drawing(latent_size=16, **options).latents(range(num)).numpy()  # type: ignore[arg-type]


@pytest.mark.parametrize("psi", [0.3, 1.0, 2.5])
def test_truncated_latents_have_the_truncated_normal_distribution(psi: float) -> None:
    latents = drawn(1000, truncation=psi)
    assert np.abs(latents).max() <= psi
    assert stats.kstest(latents.ravel(), stats.truncnorm(-psi, psi).cdf).pvalue > 0.01
    for column in latents.T[:4]:  # the coordinates that are drawn again often or rarely alike
        assert stats.kstest(column, stats.truncnorm(-psi, psi).cdf).pvalue > 0.001


def test_priors_are_what_they_are_called() -> None:
    assert stats.kstest(drawn(1000).ravel(), stats.norm.cdf).pvalue > 0.01
    uniform = drawn(1000, prior="uniform").ravel()
    assert stats.kstest(uniform, stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_truncation_redraws_only_what_is_beyond_it() -> None:
    free, truncated = drawn(200), drawn(200, truncation=2.0)
    within = np.abs(free) <= 2.0
    assert 0.9 < within.mean() < 1.0
    np.testing.assert_array_equal(truncated[within], free[within])
    assert (truncated[~within] != free[~within]).all()


def test_a_sample_depends_on_its_seed_and_number_alone() -> None:
    drawing = Drawing(latent_size=16, truncation=0.5, num_classes=7, seed=3)
    whole, labels = drawing.latents(range(20)), drawing.labels(range(20))
    assert torch.equal(drawing.latents([13, 4]), whole[[13, 4]])
    assert labels is not None
    assert torch.equal(drawing.labels([13, 4]), labels[[13, 4]])  # type: ignore[arg-type]
    assert not torch.equal(drawn_with_seed(4), drawn_with_seed(3))


def drawn_with_seed(seed: int) -> torch.Tensor:
    return Drawing(latent_size=16, truncation=0.5, seed=seed).latents(range(20))


def test_labels_follow_their_policy() -> None:
    uniform = Drawing(latent_size=1, num_classes=5).labels(range(5000))
    balanced = Drawing(latent_size=1, num_classes=5, label_policy="balanced").labels(range(12))
    assert uniform is not None
    assert balanced is not None
    assert stats.chisquare(torch.bincount(uniform)).pvalue > 0.01
    assert balanced.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"truncation": 0.0}, "at least 0.01"),
        ({"truncation": -1.0}, "at least 0.01"),
        ({"truncation": float("nan")}, "at least 0.01"),
        ({"truncation": 0.5, "prior": "uniform"}, "the normal prior"),
    ],
)
def test_truncations_that_mean_nothing(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        drawn(1, **options)


def test_every_option_is_recorded() -> None:
    settings = Drawing(latent_size=3, truncation=0.7, num_classes=2).settings()
    assert settings["truncation"] == 0.7
    assert settings["label_policy"] == "uniform"
    assert set(settings) == set(Drawing.__slots__)
