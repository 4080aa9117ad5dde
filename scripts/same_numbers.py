"""Run the same commands in two checkouts, and compare every digit that they write.

The checkouts share this installation's libraries and nothing else: each command runs with the
checkout first on the path, in a folder and with a cache of its own. What a later version adds to a
file is no difference; what it changes or leaves out is.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.pictures import blobs  # noqa: E402
from tests.random_inception import write_random_inception  # noqa: E402

RUN = "from ganeval.cli.main import main; main()"
LITE = ("--extractor", "efficientnet-lite0")
PROTOCOLS = ("standard", "torch-fidelity", "pytorch-fid", "clean-fid", "torchmetrics")
# What is of the words of a command, not of its numbers.
WORDS = ("command", "ganeval", "warnings", "notes", "cautions", "used_for")


def commands(weights: Path) -> dict[str, tuple[str, ...]]:
    """Return what is run, by the name of the file that has its result."""
    json_of = "--json"
    subsets = "fid,kid:subset_size=100:num_subsets=20,pr:k=5,dc:k=3:inclusion=closed"
    return {
        **{
            f"inception, {name}": (
                *("eval", "real", "fake", "--protocol", name, "--weights", str(weights)),
                *(["-m", "fid"] if name == "clean-fid" else []),
                *(["-m", "fid,is"] if name in ("torch-fidelity", "torchmetrics") else []),
                json_of,
            )
            for name in PROTOCOLS
        },
        "all of standard": ("eval", "real", "fake", *LITE, json_of),
        "options": ("eval", "real", "fake", *LITE, "-m", subsets, json_of),
        "without bias": (
            *("eval", "many", "more", "--extractor", "random"),
            *("-m", "fid,fid-debiased,fid-infinity:smallest=50,is", json_of),
        ),
        "comparison": ("compare", "real", "fake", "other", *LITE, json_of),
        "statistics": ("stats", "make", "real", *LITE, "-o", "real.npz"),
        "against statistics": ("fid", "real.npz", "fake", *LITE, json_of),
        "a subset": ("eval", "real", "fake", *LITE, "--num-images", "40", "--seed", "3", json_of),
        "a sized source": ("fid", "folder:real,size=24,crop=center", "fake", *LITE, json_of),
        "an array": ("is", "array.npy", *LITE, json_of),
        "training": ("train", "dcgan", "--steps", "30", "--seed", "1", "--out", "run"),
        "a generator": ("eval", "data:digits", "run/dcgan.safetensors", *LITE, json_of),
        "a run": ("eval", "many", "more", "--extractor", "random", "-o", "run.json", json_of),
        "another run": ("eval", "many", "third", "--extractor", "random", "-o", "next.json"),
        "a baseline": ("baseline", "accept", "run.json", "-o", "base.json"),
        "the gate": ("check", "next.json", "--baseline", "base.json", json_of),
        "once more": ("eval", "real", "fake", *LITE, json_of),
        "quickstart": ("quickstart", json_of),
    }


@click.command()
@click.argument("before", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument(
    "after", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path()
)
@click.option("--only", help="Part of the names of the commands to run")
def main(before: Path, after: Path, only: str | None) -> None:
    """Compare the digits of the checkouts BEFORE and AFTER (default: this one)."""
    with TemporaryDirectory() as name:
        weights = write_random_inception(Path(name))
        chosen = {
            title: words
            for title, words in commands(weights).items()
            if only is None or only in title
        }
        results = [
            run_all(tree.resolve(), Path(name) / side, chosen)
            for side, tree in (("before", before), ("after", after))
        ]
    differing = 0
    for title in chosen:
        lines = list(differences(results[0][title], results[1][title], ""))
        num = count(results[0][title])
        print(f"{title}: {num:,} values, {len(lines) or 'none'} differ")
        for line in lines[:10]:
            print(f"    {line}")
        differing += len(lines)
    sys.exit(1 if differing else 0)


def run_all(tree: Path, folder: Path, chosen: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Run the commands in one checkout, and return what each has written."""
    import PIL.Image

    sizes = {"real": (120, 32), "fake": (110, 32), "other": (110, 32)}
    sizes |= {"many": (700, 8), "more": (700, 8), "third": (700, 8)}
    for at, (place, (num, size)) in enumerate(sizes.items()):
        (folder / place).mkdir(parents=True)
        for number, pixels in enumerate(blobs(num, seed=at, height=size, width=size, shift=at)):
            PIL.Image.fromarray(pixels).save(folder / place / f"{number:05}.png")
    np.save(folder / "array.npy", blobs(90, seed=9, height=20, width=20))
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),  # before what is installed
        "GANEVAL_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    found = {}
    for title, words in chosen.items():
        done = subprocess.run(
            [sys.executable, "-P", "-c", RUN, *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1, 3):
            raise SystemExit(f"{tree}: ganeval {' '.join(words)}: {done.stderr}")
        found[title] = result_of(title, done, folder)
    return found


def result_of(title: str, done: "subprocess.CompletedProcess[str]", folder: Path) -> Any:
    """Return what a command has written, as JSON values."""
    if title == "training":
        from safetensors import safe_open

        with safe_open(folder / "run" / "dcgan.safetensors", framework="np") as file:
            return {name: file.get_tensor(name).tobytes().hex() for name in sorted(file.keys())}
    if title == "statistics":
        with np.load(folder / "real.npz") as arrays:
            return {name: arrays[name].tobytes().hex() for name in ("mu", "sigma", "num")}
    if done.stdout.startswith("{"):
        return {"exit": done.returncode, **json.loads(done.stdout)}
    return {"exit": done.returncode}


def differences(before: Any, after: Any, where: str) -> list[str]:
    """Return where values differ, a line each; keys that are there afterwards alone do not."""
    if isinstance(before, dict) and isinstance(after, dict):
        lines = []
        for key, value in before.items():
            if key in WORDS:
                continue
            if key not in after:
                lines.append(f"{where}/{key}: gone")
                continue
            lines += differences(value, after[key], f"{where}/{key}")
        return lines
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            line
            for at, (one, other) in enumerate(zip(before, after, strict=True))
            for line in differences(one, other, f"{where}/{at}")
        ]
    return [] if before == after else [f"{where}: {str(before)[:60]} before, {str(after)[:60]} now"]


def count(value: Any) -> int:
    """Return how many values there are."""
    if isinstance(value, dict):
        return sum(count(one) for key, one in value.items() if key not in WORDS)
    return sum(map(count, value)) if isinstance(value, list) else 1


if __name__ == "__main__":
    main()
