"""The peak memory of a score, for more and more pictures."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import PIL.Image
import torch

from benchmarks.timing import Figure
from ganeval.extractors.base import Extractor, ExtractorInfo, ExtractorRequest
from ganeval.extractors.random import Random
from tests.pictures import blobs

FEW = 2_000
WITH_INTERVAL = 12_000  # more than 5 per dimension, so that quarters of both sides are compared
PIXELS = 32
WIDTH = 2048
ROOT = Path(__file__).parents[2]
_COMMAND = """
import sys, threading, time
sys.path[:0] = sys.argv[1:3]
from ganeval.extractors.base import EXTRACTORS
EXTRACTORS.entries["wide"] = "benchmarks.memory:Wide"
from ganeval.cli.main import main

peaks = {"RssAnon:": 0, "VmRSS:": 0}

def watch():
    while True:
        for line in open("/proc/self/status"):
            name, *values = line.split()
            if name in peaks:
                peaks[name] = max(peaks[name], int(values[0]) * 1024)
        time.sleep(0.02)

threading.Thread(target=watch, daemon=True).start()
try:
    main(["fid", *sys.argv[3:], "--extractor", "wide", "--quiet", "--no-cache"])
finally:
    print(*peaks.values(), file=sys.stderr)
"""


class Wide:
    """The tiny network for tests with as many features as Inception has, which cost it little."""

    takes_variants: ClassVar[bool] = False

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"pool": WIDTH, "logits": 10}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what it is."""
        return replace(Random.describe(request), name="wide", layers=Wide.layers(request))

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the network."""
        return WideNetwork(request)


class WideNetwork:
    """The tiny network and a matrix that mixes its features."""

    def __init__(self, request: ExtractorRequest) -> None:
        self.info = Wide.describe(request)
        self.tiny = Random.from_request(request)
        generator = torch.Generator().manual_seed(0)
        narrow = Random.layers(request)["pool"]
        self.mixing = torch.randn(narrow, WIDTH, generator=generator)

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return `pool` [N, WIDTH] and `logits` [N, 10] as far as they are asked for."""
        found = self.tiny(batch, layers)
        if "pool" in layers:
            found["pool"] = torch.relu(found["pool"] @ self.mixing)
        return found


def memory_figures(folder: Path, num: int) -> Iterator[Figure]:
    """Yield the peak memory of `fid` with `num` pictures a side beside that of fewer.

    Pages of the file with the features that are mapped count as resident, although the system
    takes them back when it needs them; so the figure is of the memory that is the process's own.
    """
    own, resident = {}, {}
    for count in (FEW, WITH_INTERVAL, num):
        sides = [_write(folder / f"{name}-{count}", count, at) for at, name in enumerate("ab")]
        own[count], resident[count] = _peaks(*sides)
    for count in (FEW, WITH_INTERVAL):
        yield Figure(
            work=f"fid, {num:,} pictures a side, {WIDTH:,} dimensions: memory (resident pages)",
            ours=f"{own[num] / 1e6:.0f} MB ({resident[num] / 1e6:.0f} MB)",
            other=f"{count:,} a side {own[count] / 1e6:.0f} MB ({resident[count] / 1e6:.0f} MB)",
            ratio=f"{own[num] / own[count] - 1:+.0%} ({resident[num] / resident[count] - 1:+.0%})",
            wanted="flat",
        )


def _write(folder: Path, num: int, side: int) -> Path:
    """Write so many different pictures."""
    folder.mkdir()
    for start in range(0, num, FEW):
        pictures = blobs(min(FEW, num - start), seed=2 * start + side, height=PIXELS, width=PIXELS)
        for at, picture in enumerate(pictures, start):
            PIL.Image.fromarray(picture).save(folder / f"{at:06d}.png", compress_level=1)
    return folder


def _peaks(real: Path, fake: Path) -> tuple[int, int]:
    """Return a cold run's peaks of its own memory and of resident pages, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *map(str, (ROOT, ROOT / "scripts", real, fake))],
        check=True,
        capture_output=True,
        text=True,
    )
    own, resident = map(int, done.stderr.splitlines()[-1].split())
    return own, resident
