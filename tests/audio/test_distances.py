"""FAD and KAD: their definitions, their windows, and clips as the unit of inference."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import ganeval
from ganeval.audio.clip import Clip
from ganeval.audio.log_mel import log_mel
from ganeval.audio.windows import Windows
from ganeval.errors import InputError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.metrics.audio_frechet import WINDOWS, Fad
from ganeval.metrics.audio_kernel import Kad, median_distance
from ganeval.sources.open import open_source
from ganeval.sources.views.windows import windows_of
from tests.audio.sounds import RATE, encoded, tone, tones
from tests.pictures import blobs
from tests.summaries import InMemory, inputs

FAST = {"device": "cpu", "cache": False}


def rows(num: int, seed: int, shift: float = 0.0) -> Any:
    values = np.random.default_rng(seed).normal(shift, 1, (num, 6))
    return values.astype(np.float32)


def of(metric: Any, sample: Any, reference: Any) -> Any:
    roles = {"sample": InMemory(sample), "reference": InMemory(reference)}
    return metric.compute(inputs(metric, roles), np.random.default_rng(0)).scores[0]


def test_kad_is_the_loop_over_all_pairs() -> None:
    x, y = rows(23, 1, 0.3).astype(float), rows(31, 2).astype(float)
    distances = [np.linalg.norm(one - other) for one, other in combinations(y, 2)]
    width = sorted(distances)[(len(distances) - 1) // 2]

    def mean(pairs: list[tuple[Any, Any]]) -> float:
        return float(np.mean([np.exp(-((a - b) @ (a - b)) / (2 * width**2)) for a, b in pairs]))

    expected = mean([*combinations(x, 2)]) + mean([*combinations(y, 2)])
    expected -= 2 * mean([(a, b) for a in x for b in y])
    score = of(Kad(), x.astype(np.float32), y.astype(np.float32))
    assert score.value == pytest.approx(100 * expected, rel=1e-5, abs=1e-6)
    assert score.details["bandwidth"] == pytest.approx(width, rel=1e-5)
    assert median_distance(y[:2].astype(np.float32)) == pytest.approx(distances[0], rel=1e-6)


def test_kad_has_the_error_that_repetition_shows() -> None:
    values, errors = [], []
    for seed in range(60):
        score = of(Kad(), rows(220, 2 * seed, 0.25), rows(220, 2 * seed + 1))
        values.append(score.value)
        errors.append(score.se)
    assert 0.75 < np.std(values) / np.mean(errors) < 1.25


def test_kad_says_that_a_reference_has_no_width_and_refuses_a_window_without_length() -> None:
    score = of(Kad(), rows(9, 1), np.ones((9, 6), np.float32))
    assert score.value == pytest.approx(100)  # 0 + 1 - 0: all rows of one side are equal
    assert "half of the pairs of images of the reference have equal features" in score.cautions
    with pytest.raises(UsageError, match=r"windows with seconds=-1"):
        Kad(window=-1.0)


def test_fad_is_its_definition() -> None:
    x, y = rows(60, 1, 0.5), rows(70, 2)
    one, other = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(one @ other).real
    gap = x.mean(axis=0).astype(float) - y.mean(axis=0)
    expected = gap @ gap + np.trace(one + other - 2 * root)
    assert of(Fad(), x, y).value == pytest.approx(expected, rel=1e-5)
    assert of(Fad(), x, x).value == pytest.approx(0, abs=1e-6 * np.trace(one))


def test_windows_are_those_of_each_tool() -> None:
    clip = Clip(tone(seconds=3, loud=0.02), RATE)
    starts = {name: how.starts(clip.samples.shape[1], RATE) for name, how in WINDOWS.items()}
    assert starts["google"] == [0, 8000, 16_000, 24_000, 32_000]
    assert starts["gudgud96"] == starts["fadtk"] == [0, 15_360, 30_720]
    google = WINDOWS["google"].prepare(clip)
    np.testing.assert_allclose(google.samples, clip.samples / np.float32(0.1))
    loud = WINDOWS["google"].prepare(Clip(tone(seconds=3, loud=0.5) - 0.25, RATE))
    assert loud.samples.max() == 1
    assert loud.samples.min() < -2.9  # of the lowest value it takes no notice
    found = WINDOWS["fadtk"].prepare(Clip(tone(seconds=0.5), RATE))
    assert found.samples.shape == (1, RATE)
    assert (found.samples * 32768 == np.rint(found.samples * 32768)).all()
    whole = log_mel(clip.samples[0])  # VGGish's own pieces of the whole clip
    for number, start in enumerate(starts["gudgud96"]):
        piece = WINDOWS["gudgud96"].window(WINDOWS["gudgud96"].prepare(clip), start)
        np.testing.assert_array_equal(log_mel(piece.samples[0]), whole[96 * number :][:96])


def sources(seconds: tuple[float, ...] = (2.0, 3.0, 2.5)) -> Any:
    clips = [Clip(tones(1, seed=at, seconds=one)[0], RATE) for at, one in enumerate(seconds)]
    return open_source(clips, policy=DecodePolicy())


def test_the_windows_of_a_source_are_a_source() -> None:
    view = windows_of(sources(), Windows(seconds=1.0, hop=0.5), [0, 2])
    assert view.info.noun == "windows"
    assert list(view.names()) == ["0@0s", "0@0.5s", "0@1s", "2@0s", "2@0.5s", "2@1s", "2@1.5s"]
    items = view.load(range(7))
    assert len({item.digest for item in items}) == 7
    backwards = view.load(range(7)[::-1])[::-1]
    for one, other in zip(items, backwards, strict=True):
        assert (one.name, one.digest) == (other.name, other.digest)
        np.testing.assert_array_equal(one.content().samples, other.content().samples)
        np.testing.assert_array_equal(one.content().samples, other.content().samples)
    whole = sources().load([2])[0].content()
    np.testing.assert_array_equal(items[4].content().samples, whole.samples[:, 8000:24_000])
    other = windows_of(sources(), Windows(seconds=1.0, hop=0.5, peak="google"), [0, 2])
    assert not {item.digest for item in items} & {item.digest for item in other.load(range(7))}
    assert view.info.fingerprint != other.info.fingerprint


def test_windows_of_short_clips_and_of_pictures_are_refused() -> None:
    with pytest.raises(
        InputError,
        match=r"clips: '0' of 2 s and 1 more; needed: at least 2\.6 s, the length of a window; ",
    ):
        windows_of(sources(), Windows(seconds=2.6), range(3))
    pictures = open_source(blobs(4, seed=1), policy=DecodePolicy())
    with pytest.raises(
        UsageError, match="has pictures; needed: clips of sound, to cut windows from them"
    ):
        windows_of(pictures, Windows(seconds=1.0), range(4))


def test_lengths_are_known_without_decoding(tmp_path: Any, monkeypatch: Any) -> None:
    from ganeval.sources.files.sounds import Sounds

    for at, (kind, rate) in enumerate([("WAV", 44_100), ("FLAC", 8000), ("OGG", 16_000)]):
        content = encoded(tone(seconds=2, rate=rate), kind, rate=rate)
        (tmp_path / f"{at}.{kind.lower()}").write_bytes(content)
    source = open_source(tmp_path, policy=DecodePolicy())
    with monkeypatch.context() as patched:
        patched.setattr(Sounds, "decode", None)
        view = windows_of(source, Windows(seconds=0.5), range(3))
        assert len(view) == 12
    assert {item.content().samples.shape for item in view.load(range(12))} == {(1, 8000)}


def test_errors_are_over_clips_and_not_over_windows() -> None:
    """Clips of equal windows tell no more than their first windows do."""
    pieces = {
        role: tones(205, seed=seed, seconds=0.1, rate=8000)
        for seed, role in enumerate(("sample", "reference"))
    }
    once = {role: ganeval.Clips(one, rate=8000, name=role) for role, one in pieces.items()}
    often = {
        role: ganeval.Clips([np.tile(clip, 4) for clip in one], rate=8000, name=role)
        for role, one in pieces.items()
    }
    (found,), (alone,) = (
        ganeval.evaluate(**one, metrics=["kad@log-mel:window=0.1"], **FAST).scores
        for one in (often, once)
    )
    assert found.num_sample == 820
    assert found.noun == "windows"
    assert alone.num_sample == 205
    assert 0.8 < found.se / alone.se < 1.25


def test_every_feature_metric_works_on_clips() -> None:
    sample, reference = (
        ganeval.Clips(tones(60, seed=seed, seconds=0.2, rate=8000), rate=8000, name=name)
        for seed, name in enumerate(("sample", "reference"))
    )
    metrics = ["fid", "kid", "pr", "dc", "authenticity", "kad", "fad@log-mel:convention=fadtk"]
    report = ganeval.evaluate(
        sample=sample,
        reference=reference,
        train=reference,
        metrics=metrics,
        extractor="log-mel",
        **FAST,
    )
    names = {row.name for row in report.scores}
    assert {"fid", "kid", "precision", "coverage", "authenticity", "kad", "fad"} <= names
    same = ganeval.evaluate(
        sample=sample,
        reference=replace(sample, name="again"),
        metrics=["fid", "kad"],
        extractor="log-mel",
        **FAST,
    )
    assert same["fid"].value < 1e-6 * 60


def test_fad_grows_with_what_is_done_to_the_sound() -> None:
    clean = tones(40, seed=1, seconds=1.0, rate=RATE)
    other = ganeval.Clips(tones(40, seed=2, seconds=1.0, rate=RATE), rate=RATE, name="reference")
    rng = np.random.default_rng(3)
    found = []
    for noise in (0.0, 0.02, 0.05, 0.2):
        noisy = [one + rng.normal(0, noise, one.shape).astype(np.float32) for one in clean]
        sample = ganeval.Clips(noisy, rate=RATE, name="sample")
        report = ganeval.evaluate(sample=sample, reference=other, metrics=["fad@log-mel"], **FAST)
        found.append(report["fad@log-mel"].value)
    assert found == sorted(found)
    assert found[-1] > 5 * found[0]
