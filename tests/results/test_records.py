"""Reports and baselines of strangers: every field of the type it is declared with, or refused."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganeval.errors import InputError
from ganeval.report.report import Report
from tests.bad_input.outcomes import JSON, RANDOM
from tests.command import Command

OTHERS: dict[type, tuple[Any, ...]] = {
    str: ("x\ny",), int: (3,), float: (0.5,), bool: (True,), list: ([], [1, "a"], [[0, 1], 2]),
    dict: ({}, {"a": []}), type(None): (None,),
}  # fmt: skip
"""Values of each type of JSON."""

# What a value of another type may be as well.
ALSO = {float: {int}, type(None): {str, int, float, list}}


@pytest.fixture
def made(real: Path, fake: Path, tmp_path: Path, ganeval: Command) -> dict[str, Any]:
    """The JSON of a comparison of two samples."""
    found = ganeval("compare", real, fake, real, "-m", "kid,fid", *JSON)
    content: dict[str, Any] = json.loads(found.out)
    return content


def refused(content: Any, folder: Path) -> str:
    path = folder / "changed.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Report.load(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: not a ganeval report (")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("part", ["scores", "comparisons"])
def test_a_field_of_another_type_is_refused_by_its_name(
    part: str, made: dict[str, Any], tmp_path: Path
) -> None:
    entry = made[part][1]
    num_refused = 0
    for key, value in entry.items():
        for kind, others in OTHERS.items():
            if kind is type(value) or kind in ALSO.get(type(value), ()) or kind is type(None):
                continue
            for other in others:
                made[part][1] = entry | {key: other}
                assert f"({key} of {part[:-1]} 1 " in refused(made, tmp_path)
                num_refused += 1
    assert num_refused > 60


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400])
def test_numbers_are_finite(number: float, made: dict[str, Any], tmp_path: Path) -> None:
    made["scores"][0]["value"] = number
    refused(made, tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda made: made["scores"][0].pop("value"), "score 0: "),
        (lambda made: made["scores"][0].update(a=1), "unknown field 'a'"),
        (lambda made: made["scores"][0].update(direction="up"), "direction of score 0 is 'up'"),
        (lambda made: made["scores"][0].update(interval=[1, 2, 3]), "interval of score 0 is [1,"),
        (lambda made: made.update(scores={}), "scores is {}"),
        (lambda made: made["comparisons"][0].update(sample="a"), "'a', which has no score"),
        (lambda made: made["comparisons"][1].update(other="a"), "'a', which has no score"),
        (lambda made: made.update(rank=[1]), "rank is [1]"),
        (lambda made: made.pop("scores"), "no scores in it"),
        (lambda made: made.update(provenance=[]), "provenance is []"),
        (lambda made: made["provenance"].update(sources=[]), "sources of the provenance is []"),
        (lambda made: made["provenance"].update(sources={"a": 1}), "is {'a': 1}"),
        (lambda made: made["provenance"].update(weights="a"), "weights of the provenance is 'a'"),
    ],
)
def test_what_is_wrong_is_said(
    change: Callable[[Any], object], said: str, made: dict[str, Any], tmp_path: Path
) -> None:
    change(made)
    assert said in refused(made, tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, "1", "null", '"a"', "[]", "\ufeff{}", "{"])
def test_no_record_at_all(text: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="not a ganeval report"):
        Report.load(path)


def test_a_report_reads_as_it_was_written(made: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    assert json.loads(Report.load(path).to_json()) == made


@pytest.mark.parametrize("suffix", ["json", "csv", "md", "tex", "html"])
def test_half_a_surrogate_pair_is_written_as_on_stdout(
    suffix: str, made: dict[str, Any], tmp_path: Path, ganeval: Command
) -> None:
    for score in made["scores"]:
        score |= {"extractor": "a\ud800b", "notes": ["c\ud800d"], "name": "e\ud800f"}
    made |= {"comparisons": [], "rank": None}
    path, out = tmp_path / "run.json", tmp_path / f"out.{suffix}"
    path.write_text(json.dumps(made), encoding="utf-8")
    assert ganeval("table", path, "-o", out).code == 0
    assert "ud800" in out.read_text(encoding="utf-8")


def test_influence_values_that_are_none(
    real: Path, fake: Path, tmp_path: Path, ganeval: Command
) -> None:
    import numpy as np
    import safetensors.numpy

    from ganeval.report.influence_file import load_influences, packed

    run = tmp_path / "run.json"
    ganeval("kid", real, fake, *RANDOM, "-o", run)
    report = Report.load(run)
    path = tmp_path / "run.influence.safetensors"
    (key, influence), *_ = report.influence.items()
    influence.sample[0] = np.nan
    path.write_bytes(packed({key: influence}, "d"))
    with pytest.raises(InputError, match="a value is not finite"):
        load_influences(path, "d")
    for sides in ("a", 1, [], None):
        entry = {"sample": key.sample, "reference": key.reference, "name": key.label}
        entry |= {"sha256": sides}
        card = {"schema": "ganeval.scores.influence/1", "scores_digest": "d", "scores": [entry]}
        metadata = {"ganeval.influence": json.dumps(card)}
        path.write_bytes(safetensors.numpy.save({"0.sample": np.zeros(3)}, metadata=metadata))
        with pytest.raises(InputError, match="damaged"):
            load_influences(path, "d")


def test_texts_of_a_report_are_printed_on_their_lines(
    made: dict[str, Any], tmp_path: Path, ganeval: Command
) -> None:
    odd = "a\x1b[2J\n\u202e"
    for score in made["scores"]:
        score |= {"extractor": odd, "protocol": odd, "options": {odd: odd}, "name": odd}
        score |= {"sample": f"{odd}{score['sample']}", "notes": [odd], "details": {odd: 1.0}}
        score |= {"reference": odd, "roles": {"reference": odd}, "cautions": {odd: odd}}
    made |= {"comparisons": [], "rank": None}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    shown = ganeval("table", path, "--notes", "all")
    assert shown.code == 0
    assert odd.encode("unicode_escape").decode() in shown.out
    assert [char for char in shown.out if not char.isprintable() and char not in "\n\u200e"] == []


def test_texts_of_a_baseline_are_printed_on_their_lines(
    real: Path, fake: Path, tmp_path: Path, ganeval: Command
) -> None:
    run, base = tmp_path / "run.json", tmp_path / "base.json"
    ganeval("kid", real, fake, *RANDOM, "-o", run)
    content = json.loads(run.read_text(encoding="utf-8"))
    content["schema"] = "ganeval.baseline/1"
    content["scores"][0]["extractor"] = "a\x1b[2J\n\u202e"
    base.write_text(json.dumps(content), encoding="utf-8")
    content["provenance"]["networks"]["random"]["preprocess"]["\u202e\x1b[2J"] = 1
    other = tmp_path / "other.json"
    content["scores"][0]["extractor"] = "random"
    other.write_text(json.dumps(content), encoding="utf-8")
    gate = ganeval("check", run, "--baseline", other, "--max-regress", "kid=5")
    assert gate.code == 0
    assert "only one of the two states it: preprocessing \\u202e\\x1b[2J\n" in gate.out
    (line,) = ganeval("baseline", "accept", run, "-o", base).out.splitlines()
    assert "not comparable: extractor is random in the run and a\\x1b[2J\\n\\u202e in" in line
