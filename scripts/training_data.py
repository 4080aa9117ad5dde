"""Measure the preparation and the reading of training pictures, many beside a tenth of them.

    .venv/bin/python scripts/training_data.py --num 70000 --pixels 128

Makes JPEG files in a temporary folder, which is removed in the end, and lets a process of its own
prepare them, another open them again and read one epoch in batches of 64. The memory is the peak
of a process's resident memory (VmHWM of Linux), PyTorch and all else included.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import click
import numpy as np
import PIL.Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

_BATCH = 64
_FOLDER_FILES = 1000


@click.command()
@click.option("--num", default=70_000, show_default=True, help="Pictures.")
@click.option("--pixels", default=128, show_default=True, help="Height and width.")
@click.option("--folder", type=click.Path(path_type=Path), help="For all files; default: /tmp.")
@click.option("--measure", type=click.Choice(["prepare", "read"]), hidden=True)
def main(num: int, pixels: int, folder: Path | None, measure: str | None) -> None:
    """Print a row for each number of pictures."""
    if measure is not None and folder is not None:
        print(json.dumps(_measured(measure, folder)))
        return
    print("| pictures | work | time | pictures/s | peak memory |\n|---|---|---|---|---|")
    for count in (num // 10, num):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            _make(Path(place) / "pictures", count, pixels)
            for work, what in (
                ("prepare", "prepared"),
                ("read", "opened again, and one epoch read"),
            ):
                found = _in_a_process(work, Path(place))
                rate = count / found["seconds"]
                memory = f"{found['peak'] / 2**20:,.0f} MiB"
                opened = f" (opened after {found['opened']:.1f} s)" if work == "read" else ""
                print(
                    f"| {count:,} | {what}{opened} | {found['seconds']:.1f} s | {rate:,.0f} "
                    f"| {memory} |",
                    flush=True,
                )
            kept = sum(path.stat().st_size for path in Path(place).glob("cache/prepared/*/*"))
            print(f"| {count:,} | on the disk | | | {kept / 2**20:,.0f} MiB |", flush=True)


def _in_a_process(work: str, place: Path) -> dict[str, float]:
    """Return what a process of its own has measured."""
    words = [sys.executable, __file__, "--measure", work, "--folder", str(place)]
    environment = {**os.environ, "GANEVAL_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measured(work: str, place: Path) -> dict[str, float]:
    """Prepare the pictures, or read one epoch of them."""
    from reference_models.engine.data import open_data

    began = time.perf_counter()
    data = open_data(str(place / "pictures"))
    opened = time.perf_counter() - began
    if work == "read":
        count = len(data)  # type: ignore[arg-type]
        for position in range(0, count, _BATCH):
            data.batch(0, position, _BATCH)
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return {"seconds": seconds, "opened": opened, "peak": 1024 * int(found[1])}


def _make(folder: Path, count: int, pixels: int) -> None:
    """Write pictures of soft colours, each another one."""
    chunks = range(0, count, _FOLDER_FILES)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_make_some, folder, count=count, pixels=pixels), chunks))


def _make_some(folder: Path, first: int, *, count: int, pixels: int) -> None:
    """Write the pictures from one number on, in a folder of their own."""
    rng = np.random.default_rng(first)
    own = folder / f"{first:07}"
    own.mkdir(parents=True)
    for number in range(first, min(first + _FOLDER_FILES, count)):
        small = PIL.Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8))
        large = small.resize((pixels, pixels), PIL.Image.Resampling.BICUBIC)
        large.save(own / f"{number:07}.jpg", quality=90)


if __name__ == "__main__":
    main()
