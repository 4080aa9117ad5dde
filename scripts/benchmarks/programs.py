"""Whole programs on the same folders with the same weights: cold, warm, and once more."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import PIL.Image

from benchmarks.timing import Figure, alternate, run_module, seconds_of, times_faster
from tests.pictures import blobs

_FIDELITY = "import torch_fidelity.fidelity as f; f.main()"


def program_figures(folder: Path, weights: Path, pictures: int, rounds: int) -> Iterator[Figure]:
    """Yield the times of `ganeval fid` and of its peers on PNG files of 256 pixels."""
    real, fake, other = (
        write_pictures(folder / name, pictures, 256, seed)
        for seed, name in enumerate(("real", "fake", "other"))
    )
    ours = partial(_ours, weights, folder / "cache")
    torch_home = {"TORCH_HOME": str(weights.parents[2])}
    cold = alternate(
        {
            "ganeval": lambda: _cold(ours, [real, fake]),
            "pytorch-fid": lambda: run_module(
                "pytorch_fid", real, fake, "--device", "cpu", environment=torch_home
            ),
            "torch-fidelity": lambda: _torch_fidelity(folder, weights, real, fake),
            "all five": lambda: _cold(ours, [real, fake, "--metrics", "fid,is,kid,pr,dc"]),
        },
        rounds,
    )
    alone, five = cold.pop("ganeval"), cold.pop("all five")
    work = f"fid of {pictures} against {pictures} pictures of 256 pixels, cold"
    yield times_faster(work, alone, cold, wanted=">= 2.2 x")
    yield Figure(
        work="all five families in one pass, cold",
        ours=f"{five:.2f} s",
        other=f"fid alone {alone:.2f} s",
        ratio=f"{five / alone - 1:+.0%}",
        wanted="<= +10 %",
    )
    _cold(ours, [real, fake])
    further = seconds_of(lambda: ours("fid", [real, other]))
    yield Figure(
        work="fid of a further model, reference cached",
        ours=f"{further:.2f} s",
        other=f"cold {alone:.2f} s",
        ratio=f"{further / alone:.0%}",
        wanted="<= 60 %",
    )
    again = min(seconds_of(lambda: ours("fid", [real, fake])) for _ in range(rounds))
    yield Figure(
        work="the same command again",
        ours=f"{again:.2f} s",
        other=f"cold {alone:.2f} s",
        ratio=f"{again / alone:.0%}",
        wanted="< 5 s",
    )
    yield two_networks(folder / "cache", weights, real, fake, rounds)


def two_networks(cache: Path, weights: Path, real: Path, fake: Path, rounds: int) -> Figure:
    """Return the time of two networks in one command beside that of a command for each.

    A command with the tiny network of the tests is little but start, reading and decoding, which
    two networks have in common.
    """

    def cold(metrics: str, *options: object) -> None:
        shutil.rmtree(cache, ignore_errors=True)
        words = ("eval", real, fake, "-m", metrics, *options, "--cache-dir", cache, "--quiet")
        run_module("ganeval", *words)

    best = alternate(
        {
            "together": lambda: cold("fid,fid@efficientnet-lite0", "--weights", weights),
            "inception": lambda: cold("fid", "--weights", weights),
            "efficientnet-lite0": lambda: cold("fid", "--extractor", "efficientnet-lite0"),
            "decoding": lambda: cold("fid", "--extractor", "random"),
        },
        rounds,
    )
    together, decoding = best.pop("together"), best.pop("decoding")
    apart = sum(best.values())
    texts = " + ".join(f"{name} {seconds:.2f} s" for name, seconds in best.items())
    return Figure(
        work="fid in two networks in one command, cold",
        ours=f"{together:.2f} s",
        other=f"{texts}, less start and decoding {decoding:.2f} s",
        ratio=f"{together / (apart - decoding):.2f} x",
        wanted="about 1 x",
    )


def process_figures(folder: Path, pictures: int, rounds: int) -> Iterator[Figure]:
    """Yield the time of two processes under torchrun, one thread each, beside one with two."""
    real, fake = (
        write_pictures(folder / f"small {name}", pictures, 64, seed)
        for seed, name in enumerate(("real", "fake"))
    )
    words = ["ganeval", "fid", real, fake, "--extractor", "efficientnet-lite0", "--no-cache"]

    def run(*launcher: object, threads: int) -> None:
        run_module(*launcher, *words, "--quiet", environment={"OMP_NUM_THREADS": str(threads)})

    torchrun = ("torch.distributed.run", "--nproc-per-node", 2, "-m")
    best = alternate(
        {"two": lambda: run(*torchrun, threads=1), "one": lambda: run(threads=2)}, rounds
    )
    yield Figure(
        work=f"fid of {pictures} against {pictures} pictures of 64 pixels, efficientnet-lite0, "
        "two processes under torchrun",
        ours=f"{best['two']:.1f} s",
        other=f"one process of two threads {best['one']:.1f} s",
        ratio=f"{best['two'] / best['one'] - 1:+.0%}",
        wanted="within 10 %",
    )


def import_figures(rounds: int) -> Iterator[Figure]:
    """Yield how long the lightest calls take, beside Python's own start."""
    calls = {
        "python": ["-c", "pass"],
        "import ganeval": ["-c", "import ganeval"],
        "ganeval --help": ["-m", "ganeval", "--help"],
        "import torch": ["-c", "import torch"],
    }
    best = alternate({name: partial(_python, words) for name, words in calls.items()}, rounds + 1)
    for name in ("import ganeval", "ganeval --help"):
        yield Figure(
            work=name,
            ours=f"{best[name]:.2f} s",
            other=f"python {best['python']:.2f} s, import torch {best['import torch']:.2f} s",
            ratio=f"{best[name] / best['import torch']:.0%} of import torch",
        )


def write_pictures(folder: Path, num: int, size: int, seed: int) -> Path:
    """Write PNG files and return their folder."""
    folder.mkdir()
    for number, picture in enumerate(blobs(num, seed=seed, height=size, width=size)):
        PIL.Image.fromarray(picture).save(folder / f"{number:05}.png")
    return folder


def _python(words: Sequence[str]) -> None:
    """Run the interpreter."""
    import subprocess

    subprocess.run([sys.executable, *words], check=True, capture_output=True)


def _ours(weights: Path, cache: Path, command: str, words: Sequence[object]) -> None:
    """Run a scoring command."""
    options = ("--weights", weights, "--cache-dir", cache, "--quiet")
    run_module("ganeval", command, *words, *options)


def _cold(ours: Callable[[str, Sequence[object]], None], words: Sequence[object]) -> None:
    """Score with an empty cache."""
    shutil.rmtree(ours.args[1], ignore_errors=True)  # type: ignore[attr-defined]
    ours("eval" if "--metrics" in words else "fid", words)


def _torch_fidelity(folder: Path, weights: Path, real: Path, fake: Path) -> None:
    """Run torch-fidelity's FID with an empty cache."""
    cache = folder / "torch-fidelity"
    shutil.rmtree(cache, ignore_errors=True)
    words = ["--fid", "--cpu", "--input1", fake, "--input2", real, "--cache-root", cache]
    words += ["--feature-extractor-weights-path", weights, "--silent"]
    _python(["-c", _FIDELITY, *map(str, words)])
