"""The accumulator: the same bits as `evaluate`, however the stream is split."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ganeval
from ganeval.errors import InputError, UsageError
from tests.pictures import blobs

FAST = {"extractor": "random", "device": "cpu"}
PICTURES = torch.from_numpy(blobs(1100, seed=7, height=8, width=8).transpose(0, 3, 1, 2).copy())
REFERENCE = torch.from_numpy(blobs(90, seed=8, height=8, width=8).transpose(0, 3, 1, 2).copy())
NAMES = ["fid", "is", "kid", "pr", "dc"]


@given(cuts=st.lists(st.integers(1, 1099), max_size=6))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_split_gives_the_bits_of_evaluate(cuts: list[int]) -> None:
    expected = ganeval.evaluate(sample=PICTURES, reference=REFERENCE, metrics=NAMES, **FAST)
    with ganeval.Accumulator(reference=REFERENCE, metrics=NAMES, **FAST) as metric:
        bounds = [0, *sorted(cuts), 1100]
        for start, stop in itertools.pairwise(bounds):
            metric.update(PICTURES[start:stop])
        report = metric.compute()
    for name in ("fid", "is", "kid", "precision", "recall", "density", "coverage"):
        assert dataclasses.replace(report[name], sample="sample") == expected[name]
        assert report[name].num_sample == 1100


def test_scores_go_on_after_compute_and_start_anew_after_reset() -> None:
    with ganeval.Accumulator(reference=REFERENCE, metrics=["fid"], **FAST) as metric:
        metric.update(PICTURES[:500])
        first = metric.compute()["fid"]
        metric.update(PICTURES[500:])
        assert metric.num == 1100
        whole = metric.compute()["fid"].value
        metric.reset()
        assert metric.num == 0
        metric.update(PICTURES[:500])
        assert metric.compute()["fid"] == first
    expected = ganeval.evaluate(sample=PICTURES, reference=REFERENCE, metrics=["fid"], **FAST)
    assert whole == expected["fid"].value


def test_floats_need_a_range_and_round_to_nearest() -> None:
    floats = PICTURES[:64].float() / 127.5 - 1
    with ganeval.Accumulator(reference=REFERENCE, metrics=["fid"], **FAST) as metric:
        with pytest.raises(InputError, match="value_range"):
            metric.update(floats)
        metric.update(PICTURES[:64])
        expected = metric.compute()["fid"].value
    with ganeval.Accumulator(
        reference=REFERENCE, metrics=["fid"], value_range=(-1, 1), **FAST
    ) as metric:
        metric.update(floats)
        assert metric.compute()["fid"].value == expected
        with pytest.raises(InputError, match="range"):
            metric.update(floats * 127)
        with pytest.raises(InputError, match="NaN"):
            metric.update(torch.full((2, 3, 8, 8), torch.nan))
        assert metric.num == 64


@pytest.mark.parametrize("shape", [(3, 8, 8), (4, 8, 8, 3), (4, 1, 8, 8), (4, 4, 8, 8)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with (
        ganeval.Accumulator(reference=REFERENCE, metrics=["fid"], **FAST) as metric,
        pytest.raises(InputError, match=r"shape \[N, 3, H, W\]"),
    ):
        metric.update(torch.zeros(shape, dtype=torch.uint8))


def test_too_few_images_and_a_subset_are_refused() -> None:
    with ganeval.Accumulator(reference=REFERENCE, metrics=["fid"], **FAST) as metric:
        metric.update(PICTURES[:1])
        with pytest.raises(InputError, match="accumulator: 1 image; fid needs at least 2"):
            metric.compute()
        metric.reset()
        with pytest.raises(InputError, match="accumulator: 0 images"):
            metric.compute()
    with pytest.raises(UsageError, match="num_images"):
        ganeval.Accumulator(reference=REFERENCE, num_images=5, **FAST)


def test_stored_statistics_are_a_reference_too(tmp_path: Path) -> None:
    from ganeval.extract import make_stats

    options: dict[str, Any] = FAST
    make_stats(REFERENCE, tmp_path / "real.npz", ganeval.Settings(**options))
    with ganeval.Accumulator(reference=tmp_path / "real.npz", metrics=["fid"], **FAST) as metric:
        metric.update(PICTURES[:300])
        from_stats = metric.compute()["fid"].value
    expected = ganeval.evaluate(sample=PICTURES[:300], reference=REFERENCE, metrics=["fid"], **FAST)
    np.testing.assert_allclose(from_stats, expected["fid"].value, rtol=1e-9)
