"""A stream of clips gives the scores of `evaluate`, to the bit, however it is cut."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganeval
from ganeval.errors import InputError, UsageError
from tests.audio.sounds import RATE, encoded, tones

FAST: dict[str, Any] = {"extractor": "log-mel", "device": "cpu"}
METRICS = ["kad", "fad@log-mel", "fid"]
SAMPLE = np.stack(tones(30, seed=2, seconds=1.6))  # float32 [30, 1, samples]: 2 windows each


@pytest.fixture
def real(tmp_path: Path) -> str:
    folder = tmp_path / "real"
    folder.mkdir()
    for at, clip in enumerate(tones(30, seed=1, seconds=1.6)):
        (folder / f"{at:02}.wav").write_bytes(encoded(clip, subtype="FLOAT"))
    return str(folder)


def test_a_stream_has_the_bits_of_evaluate(real: str) -> None:
    told = ganeval.evaluate(
        sample=ganeval.Clips(SAMPLE, rate=RATE, name="made"),
        reference=real,
        metrics=METRICS,
        **FAST,
    )
    with ganeval.Accumulator(reference=real, metrics=METRICS, rate=RATE, **FAST) as metric:
        metric.update(torch.from_numpy(SAMPLE[:7, 0]))  # [N, samples]
        metric.update(SAMPLE[7:20])
        metric.update(list(SAMPLE[20:]))
        assert metric.num == 30
        report = metric.compute(step=5)
        metric.reset()
        assert metric.num == 0
    for name in ("kad", "fad@log-mel", "fid"):
        assert report[name].value == told[name].value
        assert report[name].num_sample == told[name].num_sample
    assert report["fad@log-mel"].num_sample == 60
    card = report.provenance["sources"]["accumulator"]
    assert (card["item"], card["noun"], card["count"]) == ("clip", "clips", 30)


def test_windows_of_one_clip_stay_one_cluster_over_batches(real: str) -> None:
    options = {"metrics": ["kad@log-mel:window=0.4"], **FAST}
    one = ganeval.Clips(SAMPLE, rate=RATE, name="made")
    told = ganeval.evaluate(sample=one, reference=real, **options)
    with ganeval.Accumulator(reference=real, rate=RATE, **options) as metric:
        for start in range(0, 30, 4):
            metric.update(SAMPLE[start : start + 4])
        (row,) = metric.compute().scores
    (other,) = told.scores
    assert (row.value, row.se, row.notes) == (other.value, other.se, other.notes)


def test_clips_that_say_their_rate_need_no_other(real: str) -> None:
    clips = [ganeval.Clip(one, RATE) for one in SAMPLE]
    with ganeval.Accumulator(reference=real, metrics=["kad"], **FAST) as metric:
        metric.update(clips)
        assert metric.num == 30


def test_what_is_no_batch_of_clips_is_refused_and_not_taken(real: str) -> None:
    bad = SAMPLE[:3].copy()
    bad[2, 0, 5] = np.nan
    with ganeval.Accumulator(reference=real, metrics=METRICS, rate=RATE, **FAST) as metric:
        for batch, told in (
            (bad, r"accumulator\[2\]: 1 samples are NaN"),
            ((SAMPLE[:3], np.zeros(3, np.int32)), "a batch of type tuple"),
            (SAMPLE[:3, :, :8000], r"'accumulator\[0\]' of 0.5 s and 2 more"),
            (SAMPLE[0, 0], r"shape \[25600\]"),
            ("clips", "a str"),
        ):
            with pytest.raises(InputError, match=told):
                metric.update(batch)
            assert metric.num == 0
    metric = ganeval.Accumulator(reference=real, metrics=["kad"], **FAST)
    with metric, pytest.raises(UsageError, match="samples without their rate"):
        metric.update(SAMPLE)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"value_range": (-1, 1), **FAST}, r"value_range=\(-1, 1\) for clips"),
        ({"metrics": ["snr"], **FAST}, "metric 'snr' for a stream"),
        ({"metrics": ["fid"], "extractor": "random", "rate": RATE}, "rate=16000 for images"),
        ({"metrics": ["kad"], "extractor": "random"}, "has pictures; needed: clips, for kad"),
    ],
)
def test_options_of_the_other_kind_are_refused(
    real: str, tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    options = {"metrics": ["kad"], "device": "cpu", **options}
    reference: Any = real
    if options["extractor"] == "random":
        reference = np.zeros((30, 3, 16, 16), np.uint8)
    with pytest.raises(UsageError, match=told):
        ganeval.Accumulator(reference=reference, **options)
