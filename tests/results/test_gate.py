"""The gate on reports: its rates of error, pairing, who decides, and what it refuses."""

import copy
import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ganeval.errors import MismatchError, UsageError
from ganeval.gate.gate import Verdict, check
from ganeval.gate.limits import parse_limits
from ganeval.metrics.frechet import Fid
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import PrecisionRecall
from ganeval.report.report import Report
from tests.results.gate_runs import accepted, normal, report

WIDTH, NUM, TRIALS = 4, 200, 200
FAR = 1.0  # squared distance of the baseline's population
MDE_FACTOR = float(stats.norm.ppf(0.95) + stats.norm.ppf(0.8))
BOTH = (Fid(), Kid())
REFERENCE = normal(NUM, WIDTH, 1)
DRAWN = {"seed": 0, "latent_size": 8, "prior": "normal", "num_classes": None}


def gate(
    run: Report, baseline: Report, limits: str = "fid=2%", alpha: float = 0.05, **options: Any
) -> Verdict:
    return check(run, accepted(baseline), parse_limits([limits]), alpha, **options)


def outcomes(
    *,
    distance: float,
    limits: str,
    metric: Any,
    num_baseline: int = NUM,
    seed: int = 0,
    **options: Any,
) -> Counter[str]:
    """Count the answers for independent pairs of a baseline and a run, references drawn again."""
    found: Counter[str] = Counter()
    for trial in range(TRIALS):
        seeds = [int(one) for one in np.random.SeedSequence([seed, trial]).generate_state(3)]
        reference = normal(NUM, WIDTH, seeds[0])
        baseline = report(normal(num_baseline, WIDTH, seeds[1], distance=FAR), reference, [metric])
        run = report(normal(NUM, WIDTH, seeds[2], distance=distance), reference, [metric])
        found[gate(run, baseline, limits, **options).outcome] += 1
    return found


def fid_error() -> float:
    """The spread of the difference of two samples under one reference, by simulation."""
    differences = []
    for trial in range(300):
        reference = normal(NUM, WIDTH, 3 * trial)
        first, second = (
            report(normal(NUM, WIDTH, 3 * trial + side, distance=FAR), reference, [Fid()])
            for side in (1, 2)
        )
        differences.append(second["fid"].details["debiased"] - first["fid"].details["debiased"])
    return float(np.std(differences))


FID_ERROR = pytest.fixture(scope="module", name="error")(fid_error)
MOST = stats.binom.ppf(0.999, TRIALS, 0.05)  # of wrong answers at alpha


@pytest.mark.parametrize("num_baseline", [NUM, 5 * NUM])
def test_unchanged_generators_fail_no_more_often_than_alpha(num_baseline: int) -> None:
    found = outcomes(
        distance=FAR, limits="fid=0.1%", metric=Fid(), num_baseline=num_baseline, fail_on="any"
    )
    assert 0 < found["fail"] <= MOST  # the test is no test if it never rejects
    assert found["inconclusive"] > TRIALS / 2  # so small a regression cannot be excluded


def test_unchanged_generators_pass_where_the_tolerance_is_detectable(error: float) -> None:
    found = outcomes(distance=FAR, limits=f"fid={1.15 * MDE_FACTOR * error}", metric=Fid(), seed=1)
    assert found["pass"] >= stats.binom.ppf(0.001, TRIALS, 0.8)
    assert found["fail"] == 0


@pytest.mark.parametrize("tolerated", [0.0, 1.0])
def test_regressions_of_the_detectable_size_are_found(error: float, tolerated: float) -> None:
    # The larger distance has a larger error by itself: 2 shift / sqrt(N) for the mean alone.
    worse = FAR + (tolerated + 1.15 * MDE_FACTOR) * error
    limits, fail_on = (f"fid={error}", "tolerance") if tolerated else ("fid=0.1%", "any")
    found = outcomes(distance=worse, limits=limits, metric=Fid(), seed=2, fail_on=fail_on)
    assert found["fail"] >= stats.binom.ppf(0.001, TRIALS, 0.8)


