"""Run ganeval and its peers side by side on this machine, and print a table of ratios.

    .venv/bin/python scripts/bench.py                      # all of it: an hour on two cores
    .venv/bin/python scripts/bench.py --only extractor --only imports

All tools use the same random Inception weights, which cost the same as the published ones, and the
same files. Runs take turns and the best of each counts, since other load only ever adds time; the
ratios within one run are what can be compared. Needs the extra `test`.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from benchmarks.again import again_figures  # noqa: E402
from benchmarks.decoding import decoding_figures  # noqa: E402
from benchmarks.engines import engine_figures  # noqa: E402
from benchmarks.extractor import extractor_figures  # noqa: E402
from benchmarks.memory import memory_figures  # noqa: E402
from benchmarks.metrics import metric_figures  # noqa: E402
from benchmarks.precision import precision_figures  # noqa: E402
from benchmarks.programs import (  # noqa: E402
    import_figures,
    process_figures,
    program_figures,
)
from benchmarks.timing import Figure  # noqa: E402
from tests.random_inception import write_random_inception  # noqa: E402

PARTS = (
    *("extractor", "engines", "precision", "decoding", "programs", "processes", "metrics"),
    *("memory", "imports"),
)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Repeatable; default: all.")
@click.option("--pictures", default=512, show_default=True, help="A side, for whole programs.")
@click.option("--images", default=2000, show_default=True, help="A side, for the precision.")
@click.option("--features", default=10_000, show_default=True, help="A side, for the metrics.")
@click.option(
    "--many", default=50_000, show_default=True, help="Of known pictures, and for memory."
)
@click.option("--rounds", default=2, show_default=True)
def bench(
    only: tuple[str, ...], pictures: int, images: int, features: int, many: int, rounds: int
) -> None:
    """Print the machine, then a line for each comparison as it is done."""
    print(_machine())
    print("| work | ganeval | beside | ratio | wanted |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = write_random_inception(folder / "torch" / "hub" / "checkpoints")
        parts: dict[str, Callable[[], Iterable[Figure]]] = {
            "extractor": lambda: extractor_figures(weights, rounds),
            "engines": lambda: engine_figures(folder, weights, rounds),
            "precision": lambda: precision_figures(folder, weights, images),
            "decoding": lambda: decoding_figures(folder, rounds),
            "programs": lambda: chain(
                program_figures(folder, weights, pictures, rounds),
                again_figures(folder, weights, many, rounds),
            ),
            "processes": lambda: process_figures(folder, 4 * pictures, rounds),
            "metrics": lambda: metric_figures(features, rounds),
            "memory": lambda: memory_figures(folder, many),
            "imports": lambda: import_figures(rounds),
        }
        for part in only or PARTS:
            for figure in parts[part]():
                cells = (figure.work, figure.ours, figure.other, figure.ratio, figure.wanted)
                print(f"| {' | '.join(cells)} |", flush=True)


def _machine() -> str:
    """Return what the figures depend on, in one line."""
    libraries = ("torch", "numpy", "scipy", "pytorch-fid", "torch-fidelity", "prdc")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {python}, {versions}\n"


if __name__ == "__main__":
    bench()
