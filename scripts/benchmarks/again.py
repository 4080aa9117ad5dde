"""Time the same command again on unchanged pictures: no network runs, and no file is read.

The features that it finds are as many and as wide as Inception's, but made by something that costs
little, for this is about what comes after them.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F

from benchmarks.programs import write_pictures
from benchmarks.timing import Figure, in_turns, run_module
from ganeval import evaluate
from ganeval.extractors.base import ExtractorInfo, ExtractorRequest
from ganeval.extractors.inception import Inception

FEW = 1500
PIXELS = 32
ROUNDS = 5  # of processes that take a second or two


class StandIn:
    """What takes the place of Inception: a few means of a picture, mixed into as many features."""

    def __init__(self, request: ExtractorRequest) -> None:
        self.info: ExtractorInfo = Inception.describe(request)
        generator = torch.Generator().manual_seed(0)
        self.mixing = {
            layer: torch.randn(3 * 8 * 8, self.info.layers[layer], generator=generator)
            for layer in self.info.default_layers
        }

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return features of any width, float32 [N, width]."""
        means = F.adaptive_avg_pool2d(batch, 8).flatten(1)
        return {layer: torch.relu(means @ self.mixing[layer]) for layer in layers}


def again_figures(folder: Path, weights: Path, many: int, rounds: int) -> Iterator[Figure]:
    """Yield the times of `ganeval fid` on few and on `many` known pictures, beside torch's import.

    The times are the least and the median of several processes, which take turns.
    """
    for num, wanted in {FEW: "< 50 % of import torch", many: "< 3 s"}.items():
        real, fake = (
            write_pictures(folder / f"{name} {num} known", num, PIXELS, seed)
            for seed, name in enumerate(("real", "fake"))
        )
        cache = folder / f"cache of {num}"
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(_fill, real, fake, weights, cache).result()
        words = ["fid", real, fake, "--weights", weights, "--cache-dir", cache]
        _check_known(words)
        seconds = in_turns(
            {
                "again": partial(run_module, "ganeval", *words, "--quiet"),
                "import torch": _import_torch,
            },
            max(rounds, ROUNDS),
        )
        again, torch_alone = (sorted(seconds[name]) for name in ("again", "import torch"))
        yield Figure(
            work=f"the same fid again, {num:,} against {num:,} pictures of {PIXELS} pixels, least "
            "(median)",
            ours=f"{again[0]:.2f} s ({median(again):.2f} s)",
            other=f"import torch {torch_alone[0]:.2f} s ({median(torch_alone):.2f} s)",
            ratio=f"{again[0] / torch_alone[0]:.0%} ({median(again) / median(torch_alone):.0%})",
            wanted=wanted,
        )


def _fill(real: Path, fake: Path, weights: Path, cache: Path) -> None:
    """Score once, in a process of its own, in which Inception is what stands in for it."""
    Inception.from_request = StandIn  # type: ignore[method-assign]
    evaluate(
        sample=str(fake), reference=str(real), metrics=["fid"], weights=weights, cache_dir=cache
    )


def _check_known(words: Sequence[object]) -> None:
    """See that the command finds all features, where it would run Inception for hours."""
    done = subprocess.run(
        [sys.executable, "-m", "ganeval", *map(str, words), "-v"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    if done.stderr.count(" images, 0 computed, ") != 2:
        raise RuntimeError(f"the features are not those that were filled in:\n{done.stderr}")


def _import_torch() -> None:
    """Start the interpreter and import torch."""
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