@pytest.mark.parametrize("metric", [Fid(), Kid()], ids=["fid", "kid"])
def test_regressions_of_the_tolerated_size_pass_and_fail_no_more_often_than_alpha(
    error: float, metric: Any
) -> None:
    name = metric.kinds[0].name
    limit = error if name == "fid" else kid_of(FAR + error) - kid_of(FAR)
    found = outcomes(distance=FAR + error, limits=f"{name}={limit}", metric=metric, seed=3)
    assert 0 < found["pass"] <= MOST
    assert found["fail"] <= MOST


def kid_of(distance: float) -> float:
    """The true kernel distance between N(0, I) and one at a squared distance, by simulation."""
    sides = normal(4000, WIDTH, 1, distance=distance), normal(4000, WIDTH, 2)
    return report(sides[0], sides[1], [Kid()])["kid"].value


def test_kid_keeps_alpha_too() -> None:
    found = outcomes(
        **{"distance": FAR, "limits": "kid=0.1%", "metric": Kid(), "seed": 4},
        **{"num_baseline": 2 * NUM, "fail_on": "any"},
    )
    assert 0 < found["fail"] <= MOST


@pytest.mark.parametrize(("num", "metrics"), [(48, BOTH), (80, (Fid(),)), (240, (Fid(),))])
def test_a_generator_whose_spread_shrinks_does_not_pass(num: int, metrics: Any) -> None:
    """Its bias shrinks too, so at equal numbers the biased distance falls while the true one rises.

    Spread x .85 at d = 16 adds 16 (1 - .85)^2 = .36 to a distance of 1, and 10 % are tolerated.
    """
    width, trials = 16, 100
    found: Counter[tuple[str, str]] = Counter()
    for trial in range(trials):
        seeds = np.random.SeedSequence([num, trial]).generate_state(3)
        reference, first, second = (normal(num, width, int(one)) for one in seeds)
        shift = np.float32([FAR**0.5] + [0] * (width - 1))
        baseline = report(first + shift, reference, metrics)
        run = report(np.float32(0.85) * second + shift, reference, metrics)
        for rule, accepting in (("old", baseline), ("new", accepted(baseline))):
            verdict = check(run, accepting, parse_limits(["fid=10%"]), 0.05)
            found[rule, str(verdict.outcome)] += 1
    assert found["new", "pass"] <= stats.binom.ppf(0.999, trials, 0.05)
    if num == 48:
        assert found["old", "pass"] > stats.binom.ppf(0.999, trials, 0.05)
    if num == 240:  # and it is seen, not merely left open
        assert found["new", "fail"] > stats.binom.ppf(0.999, trials, 0.05)


def test_samples_that_were_drawn_alike_are_compared_pair_by_pair() -> None:
    rows = normal(NUM, WIDTH, 2, distance=FAR)
    noise = 0.05 * normal(NUM, WIDTH, 3)
    pairs = [
        [report(side, REFERENCE, BOTH, kind="generator", settings=settings) for side in sides]
        for settings in (DRAWN, {**DRAWN, "seed": 1})
        for sides in [(rows, rows + noise)]
    ]
    baseline, run = pairs[0]
    apart = gate(pairs[1][1], baseline).decisions[0].evidence
    alike = gate(run, baseline).decisions[0].evidence
    assert alike.notes[0].startswith("paired")
    assert apart.notes[0].startswith("unpaired")
    assert alike.se is not None
    assert apart.se is not None
    assert alike.se < apart.se / 8
    # Independent of our formula: the jackknife over pairs.
    groups = np.array_split(np.random.default_rng(0).permutation(NUM), 20)
    left_out = []
    for group in groups:
        kept = np.setdiff1d(np.arange(NUM), group)
        values = [
            report(side[kept], REFERENCE, [Fid()])["fid"].value for side in (rows, rows + noise)
        ]
        left_out.append(values[1] - values[0])
    jackknife = np.std(left_out) * np.sqrt(len(groups) - 1)
    assert alike.se == pytest.approx(jackknife, rel=0.4)


