"""Audio super-resolution: the spline, the order of sub-pixels, the loss, any length."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import torch.nn.functional as F
from scipy.interpolate import BSpline, CubicSpline

import ganeval
from ganeval.flow.sample import write_samples
from ganeval.generators.options import GeneratorOptions
from reference_models import audio_sr, wavenet
from reference_models.data.tones import decimated, tones
from reference_models.engine.draw import Draw
from reference_models.engine.kinds import Scoring
from reference_models.engine.kinds.clips import CLIPS
from reference_models.engine.session import Watch, run_training
from reference_models.engine.settings import with_settings
from reference_models.experiments.sound import through
from reference_models.parts.spectra import lsd, snr
from reference_models.parts.spline import spline, spline_weights

SMALL = {"generator.width": 2, "generator.num_stages": 2, "generator.kernel": 9, "batch_size": 4}


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(**sizes: int) -> audio_sr.Generator:
    options = {"channels": 1, "factor": 4, "width": 3, "num_stages": 2, "kernel": 9, **sizes}
    return audio_sr.Generator(**options).double()


# The spline


@pytest.mark.parametrize("factor", [2, 3, 4, 6])
def test_the_spline_is_scipys_but_at_the_ends(factor: int) -> None:
    low = random(2, 3, 80)
    found = spline(low, factor)
    assert found.shape == (2, 3, 80 * factor)
    torch.testing.assert_close(found[..., ::factor], low, rtol=0, atol=1e-8)  # it passes through
    at = np.arange(80) * factor
    expected = CubicSpline(at, low.numpy(), axis=-1)(np.arange(80 * factor))
    inside = slice(20 * factor, -20 * factor)
    torch.testing.assert_close(
        found[..., inside], torch.from_numpy(expected)[..., inside], rtol=0, atol=1e-8
    )


def test_a_spline_keeps_what_is_constant_and_delays_nothing() -> None:
    weights = spline_weights(4)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(4, dtype=torch.float64))
    line = torch.arange(60, dtype=torch.float64)[None, None]
    inside = spline(line, 4)[0, 0, 80:-80]
    torch.testing.assert_close(inside, torch.arange(20, 40, 0.25, dtype=torch.float64))
    short = spline(random(1, 1, 3), 4)  # shorter than the weights reach
    assert short.shape == (1, 1, 12)
    assert short.isfinite().all()


def test_the_basis_is_the_cubic_b_spline() -> None:
    from reference_models.parts.spline import _b_spline

    t = torch.linspace(-3, 3, 61, dtype=torch.float64)
    expected = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)(t.numpy())
    torch.testing.assert_close(_b_spline(t), torch.from_numpy(np.nan_to_num(expected)))


# The network


def test_two_channels_are_the_even_and_the_odd_samples() -> None:
    x = random(2, 6, 5)
    expected = torch.zeros(2, 3, 10, dtype=torch.float64)
    for item in range(2):
        for channel in range(3):
            for t in range(5):
                for j in range(2):
                    expected[item, channel, 2 * t + j] = x[item, 2 * channel + j, t]
    assert torch.equal(audio_sr.shuffled(x), expected)


def test_the_network_adds_to_the_spline_what_its_last_layer_says() -> None:
    made, low = network(), random(2, 1, 16).tanh()
    with torch.no_grad():
        made.last.weight.zero_()
        made.last.bias.copy_(torch.tensor([0.25, -0.5]))  # type: ignore[union-attr]
    expected = spline(low, 4) + torch.tensor([0.25, -0.5]).repeat(32)
    torch.testing.assert_close(made.completed(low), expected)
    assert torch.equal(made(low), made.completed(low).clamp(-1, 1))


@pytest.mark.parametrize("num_stages", [1, 2, 3])
def test_sounds_of_any_length_become_as_many_times_longer(num_stages: int) -> None:
    made = network(num_stages=num_stages, factor=2, channels=2)
    for length in (1, 5, 16, 33):
        assert made(random(3, 2, length)).shape == (3, 2, 2 * length)
    # What lies beyond the end is silence, so a longer clip has the same beginning.
    low = random(1, 2, 288)
    whole, part = made.completed(low), made.completed(low[..., :256])
    torch.testing.assert_close(whole[..., :24], part[..., :24])


def test_the_stages_are_those_of_the_paper() -> None:
    made = audio_sr.Generator(channels=1, factor=4, width=128, num_stages=4, kernel=65)
    down = [(one.out_channels, one.kernel_size[0], one.stride[0]) for one in made.down]
    assert down == [(128, 65, 2), (256, 33, 2), (512, 17, 2), (512, 9, 2)]
    assert (made.bottom.out_channels, made.bottom.stride) == (512, (2,))
    up = [(one.out_channels, one.kernel_size[0]) for one in reversed(made.up)]
    assert up == [(1024, 9), (1024, 17), (512, 33), (256, 65)]
    assert made.last.out_channels == 2


def test_training_begins_at_the_spline_and_minimises_the_squared_error() -> None:
    data = tones(size=64)
    game = with_settings(audio_sr.RECIPE, SMALL).build(data, torch.Generator().manual_seed(0))
    batch = data.batch(0, 0, 4)
    made = game.generator(batch["condition"])
    torch.testing.assert_close(made, spline(batch["condition"], 4), rtol=0, atol=0.01)
    expected = F.mse_loss(made, batch["real"])
    torch.testing.assert_close(game("G", batch, Draw(0, 0)), expected)


def test_conditions_of_another_rate_are_refused() -> None:
    recipe = with_settings(audio_sr.RECIPE, {"generator.factor": 2})
    with pytest.raises(ganeval.GanevalError, match=r"16 samples for clips of 64.*with 2 \("):
        recipe.build(tones(size=64), torch.Generator())


# Scores and checkpoints


def test_the_spline_of_the_experiment_is_the_networks() -> None:
    batch = tones(size=512).batch(0, 0, 3)
    ours, scipys = spline(batch["condition"], 4), through(batch["condition"])
    torch.testing.assert_close(ours[..., 80:-80], scipys[..., 80:-80], rtol=0, atol=1e-6)


def test_a_run_is_scored_by_snr_and_lsd_and_its_checkpoint_takes_any_length(
    tmp_path: Path,
) -> None:
    watch = Watch(scoring=Scoring(every=2, num_images=8), collapse=False, board=False)
    path = run_training("audio-sr", folder=tmp_path, settings={**SMALL, "steps": 2}, watch=watch)
    (row,) = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    batch = tones().batch(1_000_000, 0, 8)
    smooth = spline(batch["condition"], 4)
    assert row["snr"] == pytest.approx(snr(smooth, batch["real"]).mean().item(), abs=1)
    assert row["lsd"] == pytest.approx(lsd(smooth, batch["real"]).mean().item(), abs=1)
    assert row["snr_se"] > 0
    assert path is not None
    card = ganeval.read_card(path)
    assert (card.rate, card.latent_size, card.condition) == (8000, None, None)


def test_a_reference_of_ones_own_is_what_is_scored_on(tmp_path: Path) -> None:
    sounds = tones(size=64).batch(9, 0, 6)["real"][:, 0].numpy()
    for number, sound in enumerate(sounds):
        soundfile.write(tmp_path / f"{number}.wav", sound, 8000, subtype="FLOAT")
    recipe, data = with_settings(audio_sr.RECIPE, SMALL), tones(size=64)
    game = recipe.build(data, torch.Generator().manual_seed(0))
    scoring = Scoring(num_images=10, reference=str(tmp_path))
    options = {"seed": 0, "device": torch.device("cpu")}
    with CLIPS.scorer(scoring, recipe, data, **options) as scorer:
        assert scorer.conditions["num_images"] == 6
        found = scorer.score(game.generator, 1)
    truth = torch.from_numpy(sounds[:, None])
    low = torch.from_numpy(decimated(truth.double().numpy())).float()
    expected = snr(game.generator(low), truth).mean().item()
    assert (found[0].name, found[0].value) == ("snr", pytest.approx(expected, rel=1e-4))
    with (
        pytest.raises(
            ganeval.GanevalError, match=r"shape \(1, 64\) at 8000 Hz; needed: \(1, 64\) at 4000"
        ),
        CLIPS.scorer(scoring, recipe, tones(size=64, rate=4000), **options),
    ):
        pass
    classes = with_settings(wavenet.RECIPE, {"generator.num_classes": 12})
    with (
        pytest.raises(
            ganeval.GanevalError, match="no labels; needed: clips with labels, for wavenet"
        ),
        CLIPS.scorer(scoring, classes, data, **options),
    ):
        pass


def test_sounds_of_a_folder_are_written_at_four_times_their_rate(tmp_path: Path) -> None:
    low = 0.2 * random(2, 30).tanh()
    (tmp_path / "low").mkdir()
    for number, sound in enumerate(low):
        soundfile.write(tmp_path / "low" / f"{number}.wav", sound.numpy(), 2000, subtype="FLOAT")
    recipe = with_settings(audio_sr.RECIPE, SMALL)
    game = recipe.build(tones(), torch.Generator().manual_seed(0))
    path = tmp_path / "audio-sr.safetensors"
    CLIPS.export(game.generator, "generator", recipe, tones(), path, step=0, seed=0)
    options = GeneratorOptions(condition=str(tmp_path / "low"))
    write_samples(str(path), 2, tmp_path / "high", generator=options)
    names = sorted(path.name for path in (tmp_path / "high").iterdir())
    assert names == ["00000.wav", "00001.wav"]
    with torch.inference_mode():
        made = game.generator(low[:, None].float())
    for name, expected in zip(names, made, strict=True):
        samples, rate = soundfile.read(tmp_path / "high" / name, dtype="float32")
        assert rate == 8000
        np.testing.assert_allclose(samples, expected[0].numpy(), atol=1e-6)
    soundfile.write(tmp_path / "low" / "2.wav", noise_of(31), 2000)
    found = r"2.wav: 31 samples in 1 channels; needed: conditions of one shape \(30 samples"
    with pytest.raises(ganeval.GanevalError, match=found):
        write_samples(str(path), 3, tmp_path / "more", generator=options)


def noise_of(num: int) -> np.ndarray:
    return 0.2 * np.random.default_rng(0).standard_normal(num)
