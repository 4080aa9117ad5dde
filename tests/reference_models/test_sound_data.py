"""Data of sound: the chain with a known entropy, notes, a folder of a user, spectra."""

import math
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch

import ganeval
from reference_models.data.lagchain import LagChain, lagchain
from reference_models.data.sounds import source_clips
from reference_models.data.tones import FACTOR, PITCHES, Tones, tones
from reference_models.engine.data import training_data
from reference_models.engine.session import recipe_of
from reference_models.engine.settings import with_settings
from reference_models.parts import mu_law
from reference_models.parts.spectra import lsd, power, snr

# The mu-law


@pytest.mark.parametrize("num_levels", [2, 8, 255, 256, 1024])
def test_levels_survive_the_round_trip_and_lie_in_the_middle_of_theirs(num_levels: int) -> None:
    levels = torch.arange(num_levels)
    x = mu_law.decode(levels, num_levels)
    assert torch.equal(mu_law.encode(x, num_levels), levels)
    assert (x.diff() > 0).all()
    assert x[[0, -1]].tolist() == [-1.0, 1.0]
    torch.testing.assert_close(x, -x.flip(0))


def test_the_levels_are_those_of_the_formula() -> None:
    x = torch.linspace(-1, 1, 1001, dtype=torch.float64)
    pressed = [math.copysign(math.log(1 + 255 * abs(v)) / math.log(256), v) for v in x.tolist()]
    expected = [math.floor((y + 1) / 2 * 255 + 0.5) for y in pressed]
    assert mu_law.encode(x, 256).tolist() == expected
    back = mu_law.decode(mu_law.encode(x, 256), 256).double()
    # Half a level is so much of x, or of 1 / mu where it is quiet.
    bound = (x.abs() + 1 / 255) * (256 ** (1 / 255) - 1) * 1.001
    assert ((back - x).abs() <= bound).all()
    assert mu_law.encode(torch.tensor([-3.0, 3.0]), 256).tolist() == [0, 255]


# The chain


def test_a_symbol_depends_on_the_one_twelve_before_and_on_no_other() -> None:
    data = lagchain()
    symbols = mu_law.encode(data.batch(0, 0, 4000)["real"][:, 0], 8).numpy()
    for lag in range(1, 14):
        steps = (symbols[:, lag:] - symbols[:, :-lag]) % 8
        shares = np.bincount(steps.ravel(), minlength=8) / steps.size
        expected = data.chances if lag == data.lag else np.full(8, 1 / 8)
        np.testing.assert_allclose(shares, expected, atol=0.004)
    shares = np.bincount(symbols.ravel(), minlength=8) / symbols.size
    np.testing.assert_allclose(shares, 1 / 8, atol=0.004)


def test_the_entropy_is_the_sum_over_all_clips() -> None:
    data = LagChain(num_symbols=3, lag=2, chance=0.7, num_samples=5)
    every = torch.cartesian_prod(*[torch.arange(3)] * 5)
    bits = data.bits(mu_law.decode(every, 3)[:, None])
    chances = 2 ** (-5 * bits)
    assert chances.sum() == pytest.approx(1)
    assert (chances * bits).sum() == pytest.approx(data.entropy)
    assert lagchain().entropy < 0.7 * math.log2(8)