def test_pairs_keep_alpha_too() -> None:
    found: Counter[str] = Counter()
    for trial in range(TRIALS):
        reference, rows, fresh = (normal(NUM, WIDTH, 3 * trial + at) for at in range(3))
        alike = np.float32(0.95) * rows + np.float32((1 - 0.95**2) ** 0.5) * fresh
        shift = np.float32([FAR**0.5, 0, 0, 0])
        baseline, run = (
            report(side + shift, reference, [Fid()], kind="generator", settings=DRAWN)
            for side in (rows, alike)
        )
        verdict = gate(run, baseline, "fid=0.1%", fail_on="any")
        assert verdict.decisions[0].evidence.notes[0].startswith("paired")
        found[verdict.outcome] += 1
    assert 0 < found["fail"] <= MOST


def test_guards_can_fail_the_gate() -> None:
    run = report(normal(NUM, WIDTH, 2, distance=9.0), REFERENCE, BOTH)
    baseline = report(normal(NUM, WIDTH, 3, distance=FAR), REFERENCE, BOTH)
    verdict = gate(run, baseline, "fid=10000%,kid=2%")
    assert [one.outcome for one in verdict.decisions] == ["pass", "fail"]
    assert verdict.outcome == "fail"


def test_the_same_images_pass() -> None:
    run = report(normal(NUM, WIDTH, 2), REFERENCE, BOTH)
    verdict = gate(run, copy.deepcopy(run))
    assert verdict.outcome == "pass"
    evidence = verdict.decisions[0].evidence
    assert (evidence.difference, evidence.se) == (0.0, 0.0)


@pytest.mark.parametrize("num", [5 * WIDTH, NUM])
def test_fid_is_compared_without_its_bias(num: int) -> None:
    run = report(normal(num, WIDTH, 2, distance=FAR), REFERENCE, [Fid()])
    baseline = report(normal(NUM, WIDTH, 3, distance=FAR), REFERENCE, [Fid()])
    (decision,) = gate(run, baseline).decisions
    expected = run["fid"].details["debiased"] - baseline["fid"].details["debiased"]
    assert decision.evidence.difference == expected
    assert decision.evidence.baseline == baseline["fid"].details["debiased"]
    assert decision.evidence.margin == 0.02 * decision.evidence.baseline
    assert "values without their bias" in decision.evidence.notes


def test_kid_decides_where_fid_cannot() -> None:
    """Under a tolerance of its own only: a share of FID says nothing of KID.

    Below 2 images per dimension; KID has its own minimum, so the features are wide.
    """
    width = 128
    reference = normal(NUM, width, 1)
    run = report(normal(NUM, width, 2, distance=30.0), reference, BOTH)
    baseline = report(normal(NUM, width, 3, distance=FAR), reference, BOTH)
    (alone,) = gate(run, baseline).decisions
    assert (alone.evidence.name, alone.outcome, alone.num_needed) == ("fid", "inconclusive", 640)
    assert alone.reason.startswith("nothing is decided: 200 and 200 images are too few to remove")
    assert alone.reason.endswith(
        "; name a tolerance of kid (--max-regress kid=AMOUNT) to let it decide"
    )
    kid, fid = gate(run, baseline, "fid=2%,kid=2%").decisions
    assert (kid.evidence.name, fid.evidence.name) == ("kid", "fid")
    assert kid.outcome == "fail"
    assert (fid.outcome, fid.p_value, fid.num_needed) == (None, None, 640)
    assert fid.reason.startswith("nothing is decided: 200 and 200 images are too few to remove the")
    assert "kid decides instead" in fid.reason
    own = gate(run, baseline, "fid=2%,kid=100000")
    assert [one.evidence.name for one in own.decisions] == ["kid", "fid"]
    assert own.decisions[0].evidence.margin == 100_000
    assert own.outcome == "pass"


