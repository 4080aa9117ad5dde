"""The pages of the metrics are made of their docstrings, and lose nothing of them."""

import sys
from pathlib import Path

import pytest

from ganeval.metrics.table import METRICS
from tests.docs.blocks import ROOT


@pytest.fixture
def page_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The page of each metric, by its name."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    monkeypatch.delitem(sys.modules, "metric_pages", raising=False)
    import metric_pages  # type: ignore[import-not-found]

    metric_pages.write_pages(tmp_path)
    return {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.md")}


def words_of(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()


def test_every_metric_has_a_page_with_all_words_of_its_docstring(page_of: dict[str, str]) -> None:
    assert page_of.keys() == METRICS.entries.keys()
    for name, page in page_of.items():
        docstring = str(METRICS.load(name).__doc__)
        for heading in ("What it estimates", "How many items", "Bias", "When it misleads"):
            assert f"\n## {heading}\n" in page, name
        labels = {"estimand", "numbers", "misleads", "reference", "attributes"}
        assert {*words_of(docstring)} - labels <= {*words_of(page)}, name


def test_a_fact_ends_where_the_next_begins(page_of: dict[str, str]) -> None:
    assert "\n## Standard error and interval of coverage\n" in page_of["dc"]
    for page in page_of.values():
        for label in (
            "\nNumbers: ",
            "\nBias: ",
            "\nMisleads: ",
            "\nReference: ",
            "\nStandard error",
        ):
            assert label not in page


def test_formulas_are_no_markup(page_of: dict[str, str]) -> None:
    assert r"\|m\_s - m\_r\|\^2" in page_of["fid"]
