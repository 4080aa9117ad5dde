"""Pairs of clips: the formulas, written out, and what cannot be a pair."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal

import ganeval
from ganeval.audio.compare import log_mel_distance, log_spectral_distance, scaled_signal_and_noise
from ganeval.audio.log_mel import log_mel
from ganeval.errors import InputError
from tests.audio.sounds import RATE, encoded, tone, tones

FAST = {"device": "cpu", "cache": False, "pair_by": "index"}
TRUTH = tones(32, seed=1, seconds=0.3)
MADE = [
    one + (0.01 + 0.001 * at) * np.random.default_rng(at).normal(size=one.shape).astype(np.float32)
    for at, one in enumerate(TRUTH)
]


def scored(made: list[Any], truth: list[Any], *metrics: str, rate: int = RATE) -> Any:
    return ganeval.evaluate(
        sample=ganeval.Clips(made, rate=rate, name="made"),
        reference=ganeval.Clips(truth, rate=rate, name="truth"),
        metrics=list(metrics),
        **FAST,
    )


def test_the_scores_are_means_over_pairs_with_their_error() -> None:
    report = scored(MADE, TRUTH, "snr", "si-sdr", "lsd", "log-mel-distance")
    x, y = np.stack(MADE)[:, 0].astype(float), np.stack(TRUTH)[:, 0].astype(float)
    snr = 10 * np.log10((y**2).sum(axis=1) / ((x - y) ** 2).sum(axis=1))
    assert report["snr"].value == pytest.approx(snr.mean(), rel=1e-6)
    assert report["snr"].se == pytest.approx(snr.std(ddof=1) / np.sqrt(32), rel=1e-5)
    scale = (x * y).sum(axis=1) / (y**2).sum(axis=1)
    best = scale[:, None] * y
    sdr = 10 * np.log10((best**2).sum(axis=1) / ((x - best) ** 2).sum(axis=1))
    assert report["si-sdr"].value == pytest.approx(sdr.mean(), rel=1e-6)
    mel = [np.abs(log_mel(one) - log_mel(other)).mean() for one, other in zip(x, y, strict=True)]
    assert report["log-mel-distance"].value == pytest.approx(np.mean(mel), rel=1e-5)
    assert report["snr"].direction == "higher"
    assert report["lsd"].direction == "lower"


def test_lsd_is_that_of_scipys_spectra() -> None:
    one, other = MADE[0].astype(float), TRUTH[0].astype(float)

    def spectra(clip: Any) -> Any:
        _, _, found = scipy.signal.stft(
            clip[0], window="hann", nperseg=2048, noverlap=1536, boundary="zeros", padded=False
        )
        return np.log10(np.abs(found * 1024) ** 2 + 1e-8)  # scipy divides by the window's sum

    expected = np.sqrt(np.square(spectra(one) - spectra(other)).mean(axis=0)).mean()
    assert log_spectral_distance(one, other)[0] == pytest.approx(expected, rel=1e-6)
    assert log_spectral_distance(one, one) == [0.0]
    assert log_mel_distance(one, one) == [0.0]


def test_scale_changes_snr_and_not_si_sdr() -> None:
    loud = [2 * one for one in MADE]
    found, other = (scored(made, TRUTH, "snr", "si-sdr") for made in (MADE, loud))
    assert found["si-sdr"].value == pytest.approx(other["si-sdr"].value, abs=1e-3)
    assert other["snr"].value < 0.1 < found["snr"].value
    assert scaled_signal_and_noise(TRUTH[0], np.zeros_like(TRUTH[0])) == [0.0, 0.0]


def test_the_ratio_falls_by_6_db_as_the_noise_doubles() -> None:
    noise = [made - truth for made, truth in zip(MADE, TRUTH, strict=True)]
    ratios = [
        scored([t + k * n for t, n in zip(TRUTH, noise, strict=True)], TRUTH, "snr")["snr"].value
        for k in (1, 2)
    ]
    assert ratios[0] - ratios[1] == pytest.approx(20 * np.log10(2), abs=1e-3)


def test_identical_pairs_and_silent_partners_are_left_out() -> None:
    made, truth = [*MADE, TRUTH[0], TRUTH[1]], [*TRUTH, TRUTH[0], 0 * TRUTH[1]]
    for name in ("snr", "si-sdr"):
        score = scored(made, truth, name)[name]
        assert score.details["left_out"] == 2
        assert "2 of 34 pairs are identical or have a silent partner" in score.cautions
        assert score.value == pytest.approx(scored(MADE, TRUTH, name)[name].value, rel=1e-6)
        with pytest.raises(InputError, match="32 of 32 pairs are identical, or their partners"):
            scored(TRUTH, TRUTH, name)


def test_clips_of_other_forms_are_no_pair() -> None:
    stereo = [np.concatenate([one, one]) for one in TRUTH]
    for other, told in {
        "rate": ([ganeval.Clip(one, 8000) for one in TRUTH], "4,800 samples at 8,000 Hz in 1 chan"),
        "length": (ganeval.Clips([one[:, :-1] for one in TRUTH], rate=RATE), "4,799 samples at"),
        "channels": (
            ganeval.Clips(stereo, rate=RATE),
            "at 16,000 Hz in 2 channels; needed: pairs of clip",
        ),
    }.values():
        with pytest.raises(InputError, match=told):
            ganeval.evaluate(
                sample=ganeval.Clips(MADE, rate=RATE), reference=other, metrics=["snr"], **FAST
            )


def test_files_are_paired_by_their_names_whatever_their_endings(tmp_path: Path) -> None:
    for name in ("real", "fake"):
        (tmp_path / name).mkdir()
    for at in range(3):
        (tmp_path / "real" / f"{at}.wav").write_bytes(encoded(tone(300 + at), subtype="FLOAT"))
        (tmp_path / "fake" / f"{at}.flac").write_bytes(encoded(0.5 * tone(300 + at), "FLAC"))
    report = ganeval.evaluate(
        sample=tmp_path / "fake", reference=tmp_path / "real", metrics=["snr"], device="cpu"
    )
    assert report["snr"].value == pytest.approx(20 * np.log10(2), abs=1e-2)
