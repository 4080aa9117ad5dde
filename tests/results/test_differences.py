"""Differences between scores: calibrated over draws, comparable or refused."""

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from ganeval.errors import MismatchError, UsageError
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet import Fid
from ganeval.metrics.frechet_limit import FidDebiased
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import PrecisionRecall
from ganeval.report.letters import letters
from ganeval.report.notes import cautions, notes
from ganeval.scores.difference import Difference, holm, with_error
from ganeval.scores.differences import Measured, difference
from ganeval.scores.identity import same_latents
from ganeval.scores.influence import Influence
from ganeval.scores.power import Variances
from tests.results.rows import kind_of, row_of
from tests.summaries import InMemory, inputs

WIDTH = 8
REFERENCE = {"digest": "sha256:1"}
GENERATOR = {
    "kind": "generator",
    "count": 100,
    "used": 100,
    "settings": {"seed": 0, "prior": "normal", "latent_size": 8},
}


def normal(rng: np.random.Generator, num: int) -> Any:
    return rng.standard_normal((num, WIDTH)).astype(np.float32)


def measure(
    metric: Metric, sample: Any, reference: Any, name: str = "a", source: Any = None
) -> Measured:
    """Score a sample as a report would."""
    summaries: Any = {"sample": InMemory(sample), "reference": InMemory(reference)}
    result = metric.compute(inputs(metric, summaries), np.random.default_rng(0))
    score = result.scores[0]
    row = row_of(
        score.name,
        kind=score.kind,
        sample=name,
        value=score.value,
        se=score.se,
        interval=score.interval,
        num_sample=len(sample),
        num_reference=len(reference),
        details=score.details,
    )
    others = {"reference": REFERENCE}
    return Measured(row=row, influence=score.influence, source=source or {}, others=others)


@pytest.mark.parametrize("metric", [Fid(), FidDebiased(), Kid()], ids=["fid", "debiased", "kid"])
def test_no_difference_raises_an_alarm_in_a_trial_of_twenty(metric: Metric) -> None:
    # 300 trials at 5 %: more than 28 alarms have probability 1e-3 (binomial); 2 more for the normal
    # approximation. The standard deviation of 300 draws has an error of 4 %.
    rng = np.random.default_rng(1)
    trials, alarms, errors, values = 300, 0, [], []
    num = 400 if metric == Kid() else 80
    for _ in range(trials):
        reference, one, other = normal(rng, num), normal(rng, num) + 0.5, normal(rng, num) + 0.5
        found = difference(measure(metric, one, reference), measure(metric, other, reference, "b"))
        assert found.p_value is not None
        alarms += found.p_value < 0.05
        errors.append(found.se)
        values.append(found.difference)
    assert alarms <= 30
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)
    assert found.detectable == found.precision.detectable(0.025)


def known(difference: float, values: tuple[float, float], variances: Variances) -> Difference:
    """A difference of squared distances with its error."""
    return with_error(
        Difference(
            label="kid",
            sample="a",
            other="b",
            difference=difference,
            values=values,
            variances=variances,
            grows=True,
            method="influence",
        )
    )


@pytest.mark.parametrize("num_pairs", [1, 3, 10])
def test_an_effect_of_the_detectable_size_is_seen_four_times_in_five(num_pairs: int) -> None:
    """Holm's test over all pairs; the other pairs do not differ at all.

    A share of 2000 trials at 0.8 is within 0.03 but once in 1000; Holm's later steps and the
    chance of the other side add to it, never take from it.
    """
    rng = np.random.default_rng(num_pairs)
    variances = Variances(one=0.04, other=0.04, reference=0.01)
    nothing = known(0.0, (10.0, 10.0), variances)
    (first, *_) = holm([nothing] * num_pairs)
    assert first.detectable is not None
    z = scipy.stats.norm.ppf(1 - 0.025 / num_pairs) + scipy.stats.norm.ppf(0.8)
    assert first.detectable == pytest.approx(z * 0.3, rel=0.06)  # it grows with the distance
    seen = 0
    one = rng.normal(10 + first.detectable, math.sqrt(0.04 * (10 + first.detectable) / 10), 2000)
    other, shared = rng.normal(10, 0.2, 2000), rng.normal(0, 0.1, 2000)
    for mine, others, noise in zip(one, other, shared, strict=True):
        value = mine + noise
        errors = dataclasses.replace(variances, one=0.04 * value / 10)
        found = holm([known(value - others, (value, others), errors), *[nothing] * (num_pairs - 1)])
        assert found[0].p_adjusted is not None
        seen += found[0].p_adjusted < 0.05
    assert seen / 2000 == pytest.approx(0.8, abs=0.03)


