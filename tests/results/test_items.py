"""What a metric finds beside its scores reaches Python, the file beside the report and the page."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import safetensors.numpy

import ganeval
from ganeval.errors import InputError, UsageError
from ganeval.metrics.base import Evidence, Inputs, Need, Result, Score, both_sides, by_role, rows_of
from ganeval.metrics.table import METRICS
from ganeval.report.items import ITEMS
from ganeval.report.report import Report
from ganeval.scores.kind import ScoreKind
from tests.command import Command
from tests.results.rows import kind_of


@dataclass(frozen=True)
class Nearest:
    """Find for each item of the sample the nearest one of the reference."""

    most: int = 3

    common_name: ClassVar[str] = "Distance to the nearest"
    kinds: ClassVar[tuple[ScoreKind, ...]] = (kind_of("nearest", error="none"),)

    @property
    def needs(self) -> tuple[Need, ...]:
        return both_sides(minimum=1, why="a distance")

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        sides = by_role(inputs)
        sample, reference = rows_of(sides["sample"]), rows_of(sides["reference"])
        every = np.linalg.norm(sample[:, None].astype(float) - reference[None], axis=2)
        least = every.min(axis=1)
        order = np.argsort(least, kind="stable")[: self.most]
        pairs = np.stack([order, every[order].argmin(axis=1)], axis=1)
        grid = np.linspace(0, 1, 5)
        return Result(
            scores=(Score(kind=self.kinds[0], value=float(least.mean())),),
            curves={"quantiles": np.stack([grid, np.quantile(least, grid)], axis=1)},
            per_item={"distance": np.where(least > 0, least, np.nan)},
            evidence={
                "copies": Evidence(
                    roles=("sample", "reference"),
                    rows=pairs,
                    values=least[order],
                    title="the nearest pairs",
                )
            },
        )


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric stands in the table."""
    monkeypatch.setitem(METRICS.entries, "nearest", f"{__name__}:Nearest")  # type: ignore[arg-type]


PIXELS = np.random.default_rng(0).integers(0, 256, (2, 12, 16, 16, 3), dtype=np.uint8)
PIXELS[0][5] = PIXELS[1][7]


def scored(metric: str = "nearest", **options: Any) -> Report:
    return ganeval.evaluate(
        sample=ganeval.Images(PIXELS[0], name="fake"),
        reference=ganeval.Images(PIXELS[1], name="real"),
        metrics=[metric],
        **{"extractor": "random", "device": "cpu", "cache": False, **options},
    )


def test_items_are_found_by_the_score_or_the_metric() -> None:
    report = scored("nearest:most=2")
    found = report.items_of(("fake", "nearest:most=2"))
    assert found is report.items_of("nearest:most=2")
    assert found.per_item["distance"].shape == (12,)
    assert np.isnan(found.per_item["distance"]).tolist() == [at == 5 for at in range(12)]
    assert found.curves["quantiles"].shape == (5, 2)
    pairs = found.evidence["copies"]
    assert pairs.names[0] == ("5", "7")
    assert len(pairs.names) == len(pairs.values) == 2
    assert (pairs.values[0], pairs.pictures) == (0.0, ())
    with pytest.raises(UsageError, match="the report has no values of items for kid"):
        scored("kid").items_of("kid")


