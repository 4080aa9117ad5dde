"""The HTML report as text, and its plots as files; what a browser makes of it is tested beside."""

import base64
import dataclasses
import hashlib
import html.parser
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import PIL.Image
import pytest

from ganeval.errors import UsageError, one_line
from ganeval.report.report import Report
from tests.command import Command
from tests.results.pages import HOSTILE, REFERENCE, full_report

PLOTS = {
    *(f"bars-{name}" for name in ("fid", "is", "kid", "precision", "recall", "density")),
    *("bars-coverage", "precision-recall", "fid-samples"),
}


class Tags(html.parser.HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    full_report().save(path)
    return path.read_text(encoding="utf-8")


def test_same_report_same_bytes(page: str, tmp_path: Path) -> None:
    full_report().save(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    assert len(page) < 600_000


def test_names_stay_text(page: str) -> None:
    tags = Tags(page).found
    assert not [attrs for _, attrs in tags if any(name.startswith("on") for name in attrs)]
    assert {attrs["src"].partition(",")[0] for tag, attrs in tags if tag == "img"} == {
        "data:image/webp;base64"
    }
    assert sum(tag == "script" for tag, _ in tags) == 1
    assert HOSTILE not in page
    assert "&lt;img src=x onerror=" in page
    assert "\u202e" not in page


def test_nothing_points_outside(page: str) -> None:
    for _, attrs in Tags(page).found:
        for name in ("src", "href", "xlink:href", "srcset", "action", "poster"):
            target = attrs.get(name) or "#"
            assert target.startswith(("#", "data:")), target
    assert "@import" not in page
    assert set(re.findall(r"url\((?!#)", page)) == set()


def test_only_our_script_may_run(page: str) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (
        attrs["content"]
        for _, attrs in Tags(page).found
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_identities_are_unique(page: str) -> None:
    names = [attrs["id"] for _, attrs in Tags(page).found if "id" in attrs]
    assert len(names) == len(set(names))


def test_a_page_of_stored_scores_says_what_it_lacks(tmp_path: Path) -> None:
    full_report().save(tmp_path / "run.json")
    Report.load(tmp_path / "run.json").save(tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "this page was made from stored scores" in text
    assert "<img" not in text
    assert "gallery" not in (tmp_path / "run.json").read_text(encoding="utf-8")


def test_scores_without_error_or_interval_have_no_whisker(tmp_path: Path) -> None:
    report = full_report()
    bare = tuple(dataclasses.replace(row, se=None, interval=None) for row in report.scores)
    Report(bare, report.provenance, galleries=report.galleries).save(tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "\u00b1 " not in text
    assert "% interval " not in text.partition("<svg")[2]


def test_merged_reports_keep_their_pictures() -> None:
    report = full_report()
    halves = [
        Report(
            tuple(row for row in report.scores if (row.sample == one_line(HOSTILE)) == first),
            report.provenance,
            galleries=tuple(
                g for g in report.galleries if (g.sample == one_line(HOSTILE)) == first
            ),
        )
        for first in (True, False)
    ]
    merged = halves[0].merge(halves[1])
    assert {gallery.sample for gallery in merged.galleries} == {
        gallery.sample for gallery in report.galleries
    }


def test_plots_are_files_of_their_own(tmp_path: Path) -> None:
    full_report().save_plots(tmp_path / "plots")
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        f"{name}.{kind}" for name in PLOTS for kind in ("svg", "png")
    }
    for path in (tmp_path / "plots").glob("*.svg"):
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert path.stat().st_size < 60_000
    for path in (tmp_path / "plots").glob("*.png"):
        with PIL.Image.open(path) as picture:
            assert picture.width == 840
            assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 20


def test_commands_write_the_page_and_the_plots(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    words = ["fid", real, fake, "--extractor", "random", "--quiet"]
    outputs = ["-o", tmp_path / "r.html", "--plots", tmp_path / "plots", "-o", tmp_path / "r.md"]
    outcome = ganeval(*words, *outputs)
    assert outcome.code == 0
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Raise fid most" in text
    assert text.count("<img") == 24 + 8 + 8 + 8 * 4
    assert (tmp_path / "plots" / "bars-fid.png").stat().st_size > 1000
    assert outcome.out == ganeval(*words).out


@pytest.mark.parametrize(
    ("name", "message"), [("absent/plots", "there is no folder"), ("file", "is not a folder")]
)
def test_a_folder_that_cannot_be_is_refused_before_any_work(
    ganeval: Command, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "file").touch()
    outcome = ganeval("fid", "no-such-source", "none", "--plots", tmp_path / name)
    assert outcome.code == 2
    assert message in outcome.error
    with pytest.raises(UsageError, match=message):
        full_report().save_plots(tmp_path / name)


def test_the_reference_is_named(page: str) -> None:
    assert f"reference {REFERENCE} (640 images)" in page


def test_long_names_break_behind_a_slash_and_stay_text(tmp_path: Path) -> None:
    report = full_report()
    name = "runs/<b>/g.pt"
    rows = tuple(
        dataclasses.replace(row, sample=name)
        for row in report.scores
        if row.sample == one_line(HOSTILE)
    )
    dataclasses.replace(report, scores=rows, comparisons=(), galleries=()).save(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "</span>runs/<wbr>&lt;b&gt;/<wbr>g.pt" in text
    assert "<b>/" not in text
