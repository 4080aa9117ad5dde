"""Time ganeval beside pytorch-fid, and the Frechet term beside `scipy.linalg.sqrtm`.

    .venv/bin/python scripts/bench.py --pictures 48 --pixels 256

Both tools run as whole processes on the same two folders with the same random Inception weights
(random weights cost the same as the published ones). Rounds alternate between the tools and the
best of each is kept, since other load on the machine only ever adds time. Needs the extra `test`.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import PIL.Image
import scipy.linalg

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ganeval.features.moments import Moments  # noqa: E402
from ganeval.metrics.linalg import frechet_distance  # noqa: E402
from tests.pictures import blobs  # noqa: E402
from tests.random_inception import write_random_inception  # noqa: E402


@click.command()
@click.option("--pictures", default=48, show_default=True, help="Pictures on each side.")
@click.option("--pixels", default=256, show_default=True)
@click.option("--rounds", default=2, show_default=True)
@click.option("--dimensions", default=2048, show_default=True)
def bench(pictures: int, pixels: int, rounds: int, dimensions: int) -> None:
    """Print both comparisons."""
    with tempfile.TemporaryDirectory() as name:
        end_to_end(Path(name), pictures, pixels, rounds)
    frechet_term(dimensions, rounds)


def end_to_end(folder: Path, num: int, size: int, rounds: int) -> None:
    """Time FID from two folders, cold, as whole processes."""
    for name, seed in (("real", 0), ("fake", 1)):
        (folder / name).mkdir()
        for number, picture in enumerate(blobs(num, seed=seed, height=size, width=size)):
            PIL.Image.fromarray(picture).save(folder / name / f"{number:05}.png")
    weights = write_random_inception(folder / "torch" / "hub" / "checkpoints")
    real, fake = folder / "real", folder / "fake"
    commands = {
        "pytorch-fid": ["pytorch_fid", real, fake, "--device", "cpu"],
        "ganeval": [
            *("ganeval", "fid", real, fake, "--weights", weights, "--no-cache"),
            *("--protocol", "pytorch-fid", "--quiet"),
        ],
    }
    seconds = {
        name: min(run(words, folder) for _ in range(rounds)) for name, words in commands.items()
    }
    ratio = seconds["pytorch-fid"] / seconds["ganeval"]
    print(f"fid of {num} against {num} pictures of {size} pixels, cold, whole process:")
    print(
        f"  pytorch-fid {seconds['pytorch-fid']:.1f} s, ganeval {seconds['ganeval']:.1f} s: "
        f"ganeval is {ratio:.2f} x as fast"
    )


def run(words: list[object], folder: Path) -> float:
    """Return how many seconds a module takes as a process of its own."""
    environment = {**os.environ, "TORCH_HOME": str(folder / "torch")}
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *map(str, words)], check=True, capture_output=True, env=environment
    )
    return time.perf_counter() - begin


def frechet_term(width: int, rounds: int) -> None:
    """Time the distance between two full-rank Gaussians, and sqrtm of their product."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(width, width)) / np.sqrt(width)
    sides = [Moments.of(rng.normal(size=(2 * width, width)) @ mixing) for _ in range(2)]
    ours = min(timed(lambda: frechet_distance(*sides)) for _ in range(rounds))
    product = sides[0].covariance() @ sides[1].covariance()
    theirs = min(timed(lambda: scipy.linalg.sqrtm(product)) for _ in range(rounds))
    print(f"Frechet term at {width} dimensions:")
    print(f"  sqrtm {theirs:.1f} s, ganeval {ours:.2f} s: ganeval is {theirs / ours:.1f} x as fast")


def timed(function: object) -> float:
    """Return how many seconds a call takes."""
    begin = time.perf_counter()
    function()  # type: ignore[operator]
    return time.perf_counter() - begin


if __name__ == "__main__":
    bench()
