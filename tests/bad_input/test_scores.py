"""Bad input: too few images, twins, roles, NaN, typing mistakes."""

import ast
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganeval as package
from ganeval.extractors.random_network import RandomNetwork
from tests.bad_input.outcomes import JSON, RANDOM, card, refusal, report, shards, values
from tests.command import Command
from tests.pictures import blobs

WritePictures = Callable[..., Path]


def test_one_image(ganeval: Command, real: Path, fake: Path) -> None:
    one = fake.with_name("one")
    one.mkdir()
    shutil.copy(fake / "00000.png", one)
    assert f"{one}: 1 image; needed: at least 2 for fid " in refusal(
        ganeval("fid", real, one, *RANDOM)
    )
    assert f"{one}: 1 image; needed: at least 2 for fid " in refusal(
        ganeval("fid", one, real, *RANDOM)
    )


@pytest.mark.parametrize("num", [2, 3, 63, 64, 65])
def test_fewer_images_than_dimensions(
    ganeval: Command, real: Path, tmp_path: Path, write_pictures: WritePictures, num: int
) -> None:
    few = write_pictures(tmp_path / "few", blobs(num, seed=5))
    found = ganeval("fid", real, few, *JSON)
    (score,) = report(found)["scores"]
    assert 0 < score["value"] < 100
    note = f"sample: {num} images for 64 dimensions, so the covariance is singular"
    assert any(line.startswith(note) for line in score["notes"]) == (num <= 64)
    assert any(line.startswith("reference: 30 images") for line in score["notes"])
    assert score["interval"] is score["se"] is None


