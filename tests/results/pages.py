"""A report with everything in it, and names that try to break out of the page."""

import functools

import ganeval
from ganeval.report.report import Report
from tests.pictures import blobs

HOSTILE = '<img src=x onerror="alert(1)">$a_{b}$ & \u202e</script>'
REFERENCE = "http://example.invalid/real"


@functools.cache
def full_report() -> Report:
    """Three samples of 1,040 pictures: enough for intervals, influence and a line in 1/N."""
    shifts = {HOSTILE: 4.0, "generator:runs/" + "long/" * 20 + "g.safetensors": 12.0, "fair": 0.0}
    return ganeval.compare(
        samples=[
            ganeval.Images(blobs(1040, seed=at, height=12, width=12, shift=shift), name=name)
            for at, (name, shift) in enumerate(shifts.items(), start=2)
        ],
        reference=ganeval.Images(blobs(640, seed=1, height=12, width=12), name=REFERENCE),
        extractor="random",
        cache=False,
        gallery=True,
    )