def test_the_detectable_size_of_kid_is_seen_four_times_in_five_on_features() -> None:
    # 200 trials of power 0.8: fewer than 142 or more than 177 seen with probability 2e-3.
    rng = np.random.default_rng(2)
    seen, shift, num = 0, 0.08, 400
    sizes, detectable = [], []
    for _ in range(200):
        reference, one, other = normal(rng, num), normal(rng, num) + 0.5, normal(rng, num) + 0.5
        found = difference(
            measure(Kid(), one + shift, reference), measure(Kid(), other, reference, "b")
        )
        assert found.p_value is not None
        assert found.values is not None
        seen += found.difference > 0 and found.p_value < 0.05
        sizes.append(found.difference)
        # As it would be of the same distances.
        detectable.append(found.detectable)
    ratio = np.mean(sizes) / np.mean(detectable)
    assert 0.9 < ratio < 1.1, "the effect is about what the error says is detectable"
    assert 142 <= seen <= 177


@pytest.mark.parametrize("metric", [Fid(), Kid()], ids=["fid", "kid"])
def test_shared_latents_and_a_shared_reference_make_the_error_smaller(metric: Metric) -> None:
    rng = np.random.default_rng(3)
    values, errors, unpaired, separate = [], [], [], []
    num = 200 if metric == Kid() else 80
    for _ in range(200):
        reference, latents = normal(rng, num), normal(rng, num)
        sides = [
            measure(metric, latents + 0.6, reference, "a", GENERATOR),
            measure(metric, 1.02 * latents + 0.62, reference, "b", GENERATOR),
        ]
        found = difference(*sides)
        assert found.paired
        values.append(found.difference)
        errors.append(found.se)
        unpaired.append(difference(*sides, paired=False).se)
        separate.append(np.hypot(sides[0].row.se or 0.0, sides[1].row.se or 0.0))
    # The standard deviation of 200 draws has an error of 5 %.
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.2)
    assert np.mean(unpaired) > 5 * np.mean(errors)
    assert np.mean(separate) > 1.1 * np.mean(unpaired)


def test_what_fid_is_allowed_to_decide() -> None:
    rng = np.random.default_rng(4)
    reference = normal(rng, 100)
    scores = {
        num: measure(Fid(), normal(rng, num) + 0.5, reference) for num in (12, 20, 21, 45, 60)
    }
    twin = measure(Fid(), normal(rng, 20) + 0.5, reference, "b")
    few = difference(scores[20], twin)
    # From 2 images per dimension a change can be shown, and none be excluded; from 5 both.
    rough = [one.row.details["roughly_debiased"] for one in (scores[20], twin)]
    removed = [one.row.value - value for one, value in zip((scores[20], twin), rough, strict=True)]
    assert (few.method, few.excludes, few.difference) == ("debiased", False, rough[0] - rough[1])
    assert few.bias_left == 0.5 * abs(removed[0] - removed[1]) > 0
    assert few.p_value is not None
    for pair in ((scores[20], scores[21]), (scores[20], scores[60])):
        assert not difference(*pair).excludes
    as_it_is = difference(scores[20], twin, as_they_are=True)
    assert (as_it_is.method, as_it_is.excludes) == ("equal-numbers", True)
    assert as_it_is.difference == scores[20].row.value - twin.row.value
    for options in ({}, {"as_they_are": True}):
        none = difference(scores[12], scores[12], **options)
        assert none.se is none.interval is none.p_value is none.detectable is None
        assert none.method == "none"
        assert "kid" in none.notes[0]
    many = difference(scores[45], scores[60])
    assert (many.method, many.excludes) == ("debiased", True)
    debiased = [scores[num].row.details["debiased"] for num in (45, 60)]
    assert many.difference == debiased[0] - debiased[1]
    removed = [scores[num].row.value - scores[num].row.details["debiased"] for num in (45, 60)]
    assert many.bias_left == 0.05 * abs(removed[0] - removed[1]) > 0
    assert many.se is not None
    # Satterthwaite's degrees of freedom: of 45, 60 and 100 images.
    mine, others = (scores[num].influence for num in (45, 60))
    assert mine is not None
    assert others is not None
    assert mine.reference is not None
    assert others.reference is not None
    sides = (mine.sample, others.sample, mine.reference - others.reference)
    parts = np.array([side.var(ddof=1) / len(side) for side in sides])
    df = parts.sum() ** 2 / np.sum(parts**2 / [44, 59, 99])
    assert many.df == pytest.approx(df)
    half_width = scipy.stats.t.ppf(0.975, df) * many.se + many.bias_left
    assert many.interval == pytest.approx(
        (many.difference - half_width, many.difference + half_width)
    )
    assert many.detectable == many.precision.detectable(0.025)
    beyond = max(abs(many.difference) - many.bias_left, 0)
    assert many.p_value == pytest.approx(2 * scipy.stats.t.sf(beyond / many.se, df))


