"""Memory does not grow with the number of images where only moments are needed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
