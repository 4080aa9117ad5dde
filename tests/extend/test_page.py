"""The page about extending ganeval: what it shows is installed and used as it says."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import reference_models
from ganeval import extend
from ganeval.images.picture import DecodePolicy
from ganeval.sources.kinds import open_text
from reference_models.engine.session import run_training
from tests.command import Command
from tests.extend.packages import FILES, PAGE, install_page
from tests.pictures import blobs

ROOT = Path(__file__).parents[2]
FAST = ("--extractor", "random")


@pytest.fixture
def fake(tmp_path: Path, write_pictures: Callable[..., Path]) -> Path:
    """As many generated pictures as a mean needs for a standard error."""
    return write_pictures(tmp_path / "fake", blobs(32, seed=2, shift=12))


def test_the_package_uses_the_names_for_packages_alone() -> None:
    files = [text for path, text in FILES.items() if path.startswith("ganeval_toys/")]
    assert len(files) == 3
    used = set()
    for text in files:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("ganeval") for alias in node.names)
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ganeval"):
                assert node.module == "ganeval.extend"
                used |= {alias.name for alias in node.names}
    assert used
    assert used <= {*extend.__all__}


def test_the_metric_is_listed_and_has_a_command(toys: Path, ganeval: Command) -> None:
    lines = ganeval("list", "metrics").out.splitlines()
    cells = ["spread", "spread around the reference", "zero", "sample, reference", "any"]
    assert re.split(r" {2,}", lines[-1]) == cells
    (entry,) = [
        one
        for one in json.loads(ganeval("list", "metrics", "--json").out)
        if one["name"] == "spread"
    ]
    assert entry["protocols"] == ["standard"]
    assert entry["scores"] == ["spread"]
    shown = ganeval("spread", "--help").out
    assert "Usage: ganeval spread [OPTIONS] REFERENCE SAMPLE" in shown
    assert "Spread around the reference, for SAMPLE against REFERENCE; 0 is best." in shown
    assert "did you mean 'spread'?" in ganeval("spraed").error


def test_the_metric_gives_a_row(toys: Path, ganeval: Command, real: Path, fake: Path) -> None:
    words = (
        "eval",
        real,
        fake,
        "-m",
        "spread,spread:power=2,spread@thumbnail,fid",
        "--json",
        *FAST,
    )
    cold, warm = (json.loads(ganeval(*words).out)["scores"] for _ in range(2))
    assert cold == warm
    assert [row["name"] for row in cold] == ["spread", "spread", "spread", "fid"]
    assert [row["options"] for row in cold[:3]] == [{}, {"power": 2.0}, {}]
    pixels = [thumbnails(folder) for folder in (fake, real)]
    centre = pixels[1].mean(axis=0)
    far = [np.linalg.norm(rows - centre, axis=1) for rows in pixels]
    assert cold[2]["value"] == pytest.approx(far[0].mean() / far[1].mean() - 1, rel=1e-5)
    se = far[0].std(ddof=1) / far[1].mean() / np.sqrt(len(far[0]))
    assert cold[2]["se"] == pytest.approx(se, rel=1e-5)
    plain = ganeval("spread", real, fake, *FAST)
    assert plain.code == 0
    assert re.search(r"^sample +images +spread ", plain.out, re.MULTILINE)


def thumbnails(folder: Path) -> np.ndarray:
    """Pictures of 8 x 8 as torch makes them, float64 [N, 192]."""
    pictures = [np.asarray(PIL.Image.open(path)) for path in sorted(folder.iterdir())]
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).double()
    small = torch.nn.functional.interpolate(batch, size=8, mode="bilinear", antialias=True)
    return ((small - 127.5) / 127.5).flatten(1).numpy()


def test_wrong_options_are_refused(toys: Path, ganeval: Command, real: Path, fake: Path) -> None:
    words = ("eval", real, fake, *FAST, "-m")
    for text, message in {
        "spread:pwoer=2": "option of metric spread 'pwoer'; "
        "needed: one of power; did you mean 'power'?",
        "spread:power=two": "option 'power' of metric spread is 'two'; needed: one of: a number; ",
        "spread:power=0": "spread has power=0.0; needed: more than 0; raise power",
        "spraed": "did you mean 'spread'?",
        "spread@thumbnial": "did you mean 'thumbnail'?",
    }.items():
        assert message in ganeval(*words, text).error


def test_samples_are_compared_by_it(toys: Path, ganeval: Command, real: Path, fake: Path) -> None:
    found = ganeval("compare", real, fake, real, "-m", "spread", "--json", *FAST)
    assert found.code == 0
    rows = json.loads(found.out)
    assert [row["name"] for row in rows["scores"]] == ["spread", "spread"]
    (row,) = rows["comparisons"]
    assert row["name"] == "spread"
    assert 0 <= row["p_value"] <= 1


def test_a_gate_goes_by_it(
    toys: Path, ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    run, worse, base = (tmp_path / name for name in ("run.json", "worse.json", "base.json"))
    assert ganeval("spread", real, real, "-o", run, *FAST).code == 0
    assert ganeval("spread", real, fake, "-o", worse, *FAST).code == 0
    assert ganeval("baseline", "accept", run, "-o", base).code == 0
    passed = ganeval("check", run, "--baseline", base, "--max-regress", "spread=0.5")
    assert passed.code == 0
    assert "spread" in passed.out
    unclear = ganeval("check", worse, "--baseline", base, "--max-regress", "spread=1e-9")
    assert unclear.code == 3
    assert "spread" in unclear.out


def test_its_report_is_read_where_it_is_not_installed(
    toys: Path,
    ganeval: Command,
    real: Path,
    fake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, base = tmp_path / "run.json", tmp_path / "base.json"
    assert ganeval("eval", real, fake, "-m", "spread:power=2", "-o", run, *FAST).code == 0
    table = ganeval("table", run).out
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(toys)])
    assert "unknown metric" in ganeval("eval", real, fake, "-m", "spread", *FAST).error
    assert "spread" in table
    assert ganeval("table", run).out == table
    assert ganeval("baseline", "accept", run, "-o", base).code == 0
    limit = "spread:power=2.0=0.5"
    assert ganeval("check", run, "--baseline", base, "--max-regress", limit).code == 0


def test_they_pass_the_contracts_of_ours_where_they_are_installed(tmp_path: Path) -> None:
    site = install_page(tmp_path / "site")
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(ROOT / "tests" / "contracts"), "-k", "spread or thumbnail"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    (num,) = re.findall(r"^(\d+) passed, \d+ deselected in ", done.stdout, re.MULTILINE)
    assert int(num) >= 15  # of both batteries


def test_a_new_process_finds_them(tmp_path: Path) -> None:
    site = install_page(tmp_path / "site")
    for kind, name in (("extractors", "thumbnail"), ("sources", "sheet")):
        shown = subprocess.run(
            [sys.executable, "-m", "ganeval", "list", kind],
            env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stderr == ""
        assert shown.stdout.splitlines()[-1].split()[0] == name


def test_the_extractor_serves_every_metric(
    toys: Path, ganeval: Command, real: Path, fake: Path
) -> None:
    words = ("fid", real, fake, "--extractor", "thumbnail", "--json")
    report = json.loads(ganeval(*words).out)
    assert report["scores"][0]["extractor"] == "thumbnail"
    assert report["scores"][0]["value"] > 0
    assert "thumbnail has no weights" in ganeval(*words, "--weights", fake / "00000.png").error


def test_the_source_has_the_tiles_of_its_sheet(
    toys: Path, ganeval: Command, real: Path, tmp_path: Path
) -> None:
    tiles = blobs(12, seed=5)
    size = tiles.shape[1]
    sheet = tiles.reshape(3, 4, size, size, 3).swapaxes(1, 2).reshape(3 * size, 4 * size, 3)
    path = tmp_path / "samples.png"
    PIL.Image.fromarray(sheet).save(path)
    text = f"sheet:{path},tile={size}"
    source = open_text(text, DecodePolicy())
    items = source.load(range(len(source)))
    assert len({item.digest for item in items}) == 12
    for item, tile in zip(items, tiles, strict=True):
        np.testing.assert_array_equal(item.picture().pixels.transpose(1, 2, 0), tile)
    report = json.loads(ganeval("fid", real, text, "--json", *FAST).out)
    assert report["scores"][0]["sample"] == text
    assert report["provenance"]["sources"][text]["kind"] == "sheet"
    for wrong, message in {
        f"sheet:{path},tile=7": "a multiple of the tile's 7",
        f"sheet:{path},tiel=7": "did you mean 'tile'?",
        f"sheet:{path}.png": "no such file",
    }.items():
        assert message in ganeval("fid", real, wrong, *FAST).error


def test_the_reference_model_trains_and_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ganeval: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(reference_models, "MODELS", dict(reference_models.MODELS))
    monkeypatch.setattr("reference_models.engine.session.MODELS", reference_models.MODELS)
    Path("dcgan_ls.py").write_text(FILES["dcgan_ls.py"])
    monkeypatch.delitem(sys.modules, "dcgan_ls", raising=False)
    script = FILES["train_it.py"]
    assert "dcgan-ls" not in reference_models.MODELS  # the page's own, beside the bundled ones
    assert script.count("steps=2000") == 1
    exec(compile(script.replace("steps=2000", "steps=3"), "train_it.py", "exec"), {})
    (rows,) = tmp_path.rglob("metrics.jsonl")
    assert len(rows.read_text().splitlines()) == 3
    checkpoint = "runs/dcgan-ls/dcgan-ls.safetensors"
    found = ganeval("fid", "data:digits", f"generator:{checkpoint},num_images=20", *FAST, "--json")
    assert json.loads(found.out)["scores"][0]["num_sample"] == 20


def test_the_likelihood_of_a_checkpoint_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_training("flow", folder=tmp_path / "runs" / "flow", steps=1)
    exec(compile(FILES["how_likely.py"], "how_likely.py", "exec"), {})
    bits = float(capsys.readouterr().out.removesuffix(" bits a byte\n"))
    assert 4 < bits < 100  # of a network that has hardly begun


def test_what_the_page_types_is_understood(toys: Path, ganeval: Command) -> None:
    lines = re.findall(r"^\$ (.*)", PAGE, re.MULTILINE)
    assert len(lines) == 7
    for line in lines:
        program, command, *words = shlex.split(line)
        if program == "ganeval":
            # The first thing that is wrong with it is that no such pictures are here.
            assert re.search("no such file", ganeval(command, *words, *fast(command)).error), line


def fast(command: str) -> tuple[str, ...]:
    return () if command == "check" else FAST
