"""Files of an older version, written by ganeval 0.1 before rows said what their scores mean.

`old/` holds what that version wrote of folders of 40 and archives of 330 random pictures, under
the extractor `random`: a comparison, the report against stored statistics, a baseline, and a
comparison with removed bias.
"""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import scipy.stats

from ganeval.errors import InputError
from ganeval.gate.baseline import load_baseline
from ganeval.gate.gate import check
from ganeval.gate.limits import parse_limits
from ganeval.gate.output import conditions
from ganeval.metrics.table import METRICS
from ganeval.report.comparisons import compared, measured
from ganeval.report.report import Report
from ganeval.scores.row import key_of
from tests.command import Command
from tests.results.rows import KINDS

OLD = Path(__file__).parent / "old"


@pytest.mark.parametrize("name", ["compare", "stats", "debiased"])
def test_scores_mean_what_their_metrics_say(name: str) -> None:
    report = Report.load(OLD / f"{name}.json")
    said = json.loads((OLD / f"{name}.json").read_text())["scores"]
    for row, old in zip(report.scores, said, strict=True):
        kind = KINDS[old["name"]]
        if kind.error == "blocks":  # the errors in these files are those of another method
            kind = dataclasses.replace(kind, error="jackknife")
        assert row.kind == kind
        assert (row.value, row.se, row.reference) == (old["value"], old["se"], old["reference"])
        assert (row.num_reference, row.roles.get("train"), row.network) == (
            old["num_reference"],
            None,
            None,
        )
    # The influences beside it belong to the old scores, and all of them are found.
    num = sum(row.key in report.influence for row in report.scores)
    assert num == len(report.influence) == {"compare": 8, "stats": 0, "debiased": 4}[name]


@pytest.mark.parametrize(("name", "rank"), [("compare", "kid"), ("debiased", "fid-debiased")])
def test_differences_are_those_of_the_old_version_digit_for_digit(name: str, rank: str) -> None:
    """But for what that version could not know.

    IS had a bias, an error from few images is uncertain, fewer effects are detectable, and the
    error of an extrapolation had a part of the second order.
    """
    report = Report.load(OLD / f"{name}.json")
    assert report.rank == rank
    assert [one.label for one in report.comparisons] == list(
        dict.fromkeys(row.label for row in report.scores)
    )
    again = compared(dataclasses.replace(report, comparisons=()))
    for known, found in zip(report.comparisons, again.comparisons, strict=True):
        same = ("label", "sample", "other", "roles", "difference", "paired")
        uncertain = (name, known.label) == ("compare", "kid")
        last_digit = 1e-4  # of the standard error: the interval had 1.96 of them
        if name == "debiased":
            last_digit = 2e-3
            assert known.se is not None
            assert found.se == pytest.approx(known.se, rel=1e-3)
        elif known.label != "is:splits=1":
            same += ("se", "bias_left")
            if not uncertain:
                same += ("p_value", "p_adjusted")
        assert [getattr(found, one) for one in same] == [getattr(known, one) for one in same]
        if known.label == "is:splits=1" or known.se is None:
            assert found.method == "none"
            assert (found.interval, found.p_value, found.detectable) == (None, None, None)
            continue
        assert known.interval is not None
        if not uncertain:
            assert found.interval == pytest.approx(known.interval, abs=last_digit * known.se)
        else:  # 40 images a side in three means
            assert found.df is not None
            assert found.se is not None
            assert 39 < found.df < 3 * 39
            student = scipy.stats.t(found.df, found.difference, found.se)
            p_value = 2 * min(student.cdf(0), student.sf(0))
            assert (found.p_value, found.p_adjusted) == (pytest.approx(p_value),) * 2
            assert found.interval == pytest.approx(student.interval(0.95))
        assert found.detectable is not None
        assert known.detectable is not None
        assert found.detectable > known.detectable


def test_what_an_extrapolation_removed_is_known_from_its_old_name() -> None:
    report = Report.load(OLD / "debiased.json")
    rows = {row.sample: row for row in report.scores if row.name == "fid-debiased"}
    for row in rows.values():
        assert row.details["biased"] == row.details["fid"] == report[row.sample, "fid"].value
    (pair,) = report.pairs
    removed = [row.details["fid"] - row.value for row in rows.values()]
    assert pair.bias_left == 0.05 * abs(removed[0] - removed[1]) > 0


def test_old_statistics_served_all_that_looks_at_moments() -> None:
    report = Report.load(OLD / "stats.json")
    card = report.provenance["sources"]["real.npz"]
    assert card["stats"]["used_for"] == ["fid", "fid-debiased"]
    for row in report.scores:
        identity = measured(report, row).identity("reference")
        assert identity is not None
        assert identity.kind == "stats"


def test_an_old_report_is_written_as_one_of_today(tmp_path: Path) -> None:
    old = Report.load(OLD / "compare.json")
    old.save(tmp_path / "run.json")
    new = Report.load(tmp_path / "run.json")
    assert new == old
    assert new.influence.keys() == old.influence.keys()
    assert old.merge(new).scores == old.scores


