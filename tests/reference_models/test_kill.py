"""A run that is stopped at any moment, and resumed, is the run that was not."""

import json
import random
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import Command
from tests.reference_models.folders import assert_same_files
from tests.waiting import until

ROOT = Path(__file__).parents[2]
OPTIONS = (
    *("--save-every", "7", "--grid-every", "5"),
    *("--eval-every", "10", "--eval-extractor", "random", "--eval-images", "8"),
)


def num_rows(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_stopped_at_a_random_moment_and_resumed(
    number: signal.Signals, tmp_path: Path, ganeval: Command
) -> None:
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    moment = random.Random(int(number)).randrange(5, 40)
    words = ["train", "gan", "--steps", "1000000", "--out", str(stopped), *OPTIONS]
    with subprocess.Popen(
        [sys.executable, "-m", "ganeval", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as child:
        until(lambda: num_rows(stopped / "metrics.jsonl") >= moment, child)
        child.send_signal(number)
        _, said = child.communicate()
    if number == signal.SIGKILL:
        assert child.returncode == -signal.SIGKILL
        left = stopped / f".state.pt.{'0' * 32}.tmp"  # as if killed while saving
        left.write_bytes(b"half")
    else:
        assert child.returncode == 130
        again = shlex.join(["ganeval", *words, "--resume"])
        assert said.splitlines()[-1] == f"ganeval: interrupted; to continue: `{again}`"
        assert not list(stopped.rglob(".*.tmp"))
    steps = str(num_rows(stopped / "metrics.jsonl") + 10)
    rest = ("--steps", steps, *OPTIONS)
    assert ganeval("train", "gan", "--out", stopped, *rest, "--resume").code == 0
    assert ganeval("train", "gan", "--out", whole, *rest).code == 0
    assert_same_files(stopped, whole)
    rows = (stopped / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == list(range(1, int(steps) + 1))