def test_between_2_and_5_images_per_dimension_fid_can_fail_but_not_pass() -> None:
    width = 64
    reference = normal(NUM, width, 1)
    baseline = report(normal(NUM, width, 3, distance=FAR), reference, BOTH)
    run_far = report(normal(NUM, width, 2, distance=900.0), reference, BOTH)
    for distance, limits, outcome, of_fid, of_kid in (
        (900.0, "fid=10%,kid=10%", "fail", "fail", "fail"),
        (900.0, "fid=10%,kid=1e9", "fail", "fail", "pass"),
        (FAR, "fid=1000%,kid=1e9", "pass", None, "pass"),
        (FAR, "fid=10%,kid=10%", "inconclusive", None, "inconclusive"),
    ):
        run = report(normal(NUM, width, 2, distance=distance), reference, BOTH)
        verdict = gate(run, baseline, limits)
        fid, kid = verdict.decisions
        assert (fid.evidence.name, kid.evidence.name) == ("fid", "kid")
        assert (verdict.outcome, fid.outcome, kid.outcome) == (outcome, of_fid, of_kid)
    assert fid.reason.endswith("320 are needed; kid decides whether it passes")
    # Without a tolerance of what stands in, it can fail and never passes.
    (decision,) = gate(run_far, baseline, "fid=10%").decisions
    assert decision.outcome == "fail"
    remedy = "name a tolerance of kid (--max-regress kid=AMOUNT) to let it decide"
    for metrics, said in ((BOTH, remedy), ([Fid()], f"score it too (-m) and {remedy}")):
        alone = report(normal(NUM, width, 2, distance=FAR), reference, metrics)
        (decision,) = gate(alone, baseline, "fid=1000%").decisions
        assert (decision.outcome, decision.num_needed) == ("inconclusive", 320)
        assert said in decision.evidence.notes
    assert fid.evidence.bias_left > 0 or fid.evidence.difference != 0


@pytest.mark.parametrize(("num", "decides"), [(199, False), (200, True)])
def test_kid_decides_from_200_images_a_side(num: int, decides: bool) -> None:
    run = report(normal(num, WIDTH, 2, distance=900.0), REFERENCE, [Kid()])
    baseline = report(normal(NUM, WIDTH, 3, distance=FAR), REFERENCE, [Kid()])
    (decision,) = gate(run, baseline, "kid=2%").decisions
    assert decision.outcome == ("fail" if decides else "inconclusive")
    if not decides:
        assert decision.num_needed == 200
        assert "199 images" in decision.reason


def test_kid_decides_nothing_where_its_error_rests_on_a_few_images() -> None:
    rows = normal(NUM, WIDTH, 2, distance=FAR)
    rows[:3] *= 40
    run = report(rows, REFERENCE, [Kid()])
    baseline = report(normal(NUM, WIDTH, 3, distance=FAR), REFERENCE, [Kid()])
    (decision,) = gate(run, baseline, "kid=2%").decisions
    assert decision.outcome == "inconclusive"
    assert "30 are needed" in decision.reason


def test_fid_that_cannot_decide_says_what_would() -> None:
    few = report(normal(WIDTH, WIDTH, 2, distance=9.0), REFERENCE, [Fid()])
    baseline = report(normal(NUM, WIDTH, 3, distance=FAR), REFERENCE, [Fid()])
    (decision,) = gate(few, baseline).decisions
    assert decision.outcome == "inconclusive"
    assert decision.num_needed == 5 * WIDTH
    for limits in ("fid=2%", "fid=0.5"):
        (decision,) = gate(few, baseline, limits).decisions
        assert decision.reason.endswith(
            "score it too (-m) and name a tolerance of kid (--max-regress kid=AMOUNT) to let it "
            "decide"
        )


def test_scores_that_depend_on_the_number_of_images_are_compared_at_equal_numbers() -> None:
    num = 400
    reference = normal(num, WIDTH, 1)
    baseline = report(normal(num, WIDTH, 3), reference, [PrecisionRecall()])
    for few, needed, reason in (
        (100, 300, "needs 300 images on each side"),  # from which there is an error
        (350, num, "can be compared at equal numbers only"),
    ):
        run = report(normal(few, WIDTH, 2), reference, [PrecisionRecall()])
        (decision,) = gate(run, baseline, "precision=5%").decisions
        assert (decision.outcome, decision.num_needed) == ("inconclusive", needed)
        assert reason in decision.reason
    same = report(normal(num, WIDTH, 2), reference, [PrecisionRecall()])
    (decision,) = gate(same, baseline, "precision=50%").decisions
    assert decision.outcome == "pass"
    # Independent of our formula: the spread over draws of both samples under one reference.
    drawn = [
        report(normal(num, WIDTH, 10 + at), reference, [PrecisionRecall()])["precision"].value
        for at in range(60)
    ]
    assert decision.evidence.se == pytest.approx(np.sqrt(2) * np.std(drawn, ddof=1), rel=0.4)