def test_a_run_of_today_is_checked_against_an_old_baseline(
    tmp_path: Path, ganeval: Command
) -> None:
    rng = np.random.default_rng(0)
    for name, shift in (("real", 0), ("a", 6)):
        (tmp_path / name).mkdir()
        for at in range(40):
            pixels = (rng.integers(0, 200, (12, 12, 3)) + shift).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(tmp_path / name / f"{at:03}.png")
    for name in ("base.json", "base.influence.safetensors"):
        shutil.copy(OLD / name, tmp_path)
    run = tmp_path / "run.json"
    words = ["-m", "fid,kid,pr,dc", "--extractor", "random", "--quiet", "-o", run]
    assert ganeval("eval", tmp_path / "real", tmp_path / "a", *words).code == 0
    base = load_baseline(tmp_path / "base.json")
    new = Report.load(run)
    for row in base.scores:
        assert new[row.label].value == pytest.approx(row.value, rel=1e-4)
    limits = "fid=50%,kid=50%,precision=50%"
    gate = ganeval("check", run, "--baseline", tmp_path / "base.json", "--max-regress", limits)
    assert gate.code == 0, gate.err
    assert "real: the images" not in gate.out


def test_spellings_of_still_older_files(tmp_path: Path) -> None:
    content = json.loads(
        (OLD / "debiased.json").read_text().replace("fid-debiased", "fid_debiased")
    )
    (tmp_path / "run.json").write_text(json.dumps(content))
    report = Report.load(tmp_path / "run.json")
    assert (report.scores[0].name, report.rank) == ("fid-debiased", "fid-debiased")
    assert report.pairs[0].label == "fid-debiased"


def test_a_score_that_no_metric_has_is_refused(tmp_path: Path) -> None:
    content: dict[str, Any] = json.loads((OLD / "stats.json").read_text())
    content["scores"][1]["name"] = "odd"
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="score 1 is called 'odd', and no metric of this"):
        Report.load(tmp_path / "run.json")


def test_the_table_of_metrics_is_read_for_old_files_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Report.load(OLD / "stats.json").save(tmp_path / "new.json")
    monkeypatch.setattr(type(METRICS), "load", None)
    report = Report.load(tmp_path / "new.json")
    assert key_of("a", {"reference": "real.npz"}, "fid") in {row.key for row in report.scores}
    with pytest.raises(TypeError):
        Report.load(OLD / "stats.json")


def sample_of(name: str, sample: str) -> Report:
    """One sample of an old comparison, as a run of its own or as a baseline."""
    report = Report.load(OLD / f"{name}.json")
    rows = tuple(row for row in report.scores if row.sample == sample)
    keys = {row.key for row in rows}
    influence = {key: one for key, one in report.influence.items() if key in keys}
    return dataclasses.replace(report, scores=rows, comparisons=(), rank=None, influence=influence)


# Score, answer, difference, standard error and p-value, as that version gave them. Its error of an
# extrapolation had a part of the second order, which is left out: it was 0.0069899.
ANSWERS: list[tuple[tuple[str, str, str], str, str, list[tuple[Any, ...]]]] = [
    (("compare", "b", "a"), "kid=10%", "fail", [("kid", "fail", 0.0058075, 0.0012742, 3e-06)]),
    (("compare", "b", "a"), "kid=0.005", "fail", [("kid", "fail", 0.0058075, 0.0012742, 3e-06)]),
    (("compare", "b", "a"), "kid=0.02", "pass", [("kid", "pass", 0.0058075, 0.0012742, 3e-06)]),
    (
        *(("compare", "b", "a"), "precision=5%,recall=20%", "fail"),
        [
            ("precision", "fail", -0.45, 0.1674106, 0.003594),
            ("recall", "fail", -0.55, 0.1432701, 6.2e-05),
        ],
    ),
    (("compare", "b", "a"), "is=10%", "pass", [("is", "pass", 0.005611, 0.0032836, 0.956256)]),
    (
        *(("compare", "a", "b"), "kid=10%,is=1%,recall=5%", "inconclusive"),
        [
            ("kid", "pass", -0.0058075, 0.0012742, 0.999997),
            ("is", "inconclusive", -0.005611, 0.0032836, 0.087488),
            ("recall", "pass", 0.55, 0.1432701, 0.999938),
        ],
    ),
    (
        *(("compare", "b", "a"), "fid=10%", "fail"),
        [("kid", "fail", 0.0058075, 0.0012742, 3e-06), ("fid", None, 0.1070218, None, None)],
    ),
    (
        *(("debiased", "many_b.npz", "many_a.npz"), "fid=300%", "pass"),
        [("fid", "pass", 0.1076877, 0.0069839, 0.0)],
    ),
    (
        *(("debiased", "many_b.npz", "many_a.npz"), "fid-debiased=260%", "fail"),
        [("fid-debiased", "fail", 0.1076877, 0.0069839, 0.0)],
    ),
]


@pytest.mark.parametrize(("pair", "limits", "outcome", "scores"), ANSWERS)
def test_the_gate_answers_old_baselines_as_their_version_did(
    pair: tuple[str, str, str], limits: str, outcome: str, scores: list[tuple[Any, ...]]
) -> None:
    name, run, baseline = pair
    verdict = check(sample_of(name, run), sample_of(name, baseline), parse_limits([limits]), 0.05)
    assert (verdict.rule, verdict.outcome) == (1, outcome)
    said = [line for line in conditions(verdict) if "accepted by an older version" in line]
    assert len(said) == 1
    for decision, (label, answer, difference, se, p_value) in zip(
        verdict.decisions, scores, strict=True
    ):
        evidence = decision.evidence
        assert (evidence.name, decision.outcome) == (label, answer)
        assert evidence.difference == pytest.approx(difference, abs=1e-7)
        assert evidence.se == (se and pytest.approx(se, abs=1e-7))
        assert decision.p_value == (
            p_value if p_value is None else pytest.approx(p_value, abs=1e-6)
        )