def test_below_2_images_per_dimension_an_extrapolated_value_is_compared_no_more_than_fid() -> None:
    rng = np.random.default_rng(12)
    reference = normal(rng, 100)
    for num, method, excludes in ((15, "none", True), (20, "debiased", False)):
        one = measure(FidDebiased(), normal(rng, num) + 0.5, reference)
        other = measure(FidDebiased(), normal(rng, num) + 5.0, reference, "b")
        found = difference(one, other)
        assert (found.method, found.excludes, found.p_value is None) == (
            *(method, excludes),
            method == "none",
        )


def test_differences_of_extrapolated_values_allow_for_what_is_left_of_their_biases() -> None:
    rng = np.random.default_rng(11)
    reference = normal(rng, 100)
    samples = [normal(rng, num) + 0.5 for num in (45, 60)]
    found = difference(*[measure(FidDebiased(), rows, reference) for rows in samples])
    of_fid = difference(*[measure(Fid(), rows, reference) for rows in samples])
    assert (found.method, of_fid.method) == ("debiased", "debiased")
    assert found.bias_left == pytest.approx(of_fid.bias_left) != 0
    assert found.p_value == pytest.approx(of_fid.p_value)


def test_other_scores() -> None:
    rng = np.random.default_rng(5)
    reference = normal(rng, 300)
    sides = [measure(PrecisionRecall(), normal(rng, 300), reference) for _ in range(2)]
    found = difference(*sides)
    assert (found.method, found.df) == ("blocks", 15)
    one, another = sides
    assert one.influence is not None
    assert another.influence is not None
    # Block by block, so that what a block of the reference adds to both cancels.
    variances = [
        np.var(mine - others, ddof=1) / len(mine)
        for mine, others in zip(one.influence.sample, another.influence.sample, strict=True)
    ]
    assert len(variances) > 1
    assert found.se == pytest.approx(np.sqrt(np.mean(variances)))
    other = measure(PrecisionRecall(), normal(rng, 301), reference)
    assert "equal numbers" in difference(sides[0], other).notes[0]
    few = measure(PrecisionRecall(), normal(rng, 299), reference)
    assert difference(few, few).notes == ("not both have a standard error",)
    # An older version knows the errors of each score only.
    row = dataclasses.replace(one.row, kind=kind_of("precision", error="jackknife"))
    old = dataclasses.replace(one, row=row, influence=None)
    for pair in ((old, another), (another, old), (old, old)):
        found = difference(*pair)
        assert (found.method, found.df) == ("jackknife", None)
        assert found.se == pytest.approx(np.hypot(*[side.row.se or 0.0 for side in pair]))
    bare = dataclasses.replace(measure(Kid(), normal(rng, 200), normal(rng, 200)), influence=None)
    assert "influence values are not stored" in difference(bare, bare).notes[0]


def test_pairs_have_equal_numbers() -> None:
    rng = np.random.default_rng(10)
    reference = normal(rng, 200)
    sides = [measure(Kid(), normal(rng, num), reference) for num in (200, 201)]
    assert not difference(*sides).paired
    with pytest.raises(UsageError, match="different numbers of images"):
        difference(*sides, paired=True)


def test_equal_samples_differ_by_nothing() -> None:
    rng = np.random.default_rng(6)
    side = measure(Kid(), normal(rng, 200), normal(rng, 200))
    found = difference(side, side, paired=True)
    assert (found.difference, found.se, found.p_value) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extractor": "inception"}, "extractor is random for a and inception for a"),
        ({"protocol": "clean-fid"}, "protocol is standard for a and clean-fid for a"),
        ({"options": {"k": 5}}, "options of kid is"),
        ({"kind": kind_of("fid")}, "metric is kid for a and fid for a"),
    ],
)
def test_scores_under_other_conditions_are_refused(change: dict[str, Any], message: str) -> None:
    rng = np.random.default_rng(7)
    side = measure(Kid(), normal(rng, 50), normal(rng, 50))
    other = dataclasses.replace(side, row=dataclasses.replace(side.row, **change))
    with pytest.raises(MismatchError, match=message):
        difference(side, other)
    with pytest.raises(MismatchError, match="real: the images are others for a"):
        difference(side, dataclasses.replace(side, others={"reference": {"digest": "sha256:2"}}))


