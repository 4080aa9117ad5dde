"""The dry run of `scripts/gpu`, and what it says where there is no GPU."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.first_look.sheet import Line, Sheet

ROOT = Path(__file__).parents[2]


def look(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "scripts/gpu.py", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )


def test_the_dry_run_fills_the_table_and_the_file(tmp_path: Path) -> None:
    done = look("--device", "cpu", "--small", "-o", tmp_path / "new" / "folder")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "new" / "folder" / "gpu.md").read_text("utf-8") == done.stdout
    content = json.loads((tmp_path / "new" / "folder" / "gpu.json").read_text("utf-8"))
    assert set(content["seconds"]) == {"tests", "scores", "stream", "training", "speed"}
    lines = {line["work"]: line for line in content["lines"]}
    assert all(line["holds"] in (True, None) for line in lines.values())
    # Each kind of line that the look promises is there.
    for words in (
        "tests marked gpu",
        "float32, beside cpu float32",
        "bfloat16, beside cpu float32",
        "in another process",
        "--batch-size",
        "Accumulator fed",
        "dcgan, 4 steps",
        "ganeval sample",
        "samples on cpu, made twice",
        "efficientnet-lite0, float32: network alone",
        "inception, float32: network alone",
        "decoding",
        "end to end",
    ):
        assert any(words in work for work in lines), words
    table = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(table) == 2 + len(lines)
    assert {line.count(" | ") for line in table} == {4}


def test_without_a_gpu_it_says_so_in_one_line(tmp_path: Path) -> None:
    done = look("-o", tmp_path / "out")
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gpu: error: no device 'cuda'")
    assert not (tmp_path / "out").exists()


def test_a_part_that_fails_costs_nothing_else(tmp_path: Path) -> None:
    def breaks() -> Iterator[Line]:
        yield Line(work="first | half", seen="seen", numbers={"value": float("nan")})
        raise RuntimeError("CUDA error: no kernel image\nis available")

    sheet = Sheet(tmp_path, {"device": "none"})
    sheet.fill("broken", breaks)
    assert not sheet.holds
    sheet.fill("later", lambda: [Line(work="other", seen="1", promised="1", holds=True)])
    first, error, later = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["lines"]
    assert first["numbers"] == {"value": "nan"}
    assert error["seen"] == "RuntimeError: CUDA error: no kernel image is available"
    assert "in breaks" in error["numbers"]["traceback"]
    assert later["work"] == "other"
    rows = (tmp_path / "gpu.md").read_text("utf-8").splitlines()[4:7]
    assert rows[0] == "| first \\| half | seen |  |  |  |"
    assert rows[1].endswith("| no error | **no** |")
    assert rows[2] == "| other | 1 |  | 1 | yes |"