def test_subsets_of_more_images_than_there_are(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    words = ("eval", real, fake, *RANDOM, "-m")
    line = refusal(ganeval(*words, "kid:subset_size=26"))
    assert f"{fake}: 25 images; needed: at least 26 for kid (subset_size 26); " in line
    assert ganeval(*words, "kid:subset_size=25:num_subsets=2").code == 0
    line = refusal(ganeval("kid", real, fake, *RANDOM, "--protocol", "torch-fidelity"))
    assert "at least 1,000 for kid " in line
    for given in ("kid:subset_size=1", "kid:num_subsets=5", "kid:subset_size=5:num_subsets=0"):
        refusal(ganeval(*words, given))


@pytest.mark.parametrize(
    ("metric", "least"), [("pr:k=25", 26), ("dc:k=30", 31), ("pr", 4), ("dc", 6)]
)
def test_no_more_images_than_neighbours(
    ganeval: Command,
    real: Path,
    fake: Path,
    tmp_path: Path,
    write_pictures: WritePictures,
    metric: str,
    least: int,
) -> None:
    side = fake if "k" in metric else write_pictures(tmp_path / "few", blobs(least - 1, seed=7))
    num = 25 if "k" in metric else least - 1
    name = metric.split(":")[0]
    line = refusal(ganeval("eval", real, side, *RANDOM, "-m", metric))
    assert f"{side}: {num} images; needed: at least {least} for {name} (" in line


def test_fewer_images_than_splits(
    ganeval: Command, tmp_path: Path, write_pictures: WritePictures
) -> None:
    few = write_pictures(tmp_path / "few", blobs(9, seed=8))
    line = refusal(ganeval("is", few, *RANDOM))
    assert f"{few}: 9 images; needed: at least 10 for is (10 splits); " in line


def test_the_same_images_have_distance_zero(
    ganeval: Command, real: Path, tmp_path: Path, write_pictures: WritePictures
) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(real, copied)
    for sample in (copied, real, f"folder:{real}"):
        found = ganeval("eval", real, sample, *JSON)
        scores = values(found)
        assert scores["fid"] == 0.0
        assert scores["precision"] == scores["recall"] == scores["coverage"] == 1.0
        warning = f"{sample} and {real} are the same images"
        assert warning in report(found)["provenance"]["warnings"]
        assert f"ganeval: warning: {warning}" in found.err.splitlines()
    many = write_pictures(tmp_path / "many", blobs(90, seed=3, height=8, width=8))
    assert values(ganeval("fid", many, many, *JSON)) == {"fid": 0.0}
    other_order = tmp_path / "other"
    other_order.mkdir()
    for number, path in enumerate(sorted(many.iterdir())):
        shutil.copy(path, other_order / f"{99 - number}.png")
    assert 0 <= values(ganeval("fid", many, other_order, *JSON))["fid"] < 1e-6


def test_images_on_both_sides(ganeval: Command, real: Path, fake: Path) -> None:
    for number in range(4):
        shutil.copy(real / f"{number:05}.png", fake / f"leak{number}.png")
    found = ganeval("fid", real, fake, *JSON)
    warning = f"{fake} and {real} share 4 images"
    assert report(found)["provenance"]["warnings"] == [warning]
    assert f"ganeval: warning: {warning}" in found.err.splitlines()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("layer", ["pool", "logits"])
def test_features_that_are_no_numbers(
    ganeval: Command,
    real: Path,
    fake: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: float,
    layer: str,
) -> None:
    run, calls = RandomNetwork.__call__, []

    def spoilt(self: RandomNetwork, batch: torch.Tensor, layers: Sequence[str]) -> Any:
        outputs = {name: rows.clone() for name, rows in run(self, batch, layers).items()}
        calls.append(len(batch))
        if len(calls) == 2:
            outputs[layer][3, 5] = value
        return outputs

    monkeypatch.setattr(RandomNetwork, "__call__", spoilt)
    line = refusal(ganeval("fid", fake, real, *RANDOM, "--batch-size", 8))
    assert f"{fake}/00011.png: random returned NaN or Infinity in layer {layer} (1 items" in line
    assert shards(own_cache) == []


def test_roles_by_name(ganeval: Command, real: Path, tmp_path: Path) -> None:
    narrow = tmp_path / "narrow"  # a part of the reference: precise, but it recalls little
    narrow.mkdir()
    for number in range(5):
        shutil.copy(real / f"{number:05}.png", narrow)
    forth = ganeval("eval", real, narrow, "-m", "pr:k=1", *JSON)
    back = ganeval("eval", narrow, real, "-m", "pr:k=1", *JSON)
    assert values(forth)["precision"] == values(back)["recall"] == 1.0
    assert values(forth)["recall"] == values(back)["precision"] < 1.0
    for found, sample, reference in ((forth, narrow, real), (back, real, narrow)):
        for score in report(found)["scores"]:
            assert (score["sample"], score["reference"]) == (str(sample), str(reference))


def test_no_square_root_of_a_matrix_is_taken_from_scipy() -> None:
    root = Path(package.__file__).parent
    paths = sorted(root.rglob("*.py"))
    assert len(paths) > 30
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(node, "attr", ""), getattr(node, "id", "")}
            names |= {alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")}
            assert "sqrtm" not in names, f"{path}:{getattr(node, 'lineno', '?')}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("-m", "fdi"),
            "unknown metric 'fdi'; needed: one of fid, is, kid, pr, dc, fid-debiased, ",
        ),
        (("-m", "fdi"), "; did you mean 'fid'?"),
        (("-m", "FID"), "; did you mean 'fid'?"),
        (("--extractor", "EfficientNet-Lite0"), "; did you mean 'efficientnet-lite0'?"),
        (("-m", "fid,kid:subset_sise=3"), "did you mean 'subset_size'?"),
        (("-m", "kid:subset_size"), "option 'subset_size' of metric kid has no value"),
        (("-m", "kid:subset_size=3:subset_size=4"), "is given twice"),
        (("-m", "pr:k=0"), "pr has k=0; needed: at least 1"),
        (("-m", "pr:inclusion=open"), "is 'open'; needed: one of: closed, strict"),
        (("-m", "fid,"), "unknown metric ''"),
        (("--protocol", "cleanfid"), "did you mean 'clean-fid'?"),
        (("--extractor", "incpetion"), "did you mean 'inception'?"),
        (("--float-range", "0"), "--float-range 0; needed: LOW,HIGH with LOW < HIGH"),
        (("--max-bad", "2"), "--max-bad 2; needed: a share such as 1% or 0.01"),
        (("--memory", "2XB"), "--memory 2XB; needed: a size such as 500MB or 2GB"),
        (("--memory", "-1GB"), "--memory -1GB; needed: a size such as 500MB or 2GB"),
        (("--memory", "9MB"), "memory is 9000000; needed: at least 10,000,000"),
        (("--max-bad", "nan"), "--max-bad nan"),
        (("--float-range", "0,nan"), "--float-range 0,nan"),
        (("--float-range", "0,inf"), "--float-range 0,inf"),
        (("--num-images", "0"), "num_images is 0; needed: at least 1"),
        (("--batch-size", "-1"), "batch_size is -1; needed: at least 1"),
        (("--seed", "-1"), "seed is -1; needed: at least 0"),
        (("--engine", "ray", "--no-cache"), "--no-cache with --engine ray"),
        (("--engine", "ray", "--device", "cuda:1"), "--device cuda:1 with --engine ray"),
        (("-o", "run.jsno"), "unknown suffix '.jsno'; needed: one of .json .csv .md .tex"),
        (("-o", "nowhere/run.json"), "there is no folder nowhere"),
    ],
)
def test_typing_mistakes_fail_before_a_source_is_opened(
    ganeval: Command, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    absent = tmp_path / "absent"
    assert message in refusal(ganeval("eval", absent, absent, *words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fdi", "a", "b"), "No such command 'fdi'; did you mean 'fid'?"),
        (("fid", "a", "b", "--extracter", "random"), "--extractor"),
        (("fid", "a"), "SAMPLE is missing; write `ganeval fid REFERENCE SAMPLE`"),
        (("fid", "a", "b", "c"), "unexpected extra argument (c); write `ganeval fid REF"),
        (("is", "a", "b"), "write `ganeval is SAMPLE` (it looks at no reference)"),
        (("eval", "a", "b", "-m", "fid", "kid"), "several metrics are one text: `-m fid,kid`"),
        (("fid", "a", "b", "--num-images", "ten"), "'ten' is not a valid integer"),
        (("fid", "a", "b", "--transparency", "purple"), "'drop', 'white', 'black'"),
        (("stats", "mkae", "a"), "No such command 'mkae'; did you mean 'make'?"),
        (("stats", "make", "a"), "no -o; add `-o "),
        (("list", "metric"), "'metrics'"),
    ],
)
def test_wrong_words(ganeval: Command, words: tuple[str, ...], message: str) -> None:
    found = ganeval(*words)
    assert found.code == 2
    assert message in found.error
    assert "--help`" in found.error
    assert len(found.err.splitlines()) == 1


def test_a_source_that_is_misspelt(ganeval: Command, real: Path) -> None:
    for text, message in (
        (f"foldr:{real}", "did you mean 'folder'?"),
        (f"folder:{real},sise=8", "did you mean 'size'?"),
        (f"folder:{real},size=big", "option 'size' of source folder is 'big'"),
        (f"folder:{real},crop=center", "option 'crop' is center without a size"),
        (f"folder:{real},size=0", "at least 1 pixel"),
        ("folder:", "names nothing"),
        ("data:digit", "did you mean 'digits'?"),
        ("", "(empty): no such file or directory"),
    ):
        assert message in refusal(ganeval("fid", real, text, *RANDOM))


def test_a_subset_of_more_images_than_there_are(ganeval: Command, real: Path, fake: Path) -> None:
    line = refusal(ganeval("fid", real, fake, *RANDOM, "--num-images", 26))
    assert f"{fake}: has 25 images, --num-images asks for 26" in line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a ganeval report"),
        ("[]", "not a ganeval report"),
        ('{"schema": "ganeval.report/9"}', "schema 'ganeval.report/9'"),
        (
            '{"schema": "ganeval.report/1", "scores": [{}], "provenance": {}}',
            "not a ganeval report",
        ),
        ('{"schema": "ganeval.report/1", "scores": 3, "provenance": {}}', "not a ganeval report"),
    ],
)
def test_files_that_are_no_reports(
    ganeval: Command, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)
    line = refusal(ganeval("table", path))
    assert str(path) in line
    assert message in line
    assert f"{tmp_path}/no.json: no such file" in refusal(ganeval("table", tmp_path / "no.json"))


