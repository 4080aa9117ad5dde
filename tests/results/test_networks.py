"""Scores in several networks: each is compared under the conditions of its own."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganeval
from ganeval.errors import MismatchError, UsageError
from ganeval.gate.gate import check
from ganeval.gate.limits import parse_limits
from ganeval.report.report import Report
from tests.command import Command

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 40, 3, 16, 16), dtype=np.uint8)
OTHER = "efficientnet-lite0"
FAST: dict[str, Any] = {"extractor": "random", "device": "cpu"}
METRICS = ["kid", f"kid@{OTHER}"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """KID in two networks; the network of the run is `random`."""
    return scored(METRICS, cache_dir=tmp_path_factory.mktemp("cache"))


def scored(metrics: list[str], sample: int = 0, **options: Any) -> Report:
    return ganeval.evaluate(
        sample=ganeval.Images(PIXELS[sample], name="fake"),
        reference=ganeval.Images(PIXELS[2], name="real"),
        metrics=metrics,
        **{**FAST, **options},
    )


def with_card(report: Report, name: str, **changes: Any) -> Report:
    """The report with something else said of a network."""
    networks = report.provenance["networks"]
    changed = {**networks, name: {**networks[name], **changes}}
    return dataclasses.replace(report, provenance={**report.provenance, "networks": changed})


def test_each_score_says_which_network_it_is_of(both: Report, tmp_path: Path) -> None:
    assert [row.label for row in both.scores] == METRICS
    assert [row.network for row in both.scores] == [None, OTHER]
    assert [row.networks for row in both.scores] == [("random",), (OTHER,)]
    assert both.provenance["network"] == "random"
    alone = scored(["kid"], extractor=OTHER)
    assert both[f"kid@{OTHER}"].value == alone["kid"].value
    assert both["kid"].value != alone["kid"].value
    both.save(tmp_path / "run.json")
    again = Report.load(tmp_path / "run.json")
    assert again == both
    assert again.influence.keys() == {row.key for row in both.scores}
    assert set(both.frame()["label"]) == set(METRICS)


def test_a_table_says_which_scores_are_not_the_papers(both: Report, tmp_path: Path) -> None:
    both.save(tmp_path / "run.md")
    lines = (tmp_path / "run.md").read_text("utf-8").splitlines()
    assert any(
        line.startswith("extractor random (0efda611), efficientnet-lite0 (57") for line in lines
    )
    rows = [dataclasses.replace(both.scores[0], extractor="inception"), both.scores[1]]
    Report(tuple(rows), both.provenance).save(tmp_path / "run.md")
    assert f"kid@{OTHER}: not the Inception network" in (tmp_path / "run.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["random", OTHER])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("weights", "sha256:0"),
        ("preprocess", None),
        ("extractor_version", 99),
        ("precision", "bfloat16"),
        ("extractor", "another"),
    ],
)
def test_a_network_that_differs_is_refused_for_its_own_scores_only(
    name: str, key: str, value: Any, both: Report
) -> None:
    if key == "preprocess":
        own = both.provenance["networks"][name]["preprocess"]
        leaf = next(what for what, found in own.items() if isinstance(found, str | int | float))
        value = {**own, leaf: "another"}
    other = with_card(both, name, **{key: value})
    changed, kept = METRICS if name == "random" else METRICS[::-1]
    if key == "extractor":  # which network a score is of stands in the score
        other = dataclasses.replace(
            other,
            scores=tuple(
                dataclasses.replace(row, extractor=value) if name in row.networks else row
                for row in other.scores
            ),
        )
    assert check(both, other, parse_limits([f"{kept}=1"]), 0.05).outcome == "pass"
    with pytest.raises(MismatchError) as caught:
        check(both, other, parse_limits([f"{changed}=1"]), 0.05)
    if name == OTHER:
        assert f"of {OTHER} is" in caught.value.found or key == "extractor"
        assert f"the same network called {OTHER}" in caught.value.remedy or key != "weights"
    for one, two in ((both, other), (other, both)):
        with pytest.raises(MismatchError):
            one.merge(two)


def test_another_batch_in_one_network_leaves_the_others_as_they_are() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 200, 3, 16, 16), dtype=np.uint8)
    fake, real = (ganeval.Images(pixels[at], name=f"of {at}") for at in range(2))
    report = ganeval.evaluate(sample=fake, reference=real, metrics=METRICS, **FAST)
    other = with_card(report, OTHER, micro_batch=1)
    found = check(report, other, parse_limits([f"kid=1,kid@{OTHER}=1"]), 0.05)
    notes = [one.evidence.notes[0] for one in found.decisions]
    assert notes == ["the same images", "paired: both samples are the same images"]


def test_reports_of_one_network_each_are_merged_where_their_labels_tell_them_apart(
    both: Report,
) -> None:
    ones, others = (dataclasses.replace(both, scores=(row,)) for row in both.scores)
    assert {row.label for row in ones.merge(others).scores} == set(METRICS)
    # The run's network is one for a whole table.
    foreign = scored(["fid"], extractor=OTHER)
    with pytest.raises(MismatchError, match=f"extractor is random in one and {OTHER} in the other"):
        ones.merge(foreign)
    merged = others.merge(foreign)
    assert {row.label for row in merged.scores} == {f"kid@{OTHER}", "fid"}
    for first in (merged, foreign.merge(others)):
        with pytest.raises(MismatchError, match="extractor is"):
            first.merge(ones)


def test_short_names_of_two_networks_are_told_from_one_another(both: Report) -> None:
    mine = {
        name: dataclasses.replace(
            both,
            scores=(dataclasses.replace(both.scores[1], network="mine", networks=("mine",)),),
            provenance={
                **both.provenance,
                "networks": {"mine": {**both.provenance["networks"][OTHER], "weights": name}},
            },
            influence={},
        )
        for name in ("sha256:1", "sha256:2")
    }
    one, other = mine.values()
    assert one.merge(one).scores == one.scores
    with pytest.raises(MismatchError, match="weights of mine is sha256:1 in one and sha256:2"):
        one.merge(other)
    with pytest.raises(MismatchError, match="weights of mine is"):
        check(one, other, parse_limits(["kid@mine=1"]), 0.05)
    with pytest.raises(UsageError, match="'kid' was scored as kid@mine"):
        check(one, other, parse_limits(["kid=1"]), 0.05)


def test_every_source_that_a_score_looks_at_has_to_be_the_same(both: Report) -> None:
    sources = both.provenance["sources"]

    def learned(digest: str) -> Report:
        card = {**sources["real"], "content": digest, "digest": digest}
        rows = tuple(
            dataclasses.replace(row, roles={**row.roles, "train": "seen"}) for row in both.scores
        )
        provenance = {**both.provenance, "sources": {**sources, "seen": card}}
        return dataclasses.replace(both, scores=rows, provenance=provenance)

    one, other = learned("sha256:1"), learned("sha256:2")
    assert check(one, one, parse_limits(["kid=1"]), 0.05).outcome == "pass"
    with pytest.raises(MismatchError, match="seen: the images are others in the run"):
        check(one, other, parse_limits(["kid=1"]), 0.05)
    with pytest.raises(MismatchError, match="seen: the images are others"):
        one.merge(other)


def test_the_gate_of_the_command_line_knows_labels(
    both: Report, tmp_path: Path, ganeval: Command
) -> None:
    run, base = tmp_path / "run.json", tmp_path / "base.json"
    both.save(run)
    assert ganeval("baseline", "accept", run, "-o", base).code == 0
    label = f"kid@{OTHER}"
    words = ["check", run, "--baseline", base, "--max-regress", f"{label}=1"]
    shown = ganeval(*words, "--json")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["scores"][0]["name"] == label
    assert f"{label}: worse by" in ganeval(*words).out


def test_other_classes_of_the_same_images_are_refused_where_they_matter(tmp_path: Path) -> None:
    def labelled(classes: list[int]) -> Report:
        return ganeval.evaluate(
            sample=ganeval.Images(PIXELS[0], name="fake", labels=[0, 1] * 20),
            reference=ganeval.Images(PIXELS[2], name="real", labels=classes),
            metrics=["intra-fid", "kid"],
            **FAST,
        )

    one, again, other = labelled([0, 1] * 20), labelled([0, 1] * 20), labelled([1, 0] * 20)
    limits = parse_limits(["intra-fid=1"])
    assert check(again, one, limits, 0.05).decisions[0].evidence.difference == 0
    with pytest.raises(MismatchError, match=r"labels of intra-fid is .*the same class labels"):
        check(other, one, limits, 0.05)
    assert check(other, one, parse_limits(["kid=1"]), 0.05).outcome == "pass"


@pytest.mark.parametrize(
    ("metrics", "options", "metric", "network"),
    [
        ("fid,fid@pixels", {}, "fid@pixels", "pixels"),
        ("kid@mine", {"networks": {"mine": "lpips-alex"}}, "kid@mine", "lpips-alex"),
        (None, {"extractor": "pixels"}, "fid", "pixels"),
    ],
)
def test_a_metric_whose_layer_the_network_lacks_is_named(
    metrics: str | None, options: dict[str, Any], metric: str, network: str
) -> None:
    said = (
        f"^{metric} looks at the layer pool, which extractor {network} lacks; "
        f"needed: one of .*distance"
    )
    with pytest.raises(UsageError, match=f"{said}; choose other metrics than {metric} with -m, "):
        scored(metrics if metrics is None else metrics.split(","), **options)
