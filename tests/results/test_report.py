"""Reports and tables: what is written can be read, pasted and trusted."""

import dataclasses
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors
import safetensors.numpy
from rich.console import Console

from ganeval.errors import InputError, ResourceError, UsageError
from ganeval.report.comparisons import compared
from ganeval.report.digits import has_honest_error, show_column, significant
from ganeval.report.formats import Notes, terminal
from ganeval.report.report import Report
from ganeval.report.table import COLUMNS
from ganeval.scores.influence import Influence
from ganeval.scores.row import ScoreRow
from tests.results.rows import kind_of, row_of

ROW = row_of(
    "fid",
    sample="fake_1/",
    reference="real|2%/",
    value=12.3456789012345,
    se=None,
    interval=None,
    num_sample=5000,
    extractor="inception",
    notes=("no interval: for a reason",),
    cautions={"5,000 images": "too few to compare; use kid"},
)
KID = dataclasses.replace(
    ROW,
    kind=kind_of("kid"),
    metric="kid",
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
KEY = ROW.key
WITH_INFLUENCE = Report(
    REPORT.scores,
    PROVENANCE,
    {
        KEY: INFLUENCE,
        KID.key: Influence(sample=np.zeros(2)),
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
        *(
            "cautions",
            "metric",
            "network",
            "networks",
            "roles",
            "nums",
            "kind",
            "partners",
            "labels",
            "enough",
            "noun",
        ),
    ]
    assert content["scores"][0]["value"] == 12.3456789012345
    assert content["scores"][0]["cautions"] == ROW.cautions
    assert Report.load(tmp_path / "run.json")["fid"].cautions == ROW.cautions
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
    assert loaded.influence[KID.key].reference is None
    assert loaded.influence[KEY].se == INFLUENCE.se
    loaded.save(path)
    assert beside.read_bytes() == first
    with safetensors.safe_open(beside, framework="np") as file:
        assert set(file.keys()) == {"0.sample", "0.reference", "1.sample"}
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


def text_of(*rows: ScoreRow) -> list[str]:
    return [shown.text for shown in show_column(rows)]


@pytest.mark.parametrize(
    ("value", "se", "interval", "text"),
    [
        (0.844444, 0.0371, None, "0.844 \u00b1 0.037"),
        (-0.000221677, 0.000121, None, "-0.00022 \u00b1 0.00012"),
        (12.3412, 0.21, None, "12.34 \u00b1 0.21"),
        (1234.2, 56.0, None, "1234 \u00b1 56"),
        (12345.6, 678.0, None, "12350 \u00b1 680"),
        (12.34, 9.96, None, "12 \u00b1 10"),
        (0.5, 0.0996, None, "0.50 \u00b1 0.10"),
        (1.00024, 5.8e-05, None, "1.000240 \u00b1 0.000058"),
        (-2.2e-10, 1.2e-10, None, "-2.2e-10 \u00b1 1.2e-10"),
        (0.0, 8.2e-13, None, "0 \u00b1 8.2e-13"),
        (1.5e8, 1.2e6, None, "1.500e+08 \u00b1 0.012e+08"),
        (-1e-4, 0.02, None, "0.000 \u00b1 0.020"),
        # Four significant digits without an error, and where it is none but rounding.
        (63.2965, None, None, "63.30"),
        (208.994, None, None, "209.0"),
        (12345.6, None, None, "12350"),
        (1.2e-7, None, None, "1.200e-07"),
        (0.0, None, None, "0"),
        (5e-324, None, None, "0"),
        (0.5, 0.0, None, "0.5000"),
        (1e6, 1e-12, None, "1000000"),
        # Only an interval: its width is two errors each way.
        (0.75, None, (0.71, 0.78), "0.750 [0.710, 0.780]"),
        (0.0, 0.0, (0.0, 0.0106), "0.0000 [0.0000, 0.0106]"),
        (5.0, None, (5.0, 5.0), "5.000 [5.000, 5.000]"),
        # An interval that says something else than the error: beside the value, or lopsided.
        (12.3456, 0.05, (9.81234, 10.23456), "12.346 [9.812, 10.235]"),
        (0.01, 0.004, (0.009, 0.03), "0.0100 [0.0090, 0.0300]"),
        (0.75, 0.02, (0.71, 0.78), "0.750 \u00b1 0.020"),
        # Student's over 7 and over 5 runs: 2.45 and 2.78 errors each way.
        (0.75, 0.02, (0.701, 0.799), "0.750 \u00b1 0.020"),
        (0.75, 0.02, (0.6944, 0.8056), "0.750 [0.694, 0.806]"),
    ],
)
def test_digits_follow_the_error(
    value: float, se: float | None, interval: tuple[float, float] | None, text: str
) -> None:
    assert text_of(dataclasses.replace(ROW, value=value, se=se, interval=interval)) == [text]


def test_a_column_has_one_form() -> None:
    honest = dataclasses.replace(ROW, value=0.75, se=0.02, interval=(0.71, 0.79))
    boundary = dataclasses.replace(ROW, value=0.0, se=0.0, interval=(0.0, 0.0106))
    bare = dataclasses.replace(ROW, value=0.5)
    assert has_honest_error(honest)
    assert not has_honest_error(boundary)
    assert text_of(honest, bare) == ["0.750 \u00b1 0.020", "0.5000"]
    assert text_of(honest, boundary, bare) == [
        *("0.750 [0.710, 0.790]", "0.0000 [0.0000, 0.0106]", "0.5000"),
    ]
    # Density knows no interval: a sample without spread has its value, the others their errors.
    spread = dataclasses.replace(honest, interval=None)
    flat = dataclasses.replace(boundary, interval=None)
    assert text_of(spread, flat) == ["0.750 \u00b1 0.020", "0"]


def test_all_digits_are_shown_on_request(tmp_path: Path) -> None:
    (shown,) = show_column([KID], "full")
    assert shown.text == "-1e-05 \u00b1 0.0002"
    for name in ("run.md", "run.tex", "run.html"):
        REPORT.save(tmp_path / name)
        # The page also has the values that it sorts by.
        assert not re.search("[ >]12.3456789012345", (tmp_path / name).read_text("utf-8"))
        REPORT.save(tmp_path / name, digits="full")
        assert re.search("[ >]12.3456789012345", (tmp_path / name).read_text("utf-8"))


def test_lone_numbers_have_so_many_digits() -> None:
    assert [significant(number, count=2) for number in (0.00123, 1e-5, 0.0, 0.996, 123.0)] == [
        *("0.0012", "1.0e-05", "0", "1.0", "120"),
    ]


def shown_on_a_terminal(report: Report, which: Notes = "few") -> list[str]:
    text = io.StringIO()
    group = terminal(report.ranked, report.provenance, report.pairs, which=which)
    Console(file=text, width=80).print(group, soft_wrap=True)
    return text.getvalue().splitlines()


def test_a_fact_that_changes_what_one_may_do_is_one_line_for_all_samples() -> None:
    fact, other = "360 images for 1,280 dimensions", "400 images for 1,280 dimensions"
    rows = [
        dataclasses.replace(
            ROW,
            sample=f"{at}/",
            kind=kind_of(name),
            cautions={fact if at else other: "too few"},
        )
        for at in range(3)
        for name in ("fid", "fid-infinity")
    ]
    lines = shown_on_a_terminal(Report(tuple(rows), PROVENANCE))
    assert [line for line in lines if "too few" in line] == [
        f"fid, fid-infinity: {other} (and 1 more like it): too few"
    ]
    assert lines[-1] == "1 more note: --notes all"
    assert not any("for a reason" in line for line in lines)
    lines = shown_on_a_terminal(Report(tuple(rows), PROVENANCE), "all")
    assert lines[-1] == "fid, fid-infinity: no interval: for a reason"


def test_five_such_lines_at_most_and_how_to_see_the_others() -> None:
    rows = [
        dataclasses.replace(
            ROW, kind=kind_of(f"score{at}"), cautions={f"fact {at}": "so"}, notes=()
        )
        for at in range(7)
    ]
    lines = shown_on_a_terminal(Report(tuple(rows), PROVENANCE))
    assert [line for line in lines if line.endswith(": so")] == [
        f"score{at}: fact {at}: so" for at in range(5)
    ]
    assert lines[-1] == "2 more notes: --notes all"
    assert shown_on_a_terminal(Report(tuple(rows), PROVENANCE), "all")[-1] == "score6: fact 6: so"


def test_a_report_without_cautions_still_loads_and_merges(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    content = json.loads(REPORT.to_json())
    for row in content["scores"]:
        for key in (
            "cautions",
            "metric",
            "network",
            "networks",
            "roles",
            "nums",
            "kind",
            "partners",
            "labels",
            "enough",
            "noun",
        ):
            del row[key]
    path.write_text(json.dumps(content))
    old = Report.load(path)
    assert old == REPORT
    assert old["fid"].cautions == {}
    assert old.merge(REPORT).scores == REPORT.scores


def test_printing_a_report_is_short() -> None:
    assert repr(REPORT) == (
        "Report(1 sample, 2 scores:\n"
        "    fake_1/: fid 12.35, kid:subset_size=500 -0.00001 \u00b1 0.00020)"
    )
    rows = tuple(
        dataclasses.replace(ROW, sample="x" * 90 + str(at), kind=kind_of(f"n{name}"))
        for at in range(9)
        for name in range(20)
    )
    text = repr(Report(rows, PROVENANCE))
    assert text.startswith("Report(9 samples, 20 scores:\n")
    assert text.endswith(", and 12 more\n    and 4 more)")
    assert max(map(len, text.splitlines())) < 160


def compared_report() -> Report:
    rng = np.random.default_rng(0)
    rows, influences = [], {}
    for sample, value in (("a_1/", 5.0), ("b/", 1.0), ("c/", 1.1)):
        for name in ("kid", "recall"):
            rows.append(
                dataclasses.replace(
                    KID,
                    sample=sample,
                    kind=kind_of(name),
                    value=value,
                    se=0.1,
                    interval=(value - 0.2, value + 0.2),
                    options={},
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
    assert report.groups == {"b/": "a", "c/": "a", "a_1/": "b"}
    assert REPORT.groups == {}
    assert [row.sample for row in compared(report, rank="recall").ranked[::2]] == [
        *("a_1/", "c/", "b/"),
    ]
    report.save(tmp_path / "run.json")
    assert Report.load(tmp_path / "run.json") == report
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["rank"] == "kid"
    assert list(content["comparisons"][0]) == [
        *("name", "sample", "other", "reference", "difference", "values", "se", "variances", "df"),
        *("grows", "bias_left", "excludes", "interval", "p_value", "p_adjusted", "detectable"),
        *("paired", "method", "notes", "label", "roles"),
    ]
    report.save(tmp_path / "run.md")
    text = (tmp_path / "run.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert lines[0][:3] == ["sample", "images", "group by kid"]
    assert [line[2] for line in lines[2:5]] == ["a", "a", "b"]
    assert lines[6] == ["kid", "difference", "95 % interval", "p (Holm)", "detectable"]
    assert lines[9][0] == "b/ - a_1/"
    assert lines[9][3] == "< 0.0001"
    assert lines[2] == ["b/", "5,000", "a", "**1.00 \u00b1 0.10**", "1.00 \u00b1 0.10"]
    assert lines[4] == ["a_1/", "5,000", "b", "5.00 \u00b1 0.10", "**5.00 \u00b1 0.10**"]
    report.save(tmp_path / "run.tex")
    text = (tmp_path / "run.tex").read_text(encoding="utf-8")
    assert text.count(r"\toprule") == 2
    assert r"b/ - a\_1/ & $-$4.000 & [$-$4.193, $-$3.807] & $<$ 0.0001 & 0.58 \\" in text
    assert r"& \textbf{1.00 $\pm$ 0.10} &" in text


def test_pairs_without_an_error_say_why(tmp_path: Path) -> None:
    report = compared(dataclasses.replace(compared_report(), influence={}))
    assert report.pairs[0].p_value is None
    report.save(tmp_path / "run.md")
    text = (tmp_path / "run.md").read_text(encoding="utf-8")
    assert "every pair: influence values are not stored for both" in text
    assert "group" not in text


def test_nan_is_never_written(tmp_path: Path) -> None:
    broken = Report((dataclasses.replace(ROW, value=float("nan")),), PROVENANCE)
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.save(tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a ganeval report"),
        ("[]", "not a ganeval report"),
        ('{"schema": "ganeval.report/9", "scores": []}', "schema 'ganeval.report/9'"),
        ('{"schema": "ganeval.report/1"}', "not a ganeval report"),
        ('{"schema": "ganeval.report/1", "scores": [{"name": "fid"}]}', "not a ganeval report"),
        (REPORT.to_json().replace("12.3456789012345", "NaN"), "not a ganeval report"),
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
    assert REPORT["kid:subset_size=500"] is REPORT["kid"] is KID
    assert REPORT["fake_1/", "fid"] is ROW
    with pytest.raises(UsageError, match="did you mean 'kid:subset_size=500'"):
        _ = REPORT["kid:subset_size=50"]


def test_a_name_alone_is_that_of_the_runs_network_without_options() -> None:
    mine = dataclasses.replace(ROW, network="mine", networks=("mine",), value=1.0)
    odd = dataclasses.replace(mine, options={"k": 3}, value=2.0)
    report = Report((mine, ROW, odd), PROVENANCE)
    assert [report[label] for label in ("fid", "fid@mine", "fid@mine:k=3")] == [ROW, mine, odd]
    with pytest.raises(
        UsageError, match="'fid' was scored as fid@mine, fid@mine:k=3; needed: one of"
    ):
        _ = Report((mine, odd), PROVENANCE)["fid"]
    with pytest.raises(
        UsageError, match="'fid' was scored as fid@mine; needed: one of these; ask for"
    ):
        _ = Report((mine,), PROVENANCE)["fid"]
    both = [dataclasses.replace(ROW, options={"k": k}) for k in (3, 5)]
    assert Report((both[0],), PROVENANCE)["fid"] is both[0]
    with pytest.raises(
        UsageError, match="'fid' was scored as fid:k=3, fid:k=5; needed: one of these"
    ):
        _ = Report(tuple(both), PROVENANCE)["fid"]


def test_a_metric_stands_for_its_first_score() -> None:
    rows = [
        row_of(name, metric="pr", options={"k": k}, value=k)
        for k in (3, 5)
        for name in ("precision", "recall")
    ]
    report = Report(tuple(rows), PROVENANCE)
    assert report["pr:k=5"] is rows[2]
    assert report["recall:k=5"] is rows[3]


def test_rows_are_told_apart_by_every_source() -> None:
    rows = [
        row_of("authenticity", sample=sample, roles={"reference": "real/", "train": train})
        for sample in ("a/", "b/")
        for train in ("s/", "t/")
    ]
    alone = [row_of("fid", sample=sample, reference="real/") for sample in ("a/", "b/")]
    report = Report((*rows, *alone), PROVENANCE)
    assert report["a/", "real/", "t/", "authenticity"] is rows[1]
    with pytest.raises(UsageError, match=r"2 train sources have a score 'authenticity'.*'s/'"):
        _ = report["a/", "authenticity"]
    # A score that looks at fewer sources stands in every row of its sample.
    assert Counter(row.sample for row in report.ranked) == {
        f"{sample} (train {train})": 2 for sample in ("a/", "b/") for train in ("s/", "t/")
    }
    frame = report.frame()
    assert frame["train"].tolist()[:4] == ["s/", "t/", "s/", "t/"]
    assert frame["train"].isna().tolist()[4:] == [True, True]
    assert not frame.duplicated(["sample", "reference", "train", "heldout", "label"]).any()


def test_the_frame_is_tidy() -> None:
    frame = REPORT.frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["value"].tolist() == [ROW.value, KID.value]


def test_csv_keeps_full_precision(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "run.csv")
    frame = pd.read_csv(tmp_path / "run.csv", dtype={"value": str})
    assert [float(text) for text in frame["value"]] == [ROW.value, KID.value]
    assert frame["options"].tolist()[1] == "subset_size=500"
    assert frame["interval_low"].tolist()[1:] == [-4e-4]
    assert frame["interval_high"].tolist()[1:] == [4e-4]
    assert frame[["interval_low", "interval_high"]].isna().iloc[0].all()
    assert "interval" not in frame
    assert frame["cautions"].tolist()[0] == "5,000 images: too few to compare; use kid"


def test_markdown_is_a_table_with_its_conditions(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "run.md")
    text = (tmp_path / "run.md").read_text(encoding="utf-8")
    assert text == REPORT.to_markdown()
    lines = text.splitlines()
    header = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert header == ["sample", "images", "fid \u2193", "kid:subset_size=500 \u2193"]
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == ["fake_1/", "5,000", "12.35", "-0.00001 \u00b1 0.00020"]
    assert "extractor inception (6726825d), protocol standard, float32" in lines[4]


def test_what_training_took_stands_in_every_table(tmp_path: Path) -> None:
    other = dataclasses.replace(ROW, sample="theirs/")
    took = {"runs": 3, "step": 2000.0, "images": 128000.0, "seconds": 7.25}
    sources = {ROW.sample: {"training": took}, "theirs/": {"training": {"runs": 1}}}
    found = Report((ROW, other), {**PROVENANCE, "sources": sources})
    lines = found.to_markdown().splitlines()
    cells = [[cell.strip() for cell in lines[at].strip("|").split("|")] for at in (0, 2, 3)]
    assert cells[0][1:6] == ["images", "runs", "step", "images seen", "seconds"]
    assert cells[1][:6] == ["fake_1/", "5,000", "3", "2,000", "128,000", "7.2"]
    assert cells[2][:6] == ["theirs/", "5,000", "1", "", "", ""]
    took["steps"] = [1500, 2500]  # of three runs that ended at different ones
    assert "| 1,500-2,500 | 128,000" in " ".join(found.to_markdown().split())
    found.save(tmp_path / "run.html")
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert '<td data-title="step" data-value="2000.0">1,500-2,500</td>' in page
    titles = re.findall('<td data-title="(runs|step|images seen|seconds)"', page)
    assert titles == ["runs", "step", "images seen", "seconds"] * 2
    assert '<td data-title="images seen" data-value="128000.0">128,000</td>' in page
    assert '<td data-title="images seen">\u2013</td>' in page
    assert "images seen" not in REPORT.to_markdown()


def test_latex_escapes_names_and_uses_booktabs(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "run.tex")
    text = (tmp_path / "run.tex").read_text(encoding="utf-8")
    assert r"\toprule" in text
    assert r"fake\_1/ & 5,000 & 12.35 & $-$0.00001 $\pm$ 0.00020 \\" in text
    assert r"kid:subset\_size=500 $\downarrow$" in text
    assert r"real$|$2\%/" in text
    assert "fid, kid:subset\\_size=500: 5,000 images: too few to compare; use kid}" in text
    assert text.startswith("% needs \\usepackage{booktabs}")
    assert "\u2193" not in text
    # LaTeX would take a bracket or a star at the beginning of a row for an argument of `\\\\`.
    for name in ("[a]", "*"):
        Report((dataclasses.replace(ROW, sample=name),), PROVENANCE).save(tmp_path / "run.tex")
        assert f"\n{{}}{name} & 5,000" in (tmp_path / "run.tex").read_text(encoding="utf-8")


def test_other_networks_are_marked_in_every_table() -> None:
    rows = tuple(dataclasses.replace(row, extractor="efficientnet-lite0") for row in REPORT.scores)
    text = io.StringIO()
    group = terminal(rows, PROVENANCE, which="all")
    Console(width=120, file=text).print(group, soft_wrap=True)
    shown = text.getvalue()
    assert "not the Inception network of the papers" in shown
    assert "number of images unknown" in shown
    assert "fid, kid:subset_size=500: no interval: for a reason" in shown
    assert "std 0.25" in shown


def test_what_was_done_to_pictures_stands_over_every_table(tmp_path: Path) -> None:
    white = {"transparency": "white", "animated": "error", "exif": "ignore"}
    usual = {**white, "transparency": "error"}
    sources = {
        "real|2%/": {"settings": white, "skipped": []},
        "fake_1/": {"settings": white, "skipped": ["a", "b"]},
        "fake_2/": {"settings": usual, "skipped": []},
    }
    rows = (ROW, dataclasses.replace(ROW, sample="fake_2/"))
    report = Report(rows, {**PROVENANCE, "sources": sources})
    report.save(tmp_path / "run.md")
    lines = shown_on_a_terminal(report)
    for line in ("real|2%/: transparency white", "fake_1/: 2 pictures skipped, transparency white"):
        assert line in lines
        assert line in (tmp_path / "run.md").read_text(encoding="utf-8")
    assert not any(line.startswith("fake_2/:") for line in lines)


def test_files_are_refused_before_they_are_written(tmp_path: Path) -> None:
    for name, message in (
        ("run.xls", "unknown suffix"),
        ("absent/run.json", "there is no folder"),
        ("folder.json", "is a folder"),
    ):
        (tmp_path / "folder.json").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match=message):
            REPORT.save(tmp_path / name)