def test_the_chain_scores_samples() -> None:
    data = lagchain()
    ((own, direction),) = data.scores(data.batch(3, 0, 500)["real"]).values()
    noise = torch.rand(500, *data.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ((other, _),) = data.scores(noise).values()
    assert own < 0.05
    assert other > 1
    assert direction == "lower"


# Notes


def test_a_note_is_the_sum_of_its_harmonics_under_its_envelope() -> None:
    data = tones()
    (note,) = data.notes(0, 7, 1)
    pitch, slope, attack, decay, phase = note
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    expected = np.zeros(512)
    weights = 0.0
    for k in range(1, 100):
        if k * hertz < 0.45 * 8000:
            time = np.arange(512) / 8000
            expected += k**-slope * np.sin(k * (2 * np.pi * hertz * time + phase))
            weights += k**-slope
    expected *= 0.9 * np.minimum(time / attack, 1) * np.exp(-time / decay) / weights
    batch = data.batch(0, 7, 1)
    np.testing.assert_allclose(batch["real"][0, 0].numpy(), expected, atol=1e-6)
    assert batch["labels"].tolist() == [int(pitch) % 12]


def test_the_pitch_is_heard_and_the_condition_is_the_clip_at_a_quarter_of_the_rate() -> None:
    data = tones(size=8192)
    batch, notes = data.batch(1, 0, 8), data.notes(1, 0, 8)
    spectra = batch["real"][:, 0].double().numpy()
    spectra = np.abs(np.fft.rfft(spectra * np.hanning(8192), axis=1))
    loudest = spectra.argmax(axis=1) * 8000 / 8192
    np.testing.assert_allclose(loudest, 440 * 2 ** ((notes[:, 0] - 69) / 12), rtol=0.01)
    assert batch["condition"].shape == (8, 1, 8192 // FACTOR)
    low = scipy.signal.decimate(batch["real"].double().numpy(), 4)
    np.testing.assert_allclose(batch["condition"].numpy(), low, atol=1e-6)
    assert set(notes[:, 0]) <= set(PITCHES)
    assert batch["real"].abs().max() < 0.9


def test_data_of_another_definition_has_another_digest() -> None:
    digests = {tones().digest, tones(rate=4000).digest, tones(size=256).digest}
    digests |= {lagchain().digest, LagChain(lag=11).digest, LagChain(chance=0.7).digest}
    assert len(digests) == 6
    with pytest.raises(ganeval.GanevalError, match="tones of 510 samples; needed: a multiple of 4"):
        Tones(num_samples=510)


# A folder


def write(path: Path, samples: np.ndarray, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, shape)


def test_sounds_are_cut_into_clips_and_their_folders_are_classes(tmp_path: Path) -> None:
    first, second = noise(250), noise(400)[::-1]
    write(tmp_path / "b" / "x.wav", first)
    write(tmp_path / "c" / "y.FLAC", second)
    data = source_clips(f"folder:{tmp_path}", size=100)
    assert (len(data), data.shape, data.rate, data.num_classes) == (6, (1, 100), 8000, 2)
    expected = np.concatenate([first[:200], second]).reshape(6, 1, 100)
    np.testing.assert_allclose(data.samples, expected, atol=2**-15)
    assert data.condition is not None
    np.testing.assert_allclose(data.condition, scipy.signal.decimate(expected, 4), atol=1e-3)
    batch = data.batch(0, 0, 6)
    assert batch.names == ("real", "labels", "condition")
    places = [data.samples[:, 0, 0].tolist().index(x) for x in batch["real"][:, 0, 0].tolist()]
    assert sorted(places) == list(range(6))
    assert batch["labels"].tolist() == [int(place >= 2) for place in places]


def test_the_options_of_ganevals_sources_bring_sounds_to_one_form(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(8000), 8000)
    write(tmp_path / "b.wav", noise(4000, 2), 4000)
    with pytest.raises(
        ganeval.GanevalError, match=r"b.wav: 2 channels; needed: one channel; .*channels=mono"
    ):
        source_clips(str(tmp_path))
    location = f"folder:{tmp_path},channels=mono"
    with pytest.raises(ganeval.GanevalError, match=r"4000 Hz.*has 8000 Hz; .*mono,rate=4000"):
        source_clips(location)
    data = source_clips(f"{location},rate=4000", size=2000)
    assert (data.samples.shape, data.rate, data.names) == (
        (4, 1, 2000),
        4000,
        ("real", "condition"),
    )
    np.testing.assert_allclose(data.samples[2:].ravel(), noise(4000, 2).mean(axis=1), atol=1e-4)


def test_a_model_of_clips_takes_a_folder_of_sounds(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(300))
    recipe = recipe_of("wavenet", {"image_size": 100}, data=str(tmp_path))
    assert training_data(recipe).shape == (1, 100)
    assert training_data(recipe_of("wavenet", {"image_size": 64})).shape == (1, 64)
    with pytest.raises(
        ganeval.GanevalError, match=r"crop none for data '.*'; needed: a source of pict"
    ):
        training_data(with_settings(recipe, {"crop": "none"}))
    with pytest.raises(ganeval.GanevalError, match="pair_by index without data_b"):
        training_data(with_settings(recipe, {"pair_by": "index"}))
    with pytest.raises(ganeval.GanevalError, match="flip for data 'tones' of clips"):
        training_data(recipe_of("wavenet", {"flip": True}))
    with pytest.raises(ganeval.GanevalError, match="option of data 'tones' 'channels'"):
        training_data(recipe_of("wavenet", {"channels": 1}))


def test_what_is_no_sound_is_refused_in_a_line(tmp_path: Path) -> None:
    def refused(location: object, size: int = 100) -> str:
        with pytest.raises(ganeval.GanevalError) as error:
            source_clips(str(location), size=size)
        return str(error.value)

    assert "nowhere" in refused(tmp_path / "nowhere")
    assert "data:digits: images; needed: clips of sound" in refused("data:digits")
    write(tmp_path / "a.wav", noise(300))
    assert "clips of 30 samples; needed: a multiple of 4" in refused(tmp_path, size=30)
    assert "no sound with 400 samples or more" in refused(tmp_path, size=400)
    (tmp_path / "b.wav").write_text("no sound at all")
    assert "b.wav" in refused(tmp_path)


# Spectra


def test_the_ratio_of_signal_to_noise_is_that_of_the_powers() -> None:
    truth = torch.from_numpy(noise(3, 1, 500))
    made = truth + 0.1 * truth.flip(-1)  # noise of a hundredth of the power
    torch.testing.assert_close(snr(made, truth), torch.full((3,), 20.0, dtype=torch.float64))
    assert torch.equal(snr(truth, truth), torch.full((3,), torch.inf, dtype=torch.float64))
    torch.testing.assert_close(snr(3 * made, 3 * truth), snr(made, truth))


def test_the_log_spectral_distance_is_that_of_its_definition() -> None:
    truth, made = torch.from_numpy(noise(2, 1, 600)).split(1)
    assert lsd(truth, truth).item() == 0
    # Ten times the amplitude is a hundred times the power: 2 in its logarithm, everywhere.
    assert lsd(10 * truth, truth, frame=256).item() == pytest.approx(2, rel=1e-4)
    frame, hop = 256, 64
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    by_frame = []
    padded = [np.pad(clip[0, 0].numpy(), frame // 2) for clip in (truth, made)]
    for start in range(0, len(padded[0]) - frame + 1, hop):
        powers = [np.abs(np.fft.rfft(window * one[start : start + frame])) ** 2 for one in padded]
        first, second = (np.log10(one + 1e-8) for one in powers)
        by_frame.append(np.sqrt(np.mean((first - second) ** 2)))
    assert lsd(made, truth, frame=frame).item() == pytest.approx(np.mean(by_frame))


def test_both_distances_are_those_of_ganevals_metrics() -> None:
    batch = tones(size=4096).batch(0, 0, 4)
    truth, made = batch["real"], batch["real"].roll(1, dims=0)
    sides = (ganeval.Clips(clips.numpy(), rate=8000) for clips in (made, truth))
    report = ganeval.evaluate(
        **dict(zip(("sample", "reference"), sides, strict=True)),
        metrics=["snr", "lsd"],
        pair_by="index",
        device="cpu",
        cache=False,
    )
    assert snr(made, truth).mean().item() == pytest.approx(report["snr"].value, rel=1e-5)
    assert lsd(made, truth).mean().item() == pytest.approx(report["lsd"].value, rel=1e-3)


def test_the_power_of_a_tone_is_where_it_is() -> None:
    time = torch.arange(4096, dtype=torch.float64)
    tone = torch.sin(2 * torch.pi * 10 / 128 * time)
    spectrum = power(tone, 128, 32)[:, 4:-4].mean(dim=1)
    assert spectrum.argmax() == 10
    assert spectrum[10].item() == pytest.approx((128 / 4) ** 2, rel=1e-3)
