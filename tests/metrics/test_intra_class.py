"""The Frechet distance within classes, against the literal mean of one for each class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats

from ganeval.errors import InputError
from ganeval.metrics.base import Score
from ganeval.metrics.intra_class import IntraFid
from tests.summaries import InMemory, inputs

Rows = npt.NDArray[np.float32]
Side = tuple[Rows, Sequence[str]]


def computed(sample: Side, reference: Side) -> Score:
    metric = IntraFid()
    roles = {
        role: InMemory(rows, labels=tuple(labels))
        for role, (rows, labels) in (("sample", sample), ("reference", reference))
    }
    (score,) = metric.compute(inputs(metric, roles), np.random.default_rng(0)).scores
    return score


def literal(one: Rows, other: Rows) -> float:
    """FID by the eigenvalues of the product of the covariances."""
    first, second = (np.cov(rows.astype(float), rowvar=False) for rows in (one, other))
    difference = one.astype(float).mean(axis=0) - other.astype(float).mean(axis=0)
    root = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0)).sum()
    return float(difference @ difference + np.trace(first + second) - 2 * root)


def classes(
    rng: np.random.Generator, nums: dict[str, int], width: int = 4, shift: float = 0.0
) -> Side:
    """Items of each class in a random order; classes differ in mean and scale."""
    rows, labels = [], []
    for at, (label, num) in enumerate(sorted(nums.items())):
        rows.append(rng.standard_normal((num, width)) * (1 + at / 2) + 3 * at + shift)
        labels += [label] * num
    order = rng.permutation(len(labels))
    return np.concatenate(rows)[order].astype(np.float32), [labels[at] for at in order]


NUMS = {"2": 30, "10": 40, "1": 50, "cat, big": 12}


def test_it_is_the_mean_of_the_distances_within_classes() -> None:
    rng = np.random.default_rng(0)
    sample = classes(rng, NUMS, shift=0.4)
    reference = classes(rng, {label: num + 9 for label, num in NUMS.items()})
    (rows, labels), (real, real_labels) = sample, reference
    expected = {
        one: literal(rows[np.array(labels) == one], real[np.array(real_labels) == one])
        for one in NUMS
    }
    score = computed(sample, reference)
    assert score.value == pytest.approx(np.mean(list(expected.values())), rel=1e-9)
    assert score.details["classes"] == 4
    assert score.details["fewest_of_a_class"] == 12
    worst = max(expected, key=expected.__getitem__)
    assert score.notes[0].startswith(f"largest of 4 classes: {worst} {expected[worst]:.4g}, ")
    pooled = literal(rows, real)
    assert score.value > 2 * pooled


def test_the_order_of_items_and_of_classes_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    sides = classes(rng, NUMS, shift=0.4), classes(rng, NUMS)
    one = computed(*sides)
    turned = [(rows[::-1].copy(), labels[::-1]) for rows, labels in sides]
    assert computed(*turned).value == pytest.approx(one.value, rel=1e-12)
    names = {"2": "b", "10": "c", "1": "a", "cat, big": "d"}
    renamed = [(rows, [names[label] for label in labels]) for rows, labels in sides]
    assert computed(*renamed).value == pytest.approx(one.value, rel=1e-12)


def test_another_class_for_some_items_changes_it() -> None:
    rng = np.random.default_rng(2)
    rows, labels = classes(rng, NUMS)
    reference = classes(rng, NUMS)
    other = ["10" if label == "2" else "2" if label == "10" else label for label in labels]
    assert computed((rows, other), reference).value > 2 * computed((rows, labels), reference).value


@pytest.mark.parametrize(
    ("of_sample", "of_reference", "found"),
    [
        (["a"] * 9, ["a"] * 5 + ["b"] * 4, "classes that only the reference has: b; "),
        (["b"] * 4 + ["a"] * 5, ["a"] * 9, "classes that only the sample has: b; "),
        (["1"] * 9, ["01"] * 9, "classes that only the sample has: 1; "),
        (list("aaaabcdef"), ["a"] * 9, "classes that only the sample has: b, c, d and 2 more; "),
        (["a"] * 8 + ["b"], ["a", "b", "b"] * 3, "class b of the sample: 1 image; "),
        (["a", "b", "b"] * 3, ["a"] * 8 + ["b"], "class b of the reference: 1 image; "),
    ],
)
def test_classes_that_do_not_fit_are_refused(
    of_sample: list[str], of_reference: list[str], found: str
) -> None:
    rows = np.random.default_rng(3).standard_normal((9, 2)).astype(np.float32)
    with pytest.raises(InputError) as error:
        computed((rows, of_sample), (rows, of_reference))
    assert str(error.value).startswith(found)
    assert "intra-fid" in str(error.value)


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_the_error_is_the_spread_and_intervals_cover(shift: float) -> None:
    """Classes of unequal numbers, in 3 dimensions; the smallest has 30 items."""
    rng, num_draws = np.random.default_rng(4), 200
    nums = {"a": 30, "b": 120, "c": 60}
    drawn = [
        computed(
            classes(rng, nums, width=3, shift=shift),
            classes(rng, {"c": 90, "a": 40, "b": 50}, width=3),
        )
        for _ in range(num_draws)
    ]
    true = 3 * shift**2  # in every class: the covariances are equal
    debiased = np.array([score.details["debiased"] for score in drawn])
    spread = debiased.std(ddof=1)
    assert debiased.mean() == pytest.approx(true, abs=3.5 * spread / num_draws**0.5 + 0.05 * spread)
    assert np.mean([score.value for score in drawn]) > true + spread
    # The variance of the draws is known up to this; within that the error's is 0.9 to 1.4 of it.
    low, high = scipy.stats.chi2.ppf([0.0005, 0.9995], num_draws - 1) / (num_draws - 1)
    errors: Any = [score.se for score in drawn]
    assert 0.9 * low < np.mean(np.square(errors)) / spread**2 < 1.4 * high
    # More miss on a side with probability 1e-3 if each does with 4 %.
    most = scipy.stats.binom.isf(1e-3, num_draws, 0.04)
    ends = np.array([score.interval for score in drawn])
    assert (ends[:, 0] > true).sum() <= most
    assert (ends[:, 1] < true).sum() <= most
    assert (ends[:, 0] >= 0).all()
    assert (ends[:, 0] < ends[:, 1]).all()


def test_few_items_of_a_class_have_no_error() -> None:
    rng = np.random.default_rng(5)

    def of(num: int, num_reference: int = 40) -> Score:
        sides = classes(rng, {"a": 40, "b": num}), classes(rng, {"a": 40, "b": num_reference})
        return computed(*sides)

    for score, fewest in ((of(7), 7), (of(40, 7), 7)):
        assert score.se is score.interval is score.influence is None
        assert list(score.cautions) == [f"{fewest} images in the smallest class for 4 dimensions"]
        assert score.details.keys() == {"classes", "fewest_of_a_class"}
    for score, fewest in ((of(8), 8), (of(19), 19), (of(40, 19), 19)):
        assert score.se is score.interval is None
        assert list(score.cautions) == [f"{fewest} images in the smallest class for 4 dimensions"]
        assert score.details["roughly_debiased"] < score.value
        assert score.influence is not None
    enough = of(20, 20)
    assert enough.details["debiased"] < enough.value
    assert enough.influence is not None
    assert enough.se == enough.influence.se
    assert list(enough.cautions) == ["the interval refers to infinitely many images"]
    assert abs(enough.influence.sample.mean()) < 1e-12


def test_the_error_is_that_of_independent_classes() -> None:
    rng = np.random.default_rng(6)
    sides = classes(rng, {"a": 50, "b": 90}, shift=0.4), classes(rng, {"a": 60, "b": 40})
    both = computed(*sides)
    alone = []
    for one in "ab":
        chosen = [
            (rows[np.array(labels) == one], [one] * labels.count(one)) for rows, labels in sides
        ]
        alone.append(computed(*chosen))
    assert both.value == pytest.approx(np.mean([score.value for score in alone]))
    first_orders = [score.influence.se for score in alone if score.influence is not None]
    assert both.influence is not None
    assert both.influence.se == pytest.approx(np.hypot(*first_orders) / 2, rel=0.02)


@pytest.mark.parametrize("apart", [True, False])
def test_the_error_over_clusters_is_the_spread(apart: bool) -> None:
    """80 draws of two classes in 2 dimensions, each item three times, of laws well apart.

    With `apart` the copies of an item are of one class; else each item is in both classes, so that
    these are dependent too. The spread of 80 draws is known within 8 %.
    """
    rng, values, clustered, naive = np.random.default_rng(8), [], [], []
    clusters = np.tile(np.arange(100), 3)
    labels = (["a"] * 50 + ["b"] * 50) * 3 if apart else ["a"] * 100 + ["b"] * 100 + ["a"] * 100
    metric = IntraFid()
    for _ in range(80):
        sides = {"sample": rng.standard_normal((100, 2)) * 1.3 + 1.0}
        sides["reference"] = rng.standard_normal((100, 2))
        for errors, known in ((clustered, clusters), (naive, None)):
            given = {
                role: InMemory(
                    np.tile(rows, (3, 1)).astype(np.float32), labels=tuple(labels), clusters=known
                )
                for role, rows in sides.items()
            }
            (score,) = metric.compute(inputs(metric, given), np.random.default_rng(0)).scores
            assert score.se is not None
            errors.append(score.se)
            if known is not None:
                values.append(score.details["debiased"])
                assert score.influence is not None
                assert score.influence.sample.shape == (100,)
    spread = np.std(values, ddof=1)
    assert np.sqrt(np.mean(np.square(clustered))) / spread == pytest.approx(1.05, abs=0.2)
    assert np.sqrt(np.mean(np.square(naive))) / spread < 0.75


def test_few_clusters_of_a_class_have_no_error() -> None:
    rng = np.random.default_rng(9)
    labels = ("a", "b") * 30
    for num, has_error in ((15, True), (6, False)):
        known = np.arange(60) % (2 * num) // 2 * 2 + np.arange(60) % 2  # num clusters of each class
        roles = {
            role: InMemory(
                rng.standard_normal((60, 2)).astype(np.float32), labels=labels, clusters=known
            )
            for role in ("sample", "reference")
        }
        metric = IntraFid()
        (score,) = metric.compute(inputs(metric, roles), rng).scores
        assert (score.se is not None) == has_error
        if not has_error:
            assert "6 clusters of images in the smallest class for 2 dimensions" in score.cautions
