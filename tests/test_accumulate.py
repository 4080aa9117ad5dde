"""The accumulator: the same bits as `evaluate`, however the stream is split."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
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
        with pytest.raises(InputError, match="accumulator: 1 image; needed: at least 2 for fid"):
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


def fid_of(batches: Any, **options: Any) -> float:
    with ganeval.Accumulator(
        reference=REFERENCE, metrics=["fid"], cache=False, **options, **FAST
    ) as metric:
        for batch in batches:
            metric.update(batch)
        return metric.compute()["fid"].value


def test_batches_as_loaders_give_them() -> None:
    expected = fid_of([PICTURES[:40]])
    labels = torch.arange(40)
    arrays = PICTURES[:40].permute(0, 2, 3, 1).numpy()
    for batch in (
        [PICTURES[:40]],
        [PICTURES[:40], labels],
        (PICTURES[:40], labels),
        {"image": PICTURES[:40], "label": labels},
        PICTURES[:40].numpy(),
        list(PICTURES[:40]),
        list(arrays),
        [PIL.Image.fromarray(array) for array in arrays],
    ):
        assert fid_of([batch]) == expected


def test_batches_that_hold_no_images_are_refused_in_one_line() -> None:
    with ganeval.Accumulator(reference=REFERENCE, metrics=["fid"], **FAST) as metric:
        with pytest.raises(
            InputError, match=r"batch of type dict; .*`metric\.update\(batch\[0\]\)`"
        ):
            metric.update({"x": PICTURES[:2]})
        with pytest.raises(InputError, match="accumulator: a list of NoneType; needed: a tensor"):
            metric.update([None])
        assert metric.num == 0


def test_messages_count_images_over_all_batches() -> None:
    floats = PICTURES[:9].float() / 255
    with ganeval.Accumulator(
        reference=REFERENCE, metrics=["fid"], value_range=(0, 1), **FAST
    ) as metric:
        metric.update(floats)
        for bad in (floats[:1] * 9, list(floats[:1] * 9)):
            with pytest.raises(InputError, match=r"accumulator\[9\]: values observed"):
                metric.update(bad)
        with pytest.raises(InputError, match=r"accumulator\[10\]: NaN"):
            metric.update(torch.stack([floats[0], floats[1] * torch.nan]))


def test_bytes_are_refused_where_a_range_is_declared() -> None:
    with (
        ganeval.Accumulator(
            reference=REFERENCE, metrics=["fid"], value_range=(-1, 1), **FAST
        ) as metric,
        pytest.raises(UsageError, match="value_range is declared, but the values are uint8"),
    ):
        metric.update(PICTURES[:9])


def test_a_closed_accumulator_says_so() -> None:
    metric = ganeval.Accumulator(reference=REFERENCE, metrics=["fid"], **FAST)
    metric.update(PICTURES[:9])
    metric.close()
    with pytest.raises(UsageError, match="accumulator: closed already"):
        metric.update(PICTURES[:9])
    with pytest.raises(UsageError, match="accumulator: closed already"):
        metric.compute()


def test_other_sizes_of_a_stream_and_of_a_list_are_warned_of() -> None:
    small = PICTURES[:20, :, :8, :8]
    large = torch.nn.functional.interpolate(PICTURES[:30], size=(24, 24))
    with ganeval.Accumulator(reference=REFERENCE, metrics=["fid"], **FAST) as metric:
        metric.update(small)
        assert "size" not in str(metric.compute().provenance["warnings"])
        metric.update(large)
        streamed = metric.compute()
    listed = ganeval.evaluate(sample=[*small, *large], reference=REFERENCE, metrics=["fid"], **FAST)
    for report, name in ((streamed, "accumulator"), (listed, "sample")):
        assert report.provenance["sources"][name]["sizes"] == {"24x24": 30, "8x8": 20}
        first, second = report.provenance["warnings"][-2:]
        assert first == f"{name}: images of 2 sizes; each is resized by itself"
        assert f"{name} and reference differ in size (medians 24x24 and 8x8)" in second
        assert f"resize the images of {name} yourself for 8x8 pixels on both sides" in second
