"""Scores on the device beside those on the CPU, their bits, and a stream from the device."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import PIL.Image
import torch

import ganeval
from scripts.first_look.pictures import Pictures
from scripts.first_look.sheet import Line

ROOT = Path(__file__).parents[2]
METRICS = ["fid", "is", "kid", "pr", "dc"]
NEAR = 1e-3  # of the value
NEAR_ERROR = 0.05  # of the standard error, for scores around zero
BATCHES = {"cpu": (16, 8), "cuda": (64, 32)}  # --batch-size: the device's own, and half of it


def score_lines(pictures: Pictures, device: str) -> Iterator[Line]:
    """Yield the differences of device and precision, then whether the bits stay.

    A small look leaves out Inception, which takes too long on a CPU.
    """
    for extractor, weights in pictures.extractors.items():
        if pictures.small and extractor == "inception":
            continue
        words = {"extractor": extractor, "weights": weights}
        reports = {
            (place, precision): _evaluate(pictures, device=place, precision=precision, **words)
            for place in dict.fromkeys([device, "cpu"])
            for precision in ("float32", "bfloat16")
        }
        for ours, theirs in (
            ((device, "float32"), ("cpu", "float32")),
            ((device, "bfloat16"), (device, "float32")),
            ((device, "bfloat16"), ("cpu", "bfloat16")),
        ):
            yield _comparison(extractor, ours, theirs, reports[ours], reports[theirs])
        once = reports[device, "float32"]
        yield _bits(
            f"{extractor}, float32: the same command in another process",
            *(_values(once), _values_of_command(pictures, device, words)),
        )
        sizes = BATCHES[torch.device(device).type]
        first, second = (
            _evaluate(pictures, device=device, precision="float32", batch_size=size, **words)
            for size in sizes
        )
        yield _bits(
            f"{extractor}, float32: --batch-size {sizes[0]} and {sizes[1]}",
            *(_values(first), _values(second)),
        )


def stream_line(pictures: Pictures, device: str) -> Iterator[Line]:
    """Yield whether an Accumulator that is fed from the device gives the bits of the folder."""
    words = {"extractor": "efficientnet-lite0", "weights": None}
    folder = _evaluate(pictures, device=device, precision="float32", **words)
    paths = sorted(pictures.fake.glob("*.png"))
    pixels = np.stack([np.asarray(PIL.Image.open(path)) for path in paths]).transpose(0, 3, 1, 2)
    floats = torch.from_numpy(pixels).to(device).float() / 127.5 - 1
    with ganeval.Accumulator(
        reference=pictures.real,
        metrics=METRICS,
        value_range=(-1, 1),
        device=device,
        cache=False,
        offline=True,
        extractor="efficientnet-lite0",
    ) as metric:
        for start, stop in pairwise([0, 1, 6, len(floats)]):
            metric.update(floats[start:stop])
        streamed = metric.compute()
    yield _bits(
        f"Accumulator fed with float batches on {device}, and the folder",
        *(_values(streamed), _values(folder)),
    )


def _evaluate(pictures: Pictures, **options: object) -> ganeval.Report:
    """Score the fake pictures without a cache."""
    return ganeval.evaluate(
        sample=pictures.fake,
        reference=pictures.real,
        metrics=METRICS,
        cache=False,
        offline=True,
        **options,
    )


def _values_of_command(
    pictures: Pictures, device: str, words: Mapping[str, object]
) -> dict[str, float]:
    """Return the scores that the command line prints."""
    options = [text for name, value in words.items() if value for text in (f"--{name}", value)]
    command = [
        *("ganeval", "eval", pictures.real, pictures.fake, "-m", ",".join(METRICS)),
        *("--device", device, "--no-cache", "--offline", "--json", "--quiet", *options),
    ]
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"`ganeval eval` exits with {done.returncode}: {done.stderr.strip()}")
    return {row["name"]: row["value"] for row in json.loads(done.stdout)["scores"]}


def _values(report: ganeval.Report) -> dict[str, float]:
    """Return the scores by name."""
    return {row.name: row.value for row in report.scores}


def _comparison(
    extractor: str,
    ours: tuple[str, str],
    theirs: tuple[str, str],
    seen: ganeval.Report,
    beside: ganeval.Report,
) -> Line:
    """Return the line of two reports; float32 must give nearly the same everywhere."""
    near = True
    differences = []
    for row in seen.scores:
        other = beside[row.name].value
        difference = row.value - other
        near = near and abs(difference) <= max(NEAR * abs(other), NEAR_ERROR * (row.se or 0.0))
        if difference:
            share = f" ({difference / other:+.2%})" if other else ""
            differences.append(f"{row.name} {difference:+.1e}{share}")
    exact = ours[1] == theirs[1] == "float32"
    return Line(
        work=f"{extractor}, {' '.join(ours)}, beside {' '.join(theirs)}: differences",
        seen=", ".join(differences) or "none",
        beside=", ".join(f"{name} {value:.5g}" for name, value in _values(beside).items()),
        promised=f"within {NEAR:.1%} or {NEAR_ERROR:g} standard errors" if exact else "",
        holds=near if exact else None,
        numbers={"seen": _values(seen), "beside": _values(beside)},
    )


def _bits(work: str, one: Mapping[str, float], other: Mapping[str, float]) -> Line:
    """Return the line of two sets of scores that must be the same to the last bit."""
    others = [
        f"{name} by {one[name] - other[name]:.1e}" for name in one if one[name] != other[name]
    ]
    return Line(
        work=work,
        seen=f"differ: {', '.join(others)}" if others else "the same",
        promised="the same bits",
        holds=not others,
        numbers={"seen": one, "beside": other},
    )
