"""Reports and tables: what is written can be read, pasted and trusted."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors
import safetensors.numpy

from ganeval.errors import InputError, ResourceError, UsageError
from ganeval.influence import Influence
from ganeval.results.comparisons import compared
from ganeval.results.report import Report
from ganeval.results.row import ScoreRow
from ganeval.results.table import format_value, terminal

ROW = ScoreRow(
    sample="fake_1/",
    reference="real|2%/",
    name="fid",
    value=12.3456789012345,
    se=None,
    interval=None,
    direction="lower",
    num_sample=5000,
    num_reference=None,
    extractor="inception",
    protocol="standard",
    notes=("no interval: for a reason",),
)
KID = dataclasses.replace(
    ROW,
    name="kid",
    value=-1e-5,
    se=2e-4,
    interval=(-4e-4, 4e-4),
    options={"subset_size": 500},
    details={"std": 0.25},
)
PROVENANCE = {
    "precision": "float32",
    "weights": {"inception": "sha256:6726825d0af5"},
    "sources": {},
}
REPORT = Report((ROW, KID), PROVENANCE)
INFLUENCE = Influence(sample=np.array([1.0, -1.0, 0.0]), reference=np.array([0.5, -0.5]))
KEY = (ROW.sample, ROW.reference, "fid")
WITH_INFLUENCE = Report(
    REPORT.scores,
    PROVENANCE,
    {
        KEY: INFLUENCE,
        KID.key: Influence(sample=np.zeros(2), remainder=np.arange(4.0)),
    },
)


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "run.json")
    assert Report.load(tmp_path / "run.json") == REPORT
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["schema"] == "ganeval.report/1"
    assert list(content["scores"][0]) == [
        *("sample", "reference", "name", "value", "se", "interval", "direction"),
        *("num_sample", "num_reference", "extractor", "protocol", "options", "details", "notes"),
    ]
    assert content["scores"][0]["value"] == 12.3456789012345
    assert content["scores"][0]["se"] is None


def test_influences_lie_beside_the_report(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "bare.json")
    assert [path.name for path in tmp_path.iterdir()] == ["bare.json"]
    path = tmp_path / "run.json"
    WITH_INFLUENCE.save(path)
    beside = tmp_path / "run.influence.safetensors"
    first = beside.read_bytes()
    loaded = Report.load(path)
    assert loaded == WITH_INFLUENCE
    assert loaded.influence.keys() == {KEY, KID.key}
    np.testing.assert_array_equal(loaded.influence[KEY].sample, INFLUENCE.sample)
    np.testing.assert_array_equal(loaded.influence[KEY].reference, INFLUENCE.reference)
    assert loaded.influence[KEY].remainder is None
    assert loaded.influence[KEY].se == INFLUENCE.se
    loaded.save(path)
    assert beside.read_bytes() == first
    with safetensors.safe_open(beside, framework="np") as file:
        assert set(file.keys()) == {"0.sample", "0.reference", "1.sample", "1.remainder"}
    beside.unlink()
    assert Report.load(path).influence == {}


def test_influences_of_other_scores_are_left_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "run.json"
    WITH_INFLUENCE.save(path)
    path.write_text(path.read_text().replace("12.3456789012345", "12.5"))
    assert Report.load(path).influence == {}
    assert "belongs to other scores" in caplog.text


@pytest.mark.parametrize("damage", ["truncate", "flip", "foreign"])
def test_damaged_influences_are_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.json"
    WITH_INFLUENCE.save(path)
    beside = tmp_path / "run.influence.safetensors"
    content = bytearray(beside.read_bytes())
    if damage == "truncate":
        content = content[:-8]
    elif damage == "flip":
        content[-1] ^= 1
    else:
        content = bytearray(safetensors.numpy.save({"x": np.zeros(2)}))
    beside.write_bytes(content)
    with pytest.raises(InputError, match=r"run\.influence\.safetensors: damaged"):
        Report.load(path)


def test_a_report_that_cannot_be_written_leaves_both_older_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    WITH_INFLUENCE.save(path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    changed = dataclasses.replace(WITH_INFLUENCE, scores=(ROW,))
    with pytest.raises((ResourceError, UsageError)):
        changed.save(path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_tables_say_what_is_known_of_the_error() -> None:
    biased = dataclasses.replace(ROW, se=0.05, interval=(9.81234, 10.23456))
    alone = dataclasses.replace(ROW, value=0.75, interval=(0.71, 0.78))
    around = dataclasses.replace(ROW, value=0.75, se=0.02, interval=(0.71, 0.78))
    assert format_value(biased) == "12.3457 [9.81, 10.23]"
    assert format_value(alone) == "0.75 [0.710, 0.780]"
    assert format_value(around) == "0.75 \u00b1 0.02"
    assert format_value(ROW) == "12.3457"
    large = dataclasses.replace(ROW, interval=(100.0, 360.0), se=60.0)
    assert format_value(large) == "12.3457 [100, 360]"


def compared_report() -> Report:
    rng = np.random.default_rng(0)
    rows, influences = [], {}
    for sample, value in (("a_1/", 5.0), ("b/", 1.0), ("c/", 1.1)):
        for name, direction in (("kid", "lower"), ("recall", "higher")):
            rows.append(
                dataclasses.replace(
                    KID, sample=sample, name=name, value=value, se=0.1, direction=direction
                )
            )
            influences[rows[-1].key] = Influence(sample=rng.standard_normal(200))
    return compared(Report(tuple(rows), PROVENANCE, influences))


def test_compared_samples_are_ranked_and_grouped(tmp_path: Path) -> None:
    report = compared_report()
    assert [row.sample for row in report.scores[::2]] == ["a_1/", "b/", "c/"]
    assert [row.sample for row in report.ranked[::2]] == ["b/", "c/", "a_1/"]
    assert report.rank == "kid"
    assert [(one.sample, one.other) for one in report.pairs] == [
        *(("b/", "c/"), ("b/", "a_1/"), ("c/", "a_1/")),
    ]
    assert len(report.comparisons) == 6
    assert [row.sample for row in compared(report, rank="recall").ranked[::2]] == [
        *("a_1/", "c/", "b/"),
    ]
    report.save(tmp_path / "run.json")
    assert Report.load(tmp_path / "run.json") == report
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["rank"] == "kid"
    assert list(content["comparisons"][0]) == [
        *("name", "sample", "other", "reference", "difference", "se", "bias_left", "interval"),
        *("p_value", "p_adjusted", "detectable", "paired", "method", "notes"),
    ]
    report.save(tmp_path / "run.md")
    text = (tmp_path / "run.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert lines[0][:3] == ["sample", "images", "group by kid"]
    assert [line[2] for line in lines[2:5]] == ["a", "a", "b"]
    assert lines[6] == ["kid", "difference", "95 % interval", "p (Holm)", "detectable"]
    assert lines[9][0] == "b/ - a_1/"
    assert lines[9][3] == "< 0.0001"
    report.save(tmp_path / "run.tex")
    text = (tmp_path / "run.tex").read_text(encoding="utf-8")
    assert text.count(r"\toprule") == 2
    assert r"b/ - a\_1/ & -4 & [-4.19, -3.81] & < 0.0001 & 0.24 \\" in text


def test_pairs_without_an_error_say_why(tmp_path: Path) -> None:
    report = compared(dataclasses.replace(compared_report(), influence={}))
    assert report.pairs[0].p_value is None
    report.save(tmp_path / "run.md")
    text = (tmp_path / "run.md").read_text(encoding="utf-8")
    assert "every pair: no influence values are stored of both" in text
    assert "group" not in text


def test_nan_is_never_written(tmp_path: Path) -> None:
    broken = Report((dataclasses.replace(ROW, value=float("nan")),), PROVENANCE)
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.save(tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no ganeval report"),
        ("[]", "no ganeval report"),
        ('{"schema": "ganeval.report/9", "scores": []}', "schema 'ganeval.report/9'"),
        ('{"schema": "ganeval.report/1"}', "no ganeval report"),
        ('{"schema": "ganeval.report/1", "scores": [{"name": "fid"}]}', "no ganeval report"),
        (REPORT.to_json().replace("12.3456789012345", "NaN"), "no ganeval report"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        Report.load(path)
    with pytest.raises(InputError, match="no such file"):
        Report.load(tmp_path / "absent.json")


def test_a_misspelt_score_names_the_nearest() -> None:
    assert REPORT["kid"] is KID
    assert REPORT["fake_1/", "fid"] is ROW
    with pytest.raises(UsageError, match="did you mean 'kid'"):
        _ = REPORT["kidd"]


def test_the_frame_is_tidy() -> None:
    frame = REPORT.frame()
    assert list(frame.columns) == [field.name for field in dataclasses.fields(ScoreRow)]
    assert frame["value"].tolist() == [ROW.value, KID.value]


def test_csv_keeps_full_precision(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "run.csv")
    frame = pd.read_csv(tmp_path / "run.csv", dtype={"value": str})
    assert [float(text) for text in frame["value"]] == [ROW.value, KID.value]
    assert frame["options"].tolist()[1] == "subset_size=500"


def test_markdown_is_a_table_with_its_conditions(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "run.md")
    lines = (tmp_path / "run.md").read_text(encoding="utf-8").splitlines()
    header = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert header == ["sample", "images", "fid \u2193", "kid:subset_size=500 \u2193"]
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == ["fake_1/", "5,000", "12.3457", "-1e-05 \u00b1 0.0002"]
    assert "extractor inception (6726825d), protocol standard, float32" in lines[4]


def test_latex_escapes_names_and_uses_booktabs(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "run.tex")
    text = (tmp_path / "run.tex").read_text(encoding="utf-8")
    assert r"\toprule" in text
    assert r"fake\_1/ & 5,000 & 12.3457 & -1e-05 $\pm$ 0.0002 \\" in text
    assert r"kid:subset\_size=500 $\downarrow$" in text
    assert r"real|2\%/" in text
    assert "\u2193" not in text


def test_other_networks_are_marked_in_every_table() -> None:
    rows = tuple(dataclasses.replace(row, extractor="efficientnet-lite0") for row in REPORT.scores)
    from rich.console import Console

    text = io.StringIO()
    Console(width=120, file=text).print(terminal(rows, PROVENANCE))
    shown = text.getvalue()
    assert "not the Inception network of the papers" in shown
    assert "number of images unknown" in shown
    assert "fid, kid:subset_size=500: no interval: for a reason" in shown
    assert "std 0.25" in shown


def test_files_are_refused_before_they_are_written(tmp_path: Path) -> None:
    for name, message in (
        ("run.xls", "unknown suffix"),
        ("absent/run.json", "there is no folder"),
        ("folder.json", "is a folder"),
    ):
        (tmp_path / "folder.json").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match=message):
            REPORT.save(tmp_path / name)
