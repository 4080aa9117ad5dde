"""Memory does not grow with the number of images, nor with the number of their pairs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pictures import blobs

ALLOWED_GROWTH = 200 * 2**20  # bytes, from 2,000 to 20,000 images
_CODE = """
import resource, sys
from ganeval.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
"""
_METRIC = """
import resource, sys
import numpy as np
from ganeval.metrics.table import METRICS
from ganeval.machine.resources import Resources
from tests.summaries import InMemory, inputs
rng = np.random.default_rng(0)
sides = rng.standard_normal((2, 8000, 128)).astype(np.float32)
if sys.argv[2] == "concentrated":  # many of the sample lie in nearly all balls
    sides[0, :3200] *= 0.01
resources = Resources(memory=40_000_000, threads=2)
sample, reference = (InMemory(side, resources=resources) for side in sides)
metric = METRICS.load(sys.argv[1])()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
metric.compute(inputs(metric, {"sample": sample, "reference": reference}), rng)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def peak(real: Path, fake: Path) -> int:
    """Return the peak resident memory of `ganeval fid`, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, "fid", real, fake, "--extractor", "random", "--quiet"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stderr)


def test_fid_needs_no_more_memory_for_ten_times_the_images(
    tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    few = write_pictures(tmp_path / "few", blobs(2000, seed=0, height=32, width=32))
    many = tmp_path / "many"
    many.mkdir()
    for copy in range(10):
        for path in few.iterdir():
            os.link(path, many / f"{copy}-{path.name}")
    assert peak(many, many) - peak(few, few) < ALLOWED_GROWTH


@pytest.mark.parametrize(
    ("name", "sample"), [("pr", "spread"), ("pr", "concentrated"), ("kid", "spread")]
)
def test_pairs_keep_to_the_memory_that_is_allowed(name: str, sample: str) -> None:
    # All squared distances take 512 MB in float64, and 256 MB in float32. If they were
    # kept, the near pairs of the concentrated sample would take 400 MB.
    done = subprocess.run(
        [sys.executable, "-c", _METRIC, name, sample], capture_output=True, text=True, check=True
    )
    # The tile that is worked on comes on top of the 40 MB.
    assert int(done.stdout) < 160_000_000