def test_a_report_with_nan_is_refused(ganeval: Command, real: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    found = ganeval("fid", real, real, *JSON, "-o", path)
    content = report(found)
    content["scores"][0]["value"] = float("nan")
    path.write_text(json.dumps(content))
    assert f"{path}: not a ganeval report (NaN is not a JSON number)" in refusal(
        ganeval("table", path)
    )


def test_arrays_that_are_no_pictures(ganeval: Command, real: Path, tmp_path: Path) -> None:
    for name, array in (
        ("floats.npy", np.zeros((9, 24, 24, 3), np.float32)),
        ("flat.npy", np.zeros((9, 24), np.uint8)),
        ("five.npy", np.zeros((9, 24, 24, 5), np.uint8)),
        ("none.npy", np.zeros((0, 24, 24, 3), np.uint8)),
        ("objects.npy", np.array([{}], dtype=object)),
    ):
        path = tmp_path / name
        np.save(path, array)
        assert str(path) in refusal(ganeval("fid", real, path, *RANDOM))
    good = tmp_path / "good.npy"
    np.save(good, blobs(9, seed=1))
    content = good.read_bytes()
    assert card(ganeval("fid", real, good, *JSON), good)["count"] == 9
    for cut in (0, 5, 60, 1000, len(content) - 1):
        good.write_bytes(content[:cut])
        assert str(good) in refusal(ganeval("fid", real, good, *RANDOM))
