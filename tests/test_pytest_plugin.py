"""The pytest plugin, in a project of its own that the test makes."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ganeval.errors import UsageError
from ganeval.pytest_plugin import _metrics_of
from tests.command import Command

ROOT = Path(__file__).parents[1]

PROJECT = """
import numpy as np
import torch

import ganeval
from ganeval.sources.arrays.datasets import digits
from ganeval.sources.generator import generator_source

OPTIONS = {"extractor": "random", "cache": False, "device": "cpu"}  # 64 dimensions
REFERENCE = digits("train")[0][:400]


def generator(change):
    weight = torch.randn(3 * 8 * 8, 4, generator=torch.Generator().manual_seed(0))
    linear = torch.nn.Linear(4, 3 * 8 * 8)
    linear.weight.data, linear.bias.data = weight, torch.full((3 * 8 * 8,), change)
    network = torch.nn.Sequential(linear, torch.nn.Unflatten(1, (3, 8, 8)), torch.nn.Tanh())
    return ganeval.Generator(network, latent_size=4, value_range=(-1, 1), num_images=400)


def pictures(change):
    source = generator_source(generator(change))
    items = source.load(range(400))
    return torch.from_numpy(np.stack([item.picture().pixels for item in items]))
"""
TESTS = """
from project import OPTIONS, REFERENCE, generator, pictures


def test_an_unchanged_generator(ganeval_check):
    verdict = ganeval_check(
        sample=generator(0.0), reference=REFERENCE, baseline="baseline.json", **OPTIONS
    )
    assert verdict.outcome == "pass"


def test_a_worse_generator(ganeval_check):
    ganeval_check(
        sample=generator(1.0),
        reference=REFERENCE,
        baseline="baseline.json",
        max_regress=["fid=2%", "recall=90%"],
        **OPTIONS,
    )


def test_a_tensor(ganeval_check):
    ganeval_check(
        sample=pictures(0.0), reference=REFERENCE, baseline="baseline.json",
        max_regress="fid=300%", **OPTIONS,
    )


def test_a_folder(ganeval_check):
    ganeval_check(
        sample="fake", reference=REFERENCE, baseline="baseline.json", max_regress="kid=9", **OPTIONS
    )


def test_nothing_is_shown(ganeval_check):
    ganeval_check(
        sample="fake", reference=REFERENCE, baseline="baseline.json", max_regress="kid=1e-9",
        **OPTIONS,
    )


def test_nothing_is_shown_and_that_will_do(ganeval_check):
    ganeval_check(
        sample="fake", reference=REFERENCE, baseline="baseline.json", max_regress="kid=1e-9",
        on_inconclusive="pass", **OPTIONS,
    )


def test_any_loss(ganeval_check):
    ganeval_check(
        sample=generator(1.0), reference=REFERENCE, baseline="baseline.json",
        max_regress="fid=90000%", fail_on="any", **OPTIONS,
    )


def test_no_loss_beyond_the_tolerance(ganeval_check):
    ganeval_check(
        sample=generator(1.0), reference=REFERENCE, baseline="baseline.json",
        max_regress="fid=90000%", **OPTIONS,
    )


def test_no_baseline(ganeval_check):
    ganeval_check(sample="fake", reference=REFERENCE, baseline="absent.json", **OPTIONS)


def test_another_reference(ganeval_check):
    ganeval_check(
        sample="fake", reference=REFERENCE[:399], baseline="baseline.json", **OPTIONS
    )
"""
MAKE = """
from pathlib import Path

import PIL.Image
import pytest

import ganeval
from ganeval.gate.baseline import accept
from project import OPTIONS, REFERENCE, generator, pictures


@pytest.fixture(scope="session", autouse=True)
def files():
    report = ganeval.evaluate(
        sample=generator(0.0), reference=REFERENCE, metrics=["fid", "kid", "pr"], **OPTIONS
    )
    accept(report, Path("baseline.json"))
    Path("fake").mkdir()
    for number, pixels in enumerate(pictures(0.001).numpy()):
        PIL.Image.fromarray(pixels.transpose(1, 2, 0)).save(f"fake/{number:04}.png")
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What pytest says in a project with a baseline."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "project.py").write_text(PROJECT)
    (folder / "test_generators.py").write_text(TESTS)
    (folder / "conftest.py").write_text(MAKE)
    # By name, so that the test needs no installation.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "COLUMNS": "200",
    }
    words = ("-m", "pytest", "-rA", "-p", "ganeval.pytest_plugin", "--basetemp", folder / "temp")
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_it_is_an_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"ganeval": "ganeval.pytest_plugin"}


def test_each_kind_of_sample_is_scored_and_asserted(
    session: subprocess.CompletedProcess[str],
) -> None:
    assert session.returncode == 1
    lines = session.stdout.splitlines()
    found = {
        line.split(" - ")[0].split("::")[-1]: line.split()[0]
        for line in lines
        if "py::" in line and line.split()[0] in ("PASSED", "FAILED")
    }
    assert found == {
        "test_an_unchanged_generator": "PASSED",
        "test_a_worse_generator": "FAILED",
        "test_a_tensor": "PASSED",
        "test_a_folder": "PASSED",
        "test_nothing_is_shown": "FAILED",
        "test_nothing_is_shown_and_that_will_do": "PASSED",
        "test_any_loss": "FAILED",
        "test_no_loss_beyond_the_tolerance": "PASSED",
        "test_no_baseline": "FAILED",
        "test_another_reference": "FAILED",
    }


def test_a_failing_assertion_prints_the_table(session: subprocess.CompletedProcess[str]) -> None:
    text = session.stdout
    start = text.index("_ test_a_worse_generator _")
    shown = text[start : text.index("_ test_", start + 20)]
    assert "score" in shown
    assert "tolerated" in shown
    assert "FAIL" in shown
    assert "gate failed: worse than the baseline" in shown
    assert "To accept it: ganeval baseline accept " in shown
    assert "pytest_plugin.py" not in shown  # the test's own line is what matters
    for name in ("test_no_baseline", "test_another_reference"):
        start = text.index(f"_ {name} _")
        of_error = text[start:].partition("\n__")[0].partition("\n==")[0]
        assert "ganeval_check(" in of_error  # the test's own line
        assert "During handling" not in of_error
        assert "direct cause" not in of_error
        assert f"{os.sep}ganeval{os.sep}" not in of_error.replace(str(ROOT / "tests"), "")
        assert ".py:" in of_error
        assert all("test_generators.py:" in one for one in of_error.splitlines() if ".py:" in one)
    assert "gate inconclusive" in text
    assert "absent.json: no such file" in text
    assert "accept this run: ganeval baseline accept" in text
    assert "run and baseline differ: reference: the images are others" in text


def test_the_run_that_a_failure_names_can_be_accepted(
    session: subprocess.CompletedProcess[str], tmp_path: Path, ganeval: Command
) -> None:
    words = session.stdout.partition("To accept it: ganeval ")[2].splitlines()[0].split()
    assert ganeval(*words[:-1], tmp_path / "new.json").code == 0
    assert (tmp_path / "new.influence.safetensors").exists()


def test_scores_know_their_metrics() -> None:
    assert _metrics_of(["recall", "fid", "precision"]) == ["pr", "fid", "kid"]
    assert _metrics_of(["kid"]) == ["kid"]
    with pytest.raises(UsageError, match="did you mean 'recall'"):
        _metrics_of(["recal"])
