"""Scores of the device are near the CPU's, have the same bits again, and agree with a stream."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import ganeval as package

pytestmark = pytest.mark.gpu

METRICS = ["fid", "is", "kid", "pr", "dc"]
OPTIONS: dict[str, Any] = {"extractor": "efficientnet-lite0", "cache": False, "offline": True}


def values(report: package.Report) -> dict[str, float]:
    return {row.name: row.value for row in report.scores}


def test_scores_are_near_those_of_the_cpu(device: str, real: Path, fake: Path) -> None:
    sides = {"sample": fake, "reference": real, "metrics": METRICS}
    ours = package.evaluate(**sides, device=device, **OPTIONS)
    # In smaller batches and one after the other, so that the CPU is not compared with itself.
    theirs = package.evaluate(**sides, device="cpu", batch_size=4, workers=1, **OPTIONS)
    assert ours.provenance["device"] == torch.device(device).type
    for row in ours.scores:
        assert row.value == pytest.approx(theirs[row.name].value, rel=1e-4, abs=1e-6), row.name


def test_bfloat16_is_near_float32(device: str, real: Path, fake: Path) -> None:
    exact, rough = (
        package.evaluate(
            sample=fake,
            reference=real,
            metrics=["fid"],
            device=device,
            precision=precision,
            **OPTIONS,
        )["fid"].value
        for precision in ("float32", "bfloat16")
    )
    assert exact != rough
    assert rough == pytest.approx(exact, rel=0.1)  # with so few pictures


def test_two_runs_and_two_batch_sizes_give_the_same_bits(
    device: str, real: Path, fake: Path
) -> None:
    first, again, other = (
        values(
            package.evaluate(
                sample=fake,
                reference=real,
                metrics=METRICS,
                device=device,
                batch_size=size,
                **OPTIONS,
            )
        )
        for size in (16, 16, 8)
    )
    assert again == first
    assert other == first


@pytest.mark.parametrize("floats", [False, True])
def test_a_stream_of_the_device_has_the_bits_of_the_folder(
    floats: bool, device: str, real: Path, fake: Path
) -> None:
    expected = package.evaluate(
        sample=fake, reference=real, metrics=METRICS, device=device, **OPTIONS
    )
    pixels = [np.asarray(PIL.Image.open(path)) for path in sorted(fake.iterdir())]
    images = torch.from_numpy(np.stack(pixels)).movedim(3, 1).to(device)
    options = {**OPTIONS, "value_range": (-1, 1)} if floats else OPTIONS
    with package.Accumulator(reference=real, metrics=METRICS, device=device, **options) as metric:
        for start, stop in itertools.pairwise([0, 1, 9, len(images)]):
            batch = images[start:stop]
            metric.update((batch.float() / 127.5 - 1).requires_grad_() if floats else batch)
        assert values(metric.compute()) == values(expected)