def test_a_score_without_an_error_decides_nothing_and_says_why() -> None:
    subsets = Kid(subset_size=20, num_subsets=5)
    run, baseline = (report(normal(NUM, WIDTH, at), REFERENCE, [subsets]) for at in (2, 3))
    (decision,) = gate(run, baseline, "kid=5").decisions
    assert decision.outcome == "inconclusive"
    assert decision.reason.startswith("there is no standard error: no interval: the spread over 5")


def changed(run: Report, **provenance: Any) -> Report:
    return dataclasses.replace(run, provenance={**run.provenance, **provenance})


def test_what_was_made_otherwise_is_refused_by_name() -> None:
    base = report(normal(NUM, WIDTH, 2, distance=FAR), REFERENCE, [Fid()])
    sources = base.provenance["sources"]
    generator = {**sources["fake/"], "kind": "generator"}

    def labelled(policy: str) -> Report:
        settings = {"num_classes": 10, "label_policy": policy}
        return changed(base, sources={**sources, "fake/": {**generator, "settings": settings}})

    def rows(**changes: Any) -> Report:
        return dataclasses.replace(
            base, scores=tuple(dataclasses.replace(row, **changes) for row in base.scores)
        )

    other = {**sources, "real/": {**sources["real/"], "digest": "sha256:other"}}
    for run, baseline, what in (
        (
            rows(extractor="inception"),
            base,
            "extractor is inception in the run and random in the baseline",
        ),
        (
            rows(protocol="clean-fid"),
            base,
            "protocol is clean-fid in the run and standard in the baseline",
        ),
        (rows(options={"k": 3}), base, "options of fid is k=3 in the run and none in the baseline"),
        (
            changed(base, weights={"random": "sha256:2"}),
            base,
            "weights is sha256:2 in the run and sha256:1 in the baseline",
        ),
        (
            changed(base, precision="bfloat16"),
            base,
            "precision is bfloat16 in the run and float32 in the baseline",
        ),
        (
            changed(base, preprocess={"mean": 0}),
            base,
            "preprocessing mean is 0 in the run and 127.5 in the baseline",
        ),
        (
            changed(base, sources=other),
            base,
            "real/: the images are others in the run (200 images) than in the baseline",
        ),
        (
            labelled("balanced"),
            labelled("uniform"),
            "label_policy is balanced in the run and uniform in the baseline",
        ),
    ):
        with pytest.raises(MismatchError) as caught:
            gate(run, baseline)
        assert what in caught.value.found
        assert "ganeval baseline accept" in caught.value.remedy
    # Stored statistics are what they are, wherever the file is.
    stored = [
        changed(
            base,
            sources={
                **sources,
                "real/": {
                    "digest": None,
                    "stats": {"path": path, "digest": digest, "used_for": ["fid"]},
                },
            },
        )
        for path, digest in (("a.npz", "sha256:1"), ("b.npz", "sha256:1"), ("a.npz", "sha256:2"))
    ]
    assert gate(stored[0], stored[1]).outcome == "pass"
    with pytest.raises(MismatchError, match="real/: the images are others"):
        gate(stored[0], stored[2])
    # Pictures in a folder do not say how their labels were drawn.
    assert gate(labelled("balanced"), base).outcome == "pass"


def test_scores_that_are_not_there_are_refused() -> None:
    base = report(normal(NUM, WIDTH, 2), REFERENCE, [Fid()])
    with pytest.raises(UsageError, match=r"unknown score 'fidd'.*did you mean 'fid'"):
        gate(base, base, "fidd=2%")
    for alpha in (0.0, 0.5, float("nan")):
        with pytest.raises(UsageError, match="alpha is"):
            gate(base, base, alpha=alpha)