def test_a_reference_is_what_the_score_used_of_it() -> None:
    rng = np.random.default_rng(9)
    rows = normal(rng, 60)
    stats = {"digest": "sha256:s", "used_for": ["fid"]}
    for metric, known, other in (
        (Fid(), {"digest": None, "stats": stats}, {"digest": "sha256:1", "stats": stats}),
        (Kid(), {"digest": "sha256:1", "stats": stats}, {"digest": "sha256:1"}),
    ):
        side = measure(metric, normal(rng, 60), rows)
        sides = [dataclasses.replace(side, others={"reference": one}) for one in (known, other)]
        assert difference(*sides).difference == 0
    side = measure(Fid(), normal(rng, 60), rows)
    sides = [
        dataclasses.replace(side, others={"reference": one})
        for one in (REFERENCE, {"stats": stats})
    ]
    with pytest.raises(MismatchError, match="real: the images are others for a"):
        difference(*sides)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"kind": "folder"}, False),
        ({"count": 99}, False),
        ({"used": 99}, False),
        ({"settings": {**GENERATOR["settings"], "seed": 1}}, False),  # type: ignore[dict-item]
        ({"settings": {**GENERATOR["settings"], "latent_size": 9}}, False),  # type: ignore[dict-item]
        ({"settings": {**GENERATOR["settings"], "image_layout": "x"}}, True),  # type: ignore[dict-item]
    ],
)
def test_generators_share_their_latents_if_all_of_their_drawing_is_the_same(
    change: dict[str, Any], same: bool
) -> None:
    assert same_latents(GENERATOR, {**GENERATOR, **change}) == same


def pair(one: str, other: str, p_value: float | None) -> Difference:
    return Difference(
        label="kid", sample=one, other=other, difference=0.0, p_value=p_value, method="influence"
    )


def test_holm_equals_its_definition() -> None:
    given_values = (0.01, None, 0.04, 0.03, 0.005)
    found = [one.p_adjusted for one in holm([pair("a", "b", value) for value in given_values])]
    assert found == [pytest.approx(0.03), None, 0.06, 0.06, pytest.approx(0.02)]
    assert holm([pair("a", "b", 0.7), pair("a", "c", 0.6)])[0].p_adjusted == 1.0


@given(data=st.data(), num=st.integers(1, 6))
def test_letters_are_shared_by_those_not_told_apart(data: st.DataObject, num: int) -> None:
    names = [f"sample {at}" for at in range(num)]
    pairs = [
        dataclasses.replace(pair(one, other, 0.5), p_adjusted=value)
        for one, other in itertools.combinations(names, 2)
        for value in [data.draw(st.sampled_from([0.01, 0.5, None]))]
    ]
    given_letters = letters(names, pairs)
    assert given_letters[names[0]][0] == "a"
    for one in pairs:
        apart = one.p_adjusted is not None and one.p_adjusted < 0.05
        shared = set(given_letters[one.sample]) & set(given_letters[one.other])
        assert bool(shared) != apart


def test_each_of_many_groups_has_a_letter() -> None:
    """Marks such as `|` would be taken for the border of a cell."""
    names = [f"sample {at}" for at in range(60)]
    pairs = [
        dataclasses.replace(pair(one, other, 0.5), p_adjusted=0.01)
        for one, other in itertools.combinations(names, 2)
    ]
    found = list(letters(names, pairs).values())
    assert len(set(found)) == 60
    assert all(len(text) == 1 and text.isalpha() for text in found)


def test_influences_of_a_stored_reference_leave_its_noise_out() -> None:
    rng = np.random.default_rng(8)
    values = rng.standard_normal((2, 50))
    sides = [
        dataclasses.replace(
            measure(Kid(), normal(rng, 200), normal(rng, 200)), influence=Influence(sample=one)
        )
        for one in values
    ]
    found = difference(*sides)
    assert found.se == pytest.approx(np.sqrt(values.var(axis=1, ddof=1).sum() / 50))


def test_a_note_of_every_pair_is_said_once() -> None:
    scarce = "not both have a standard error"
    pairs = [
        dataclasses.replace(pair(*names, None), notes=said)
        for names, said in (
            (("a", "b"), (scarce,)),
            (("a", "c"), (scarce, "another")),
            (("b", "c"), (scarce,)),
        )
    ]
    calls = {"a": "A", "b": "B", "c": "C"}
    assert cautions((), pairs, calls) == [f"every pair: {scarce}", "A - C: another"]
    assert notes((), pairs, calls) == []
    known = [dataclasses.replace(one, p_value=0.5) for one in pairs]
    assert cautions((), known, calls) == []
    assert notes((), known, calls) == [f"every pair: {scarce}", "A - C: another"]
    assert cautions((), (), {}) == notes((), (), {}) == []
