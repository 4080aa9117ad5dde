"""A reader of stdout that has gone."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ganeval as package
from ganeval.gate.baseline import accept
from tests.pictures import blobs


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("list", "metrics"), 0),
        (("eval", "real", "fake", "-m", "kid:subset_size=4", "--extractor", "random"), 0),
        (("check", "run.json", "--baseline", "base.json", "--max-regress", "kid=9"), 4),
    ],
)
def test_a_reader_that_has_gone_is_no_failed_gate(
    words: tuple[str, ...], code: int, tmp_path: Path, write_pictures: Any
) -> None:
    for seed, name in enumerate(("real", "fake")):
        write_pictures(tmp_path / name, blobs(8, seed=seed))
    options: Any = {"extractor": "random", "device": "cpu", "cache": False}
    package.evaluate(
        sample=str(tmp_path / "fake"),
        reference=str(tmp_path / "real"),
        metrics=["kid:subset_size=4"],
        **options,
    ).save(tmp_path / "run.json")
    accept(package.Report.load(tmp_path / "run.json"), tmp_path / "base.json")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "ganeval", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert ("stdout was closed before the answer of the gate" in done.stderr) is (code == 4)