def test_names_are_those_of_the_items_that_have_a_row(real: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fake"
    folder.mkdir()
    for at, path in enumerate(sorted(real.iterdir())):
        (folder / f"{at:02}.png").write_bytes(b"no picture" if at == 1 else path.read_bytes())
    options: dict[str, Any] = {"extractor": "random", "on_bad_image": "skip", "max_bad": 0.5}
    report = ganeval.evaluate(sample=folder, reference=real, metrics=["nearest"], **options)
    pairs = report.items_of("nearest").evidence["copies"]
    names = sorted(path.name for path in real.iterdir())
    for (one, other), value in zip(pairs.names, pairs.values, strict=True):
        assert value == 0.0
        assert Path(other).name == names[int(Path(one).stem)]
    assert Path(pairs.names[1][0]).stem == "02"  # the second row, since 01 was skipped


def test_a_stream_names_its_items_by_their_place() -> None:
    with ganeval.Accumulator(
        reference=ganeval.Images(PIXELS[1], name="real"),
        metrics=["nearest"], extractor="random", name="loop",
    ) as stream:  # fmt: skip
        stream.update(PIXELS[0].transpose(0, 3, 1, 2))
        found = stream.compute().items_of("nearest")
    assert found.evidence["copies"].names[0] == ("5", "7")


def test_they_lie_beside_the_report_and_belong_to_its_scores(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report, path = scored(), tmp_path / "run.json"
    report.save(path)
    beside = ITEMS.path(path)
    first = beside.read_bytes()
    loaded = Report.load(path)
    assert loaded == report
    mine, found = report.items_of("nearest"), loaded.items_of("nearest")
    np.testing.assert_array_equal(found.per_item["distance"], mine.per_item["distance"])
    np.testing.assert_array_equal(found.curves["quantiles"], mine.curves["quantiles"])
    assert found.evidence["copies"].names == mine.evidence["copies"].names
    assert found.evidence["copies"].title == "the nearest pairs"
    loaded.renamed({"fake": "made"}).save(path)
    assert Report.load(path).items_of(("made", "nearest")).per_item.keys() == {"distance"}
    loaded.save(path)
    assert beside.read_bytes() == first
    path.write_text(path.read_text().replace('"num_sample": 12', '"num_sample": 13'))
    assert Report.load(path).items == {}
    assert "run.items.safetensors: belongs to other scores" in caplog.text


@pytest.mark.parametrize("damage", ["truncate", "flip", "foreign"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.json"
    scored().save(path)
    content = bytearray(ITEMS.path(path).read_bytes())
    if damage == "truncate":
        content = content[:-8]
    elif damage == "flip":
        content[-1] ^= 1
    else:
        content = bytearray(safetensors.numpy.save({"x": np.zeros(2)}))
    ITEMS.path(path).write_bytes(content)
    with pytest.raises(InputError, match=r"run\.items\.safetensors: damaged"):
        Report.load(path)


def test_a_file_of_others_is_not_replaced(tmp_path: Path, ganeval: Command, real: Path) -> None:
    other = tmp_path / "run.items.safetensors"
    other.write_bytes(b"mine")
    words = ["--extractor", "random", "-o", tmp_path / "run.json"]
    refused = ganeval("eval", real, real, "-m", "kid", *words)
    assert (refused.code, other.read_bytes()) == (2, b"mine")
    assert "run.items.safetensors: exists already, and has no values of items" in refused.error


def test_the_page_shows_pairs_beside_each_other_and_draws_the_curves(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    report = scored(gallery=True)
    report.save(path)
    page = path.read_text("utf-8").partition('id="evidence"')[2].partition('id="paste"')[0]
    assert "nearest: the nearest pairs" in page
    assert len(re.findall("<img", page)) == 6
    assert 'alt="sample fake[5]"' in page
    assert 'alt="reference real[7]"' in page
    ends = page.index("fake[5]"), page.index("real[7]"), page.index('<p class="soft">0</p>')
    assert list(ends) == sorted(ends)
    assert page.index("<figcaption>sample</figcaption>") < page.index("<figcaption>reference<")
    assert "nearest: quantiles" in path.read_text("utf-8")
    report.save_plots(tmp_path / "plots")
    assert (tmp_path / "plots" / "curve-nearest-quantiles.svg").exists()
    # Without pictures their names stand there.
    report.save(tmp_path / "run.json")
    Report.load(tmp_path / "run.json").save(path)
    page = path.read_text("utf-8").partition('id="evidence"')[2].partition('id="paste"')[0]
    assert "<td>5</td><td>7</td><td>0</td>" in page
