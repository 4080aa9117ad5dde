"""Reports of several runs in one: every score keeps its row, every sample its name."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

import ganeval
from ganeval.errors import MismatchError, UsageError
from ganeval.gate.baseline import accept
from ganeval.report.formats import terminal
from ganeval.report.report import Report
from ganeval.scores.difference import holm
from tests.command import Command

FAST: dict[str, Any] = {"extractor": "random", "cache": False, "device": "cpu"}
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 40, 3, 16, 16), dtype=np.uint8)


def named(at: int, name: str) -> ganeval.Images:
    return ganeval.Images(PIXELS[at], name=name)


def scored(sample: int, reference: int, metrics: list[str], name: str = "fake") -> Report:
    return ganeval.evaluate(
        sample=named(sample, name),
        reference=named(reference, f"real {reference}"),
        metrics=metrics,
        **FAST,
    )


def files(folder: Path, **reports: Report) -> list[Path]:
    paths = [folder / f"{name}.json" for name in reports]
    for path, report in zip(paths, reports.values(), strict=True):
        report.save(path)
    return paths


def test_scores_of_several_references_stand_in_rows_of_their_own(
    tmp_path: Path, ganeval: Command
) -> None:
    one, other = scored(0, 1, ["fid", "is"]), scored(0, 2, ["fid", "kid"])
    paths = files(tmp_path, one=one, other=other)
    outputs = [word for end in ("csv", "md", "html") for word in ("-o", tmp_path / f"t.{end}")]
    shown = ganeval("table", *paths, "--digits", "full", *outputs)
    assert (shown.code, shown.err) == (0, "")
    lines = [line for line in shown.out.splitlines() if line.startswith("fake (reference real")]
    assert [line.split(")")[0] for line in lines[:2]] == [
        "fake (reference real 1",
        "fake (reference real 2",
    ]
    for report in (one, other):
        for row in report.scores:
            for text in (shown.out, *(path.read_text("utf-8") for path in outputs[1::2])):
                assert repr(row.value) in text
    # The score without a reference stands beside each of its sample's rows.
    assert repr(one["is"].value) in lines[0]
    merged = one.merge(other)
    assert merged["fake", "real 2", "fid"].value == other["fid"].value
    with pytest.raises(UsageError, match="2 references have a score 'fid'"):
        _ = merged["fid"]
    with pytest.raises(UsageError, match="the run has 2 references"):
        accept(merged, tmp_path / "base.json")


def test_scores_under_several_options_stand_side_by_side(tmp_path: Path) -> None:
    one, other = scored(0, 1, ["pr"]), scored(0, 1, ["pr:k=5"])
    merged = one.merge(other)
    assert [row.label for row in merged.scores] == [
        *("precision", "recall", "precision:k=5", "recall:k=5"),
    ]
    assert merged["precision"].value == one["precision"].value
    assert merged["precision:k=5"].value == other["precision:k=5"].value
    both = dataclasses.replace(merged, scores=(*other.scores, *scored(0, 1, ["pr:k=7"]).scores))
    assert both["pr:k=7"].label == "precision:k=7"
    with pytest.raises(UsageError, match="'recall' was scored as recall:k=5, recall:k=7"):
        _ = both["recall"]
    path = tmp_path / "run.json"
    mixed = scored(0, 1, ["kid"]).merge(scored(0, 1, ["kid:subset_size=20:num_subsets=3"]))
    mixed.save(path)
    assert Report.load(path) == mixed
    assert Report.load(path).influence.keys() == mixed.influence.keys()


def test_one_name_for_two_samples_is_refused_with_the_words_that_help(
    tmp_path: Path, ganeval: Command
) -> None:
    paths = files(tmp_path, monday=scored(0, 1, ["fid"]), tuesday=scored(2, 1, ["kid"]))
    refused = ganeval("table", *paths)
    assert (refused.code, refused.out) == (2, "")
    assert (
        f"fake: the images are others in {paths[0]} (40 images) than in {paths[1]} (40 images)"
        in refused.error
    )
    assert "--label NAME=RUN.json" in refused.error
    shown = ganeval("table", paths[0], "--label", f"after={paths[1]}")
    assert shown.code == 0
    assert {"fake", "after"} <= {line.split(" ")[0] for line in shown.out.splitlines()}
    shown = ganeval("table", "--label", f"b={paths[1]}", "--label", f"a={paths[0]}", "--json")
    rows = json.loads(shown.out)["scores"]
    assert [(row["sample"], row["name"]) for row in rows] == [("b", "kid"), ("a", "fid")]
    for words, message in (
        (("--label", "a"), "NAME=RUN.json"),
        (("--label", f"a={paths[0]}", "--label", f"a={paths[1]}"), "names 'a' twice"),
        (("--label", f"a={paths[0]}", "--label", f"b={paths[0]}"), "two labels"),
        ((), "no report is named"),
        (("--label", f"real 1={paths[0]}"), "two sources would be called 'real 1'"),
    ):
        refused = ganeval("table", *words)
        assert (refused.code, message in refused.error) == (2, True), refused.error


def test_the_steps_of_a_training_are_rows(tmp_path: Path, ganeval: Command) -> None:
    paths = []
    with package_accumulator() as metric:
        for step, pixels in ((200, PIXELS[0]), (400, PIXELS[2]), (600, PIXELS[3])):
            metric.reset()
            metric.update(torch.from_numpy(pixels))
            paths += files(tmp_path, **{f"loop_{step}": metric.compute(step=step)})
            paths += files(tmp_path, **{f"bare_{step}": metric.compute()})
    shown = ganeval("table", *paths[::2], "--json")
    assert [row["sample"] for row in json.loads(shown.out)["scores"]] == [
        f"accumulator (step {step})" for step in (200, 400, 600)
    ]
    assert ganeval("table", paths[0], "--json").out.count('"sample": "accumulator"') == 1
    refused = ganeval("table", *paths[1::2])
    assert (refused.code, "--label NAME=RUN.json" in refused.error) == (2, True)


def package_accumulator() -> ganeval.Accumulator:
    return ganeval.Accumulator(reference=named(1, "real"), metrics=["fid"], **FAST)


def test_reports_under_other_conditions_and_of_other_machines() -> None:
    one, other = scored(0, 1, ["fid"]), scored(0, 1, ["kid"])
    elsewhere = {**other.provenance, "device": "cuda", "warnings": ["a word"]}
    merged = one.merge(dataclasses.replace(other, provenance=elsewhere))
    assert merged.provenance["device"] == "cpu, cuda"
    assert "a word" in merged.provenance["warnings"]
    card = other.provenance["networks"]["random"]
    resize = {**card["preprocess"], "mean": 0.0}
    networks = {"random": {**card, "preprocess": resize}}
    changed = dataclasses.replace(other, provenance={**other.provenance, "networks": networks})
    with pytest.raises(MismatchError, match=r"preprocessing mean is 127.5 in one and 0.0 in the"):
        one.merge(changed)


def test_merged_comparisons_are_kept_and_adjusted_over_all_pairs() -> None:
    def table(*at: int) -> Report:
        return ganeval.compare(
            samples=[named(one, f"sample {one}") for one in at],
            reference=named(5, "real"),
            metrics=["kid"],
            **FAST,
        )

    one, other = table(0, 1), table(1, 2, 3)
    merged = one.merge(other)
    assert len(merged.comparisons) == 4
    assert merged.rank == "kid"
    expected = holm([*one.comparisons, *other.comparisons])
    assert [pair.p_adjusted for pair in merged.comparisons] == [
        pair.p_adjusted for pair in expected
    ]
    # Samples that were never compared have no letter in common, and none at all.
    text = io.StringIO()
    Console(file=text, width=200).print(terminal(merged.ranked, merged.provenance, merged.pairs))
    assert "group by" not in text.getvalue()
    again = merged.merge(other)
    assert again.comparisons == merged.comparisons
    changed = tuple(dataclasses.replace(pair, difference=9.0) for pair in other.comparisons)
    with pytest.raises(MismatchError, match="differs between the reports"):
        merged.merge(dataclasses.replace(other, comparisons=changed))
