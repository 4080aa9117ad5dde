"""The tests that are marked `gpu`, on the device."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.first_look.sheet import Line

ROOT = Path(__file__).parents[2]


def test_line(device: str, *, small: bool) -> Iterator[Line]:
    """Yield how many pass; a small look only collects one file, for the suite runs them anyway."""
    words = ["-m", "pytest", "-m", "gpu", "--on-device", device, "-q", "-p", "no:cacheprovider"]
    words += ["--collect-only"] if small else ["--continue-on-collection-errors"]
    words += ["tests/gpu/test_training.py" if small else "tests/gpu"]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=150
    )
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""]
    failures = [line for line in lines if re.match(r"(FAILED|ERROR) ", line)]
    yield Line(
        work=f"tests marked gpu{', only collected' if small else ''}",
        seen=lines[-1].strip("= "),
        beside="; ".join(line[:160] for line in failures),
        promised="all pass",
        holds=done.returncode == 0,
        numbers={"exit_code": done.returncode, "output": done.stdout[-20_000:]},
    )
