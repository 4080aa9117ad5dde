"""A run that is killed at any moment, resumed, is the run that was not."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import Command

ROOT = Path(__file__).parents[2]
OPTIONS = (
    *("--save-every", "7", "--grid-every", "5"),
    *("--eval-every", "10", "--eval-extractor", "random", "--eval-images", "8"),
)


def num_rows(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("seed", [0, 1])
def test_kill_and_resume(seed: int, tmp_path: Path, ganeval: Command) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    moment = random.Random(seed).randrange(5, 40)
    words = ["train", "gan", "--steps", "1000000", "--out", str(killed), *OPTIONS]
    with subprocess.Popen([sys.executable, "-m", "ganeval", *words], cwd=ROOT) as child:
        while num_rows(killed / "metrics.jsonl") < moment:
            assert child.poll() is None
        child.kill()
    assert child.returncode == -signal.SIGKILL
    left = killed / ".state.pt.0123456789abcdef.tmp"  # as if it had been killed while saving
    left.write_bytes(b"half")
    steps = str(num_rows(killed / "metrics.jsonl") + 10)
    rest = ("--steps", steps, *OPTIONS)
    assert ganeval("train", "gan", "--out", killed, *rest, "--resume").code == 0
    assert ganeval("train", "gan", "--out", whole, *rest).code == 0
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(killed) for path in killed.rglob("*") if path.is_file())
    for name in files:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    rows = (killed / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == list(range(1, int(steps) + 1))
