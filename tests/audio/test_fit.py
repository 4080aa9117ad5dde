"""Clips of one rate, one channel, one length."""

import numpy as np
import pytest
import soxr

from ganeval.audio.clip import Clip
from ganeval.audio.fit import ClipFit
from ganeval.audio.resample import resampled_length
from ganeval.errors import InputError, UsageError
from tests.audio.sounds import RATE, tone


def of(samples: np.ndarray, rate: int = RATE) -> Clip:
    return Clip(samples, rate)


def test_channels_are_mixed_by_their_mean() -> None:
    clip = of(np.float32([[1, 0, 0.5], [0, 1, -0.5]]))
    found = ClipFit(channels="mono")(clip, "a")
    np.testing.assert_array_equal(found.samples, np.float32([[0.5, 0.5, 0]]))
    assert found.notes == ("2 channels mixed to mono",)
    assert ClipFit()(clip, "a") is clip
    one = of(tone())
    assert ClipFit(channels="mono")(one, "a") is one


def test_resampling_is_soxr_and_keeps_what_is_below_half_the_rate() -> None:
    clip = of(np.concatenate([tone(440, rate=44_100), tone(900, rate=44_100)]), 44_100)
    found = ClipFit(rate=16_000)(clip, "a")
    np.testing.assert_array_equal(
        found.samples.T, soxr.resample(np.ascontiguousarray(clip.samples.T), 44_100, 16_000, "HQ")
    )
    inner = slice(400, -400)
    expected = np.concatenate([tone(440), tone(900)])
    assert np.abs(found.samples[:, inner] - expected[:, inner]).max() < 1e-4
    high = ClipFit(rate=16_000)(of(tone(15_000, rate=44_100), 44_100), "a")
    assert np.abs(high.samples[:, inner]).max() < 1e-4
    assert found.notes == ("resampled from 44,100 to 16,000 Hz",)
    assert ClipFit(rate=16_000).settings()["resampler"] == f"soxr {soxr.__version__} HQ"


def test_the_length_is_known_before_it_is_resampled() -> None:
    for rate in (8_000, 11_025, 22_050, 44_100, 48_000):
        for num in (1, 2, 3, 100, 4410, 44_101):
            found = ClipFit(rate=16_000)(of(np.ones((1, num), np.float32), rate), "a")
            assert found.samples.shape[1] == ClipFit(rate=16_000).length(num, rate)
            assert abs(found.samples.shape[1] - num * 16_000 / rate) <= 0.5 or num < 3
    assert resampled_length(3, 2, 1) == 2


def test_clips_are_cut_and_padded_as_asked() -> None:
    clip = of(np.arange(10, dtype=np.float32)[None] / 10, 1000)
    assert ClipFit(seconds=0.004)(clip, "a").samples[0, 0] == 0
    middle = ClipFit(seconds=0.004, cut="center")(clip, "a")
    np.testing.assert_array_equal(middle.samples[0], np.float32([0.3, 0.4, 0.5, 0.6]))
    assert middle.notes == ("cut to 0.004 s",)
    longer = ClipFit(seconds=0.012, pad="zeros")(clip, "a")
    np.testing.assert_array_equal(longer.samples[0, 10:], [0, 0])
    assert longer.notes == ("padded with zeros to 0.012 s",)
    assert ClipFit(seconds=0.01)(clip, "a") is clip
    with pytest.raises(
        InputError, match=r"^a: 0\.01 s long; needed: at least 0\.012 s; .*pad=zeros"
    ):
        ClipFit(seconds=0.012)(clip, "a")
    with pytest.raises(InputError, match=r"^a: 0\.01 s long; needed: 0\.004 s; cut it"):
        ClipFit(seconds=0.004, cut="error")(clip, "a")


def test_options_that_make_no_sense_are_refused() -> None:
    for options in ({"rate": 10}, {"seconds": 0}, {"seconds": -1.0}, {"cut": "center"}):
        with pytest.raises(UsageError):
            ClipFit(**options)
