"""Networks that make clips: as sources, and their samples as files."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import soundfile
import torch
from torch import nn

import ganeval
from ganeval.audio.clip import Clip
from ganeval.audio.wav import comment_of, encode_wav
from ganeval.errors import GanevalError, InputError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.base import Source
from ganeval.sources.open import open_source
from tests.audio.sounds import RATE, encoded, tone
from tests.command import Command


class Chirps(nn.Module):
    """Sines whose pitch and phase are the latents."""

    def __init__(self, channels: int = 0, loud: float = 0.5) -> None:
        super().__init__()
        self.channels = channels
        self.loud = nn.Parameter(torch.tensor(loud))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        at = torch.arange(800) / RATE
        wave = self.loud * torch.sin(2 * torch.pi * (500 + 100 * z[:, :1]) * at + z[:, 1:2])
        return torch.stack([wave] * self.channels, 1) if self.channels else wave


def generator(**options: Any) -> ganeval.Generator:
    given: dict[str, Any] = {"latent_size": 2, "value_range": (-1, 1), "num_images": 20}
    module = options.pop("module", None) or Chirps().eval()
    return ganeval.Generator(module, rate=RATE, **(given | options))


def opened(thing: Any, **options: Any) -> Source:
    return open_source(thing, policy=DecodePolicy(), **options)


def clips(source: Source) -> list[Clip]:
    return [item.content() for item in source.load(range(len(source)))]  # type: ignore[misc]


@pytest.mark.parametrize("channels", [0, 1, 2])
def test_a_network_with_a_rate_is_a_source_of_clips(channels: int) -> None:
    network = Chirps(channels).eval()
    source = opened(generator(module=network))
    assert (source.info.content, source.info.noun) == ("clip", "clips")
    assert source.info.settings["rate"] == RATE
    found = clips(source)
    assert [one.rate for one in found] == [RATE] * 20
    draws = [
        np.random.Generator(np.random.Philox(np.random.SeedSequence([0, at]))) for at in range(16)
    ]
    z = torch.from_numpy(np.stack([one.standard_normal(2, dtype=np.float32) for one in draws]))
    with torch.inference_mode():
        expected = network(z).numpy().reshape(16, channels or 1, 800)
    np.testing.assert_array_equal(np.stack([one.samples for one in found[:16]]), expected)


def test_values_are_brought_to_full_scale() -> None:
    half = clips(opened(generator(value_range=(-0.5, 0.5))))
    whole = clips(opened(generator()))
    np.testing.assert_array_equal(half[3].samples, 2 * whole[3].samples)
    with pytest.raises(
        InputError, match=r"values observed from -1.99984 to 2; .*-1 to 1.*full scale"
    ):
        opened(generator(module=Chirps(loud=2.0)))
    clamped = clips(opened(generator(module=Chirps(loud=2.0), clamp=True)))
    assert np.abs(clamped[0].samples).max() == 1


def test_what_is_no_clip_is_refused() -> None:
    flat = nn.Sequential(nn.Linear(2, 3 * 64 * 8 * 8), nn.Unflatten(1, (3, 64, 8, 8)))
    for thing, told in {
        generator(module=flat): "returns shape [8, 3, 64, 8, 8]; needed: floats [B, samples] or",
        generator(module=lambda z: torch.zeros(len(z), 800)): "gives the same clip for 8 latents",
    }.items():
        with pytest.raises(InputError) as caught:
            opened(thing)
        assert told in str(caught.value)
    with pytest.raises(InputError, match="5 samples a second"):
        opened(ganeval.Generator(Chirps(), latent_size=2, value_range=(-1, 1), rate=5))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file of tensors without a card."""
    path = tmp_path / "chirps.safetensors"
    safetensors.torch.save_file(Chirps().state_dict(), path)
    return path


class Louder(nn.Module):
    """Makes a clip of another one: twice as many samples, each of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, low: torch.Tensor) -> torch.Tensor:
        return self.gain * low.repeat_interleave(2, dim=2)


def test_a_paired_network_makes_clips_of_clips(tmp_path: Path) -> None:
    for at in range(8):
        (tmp_path / f"{at}.wav").write_bytes(encoded(tone(100 + at), subtype="FLOAT"))
    made = generator(module=Louder().eval(), latent_size=None, condition=tmp_path, num_images=8)
    found = clips(opened(made))
    np.testing.assert_allclose(found[3].samples, 0.5 * tone(103).repeat(2, axis=1), atol=1e-7)
    (tmp_path / "7.wav").write_bytes(encoded(tone(107, seconds=0.1)))
    with pytest.raises(
        InputError, match=r"7\.wav: 1,600 samples in 1 channels; needed: conditions of one"
    ):
        opened(made)


def test_a_condition_of_another_rate_than_the_network_takes_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for at in range(8):
        (tmp_path / f"{at}.wav").write_bytes(encoded(tone(100 + at), subtype="FLOAT"))
    made = generator(module=Louder().eval(), latent_size=None, condition=tmp_path, num_images=8)
    (doubt,) = opened(made).info.found["doubts"]
    assert doubt in caplog.text
    assert "makes 1 s from 0.5 s" in doubt
    assert "write `,rate=8000` after the condition" in doubt
    low = replace(made, condition=f"folder:{tmp_path},rate=8000")
    assert opened(low).info.found["doubts"] == []


OPTIONS = (
    *("--entry", "tests.audio.test_generators:Chirps", "--latent-size", 2),
    *("--value-range", "-1,1", "--rate", RATE),
)


def test_a_name_of_one_clip_is_no_place_for_many(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    run = ganeval("sample", checkpoint, "-n", 4, "-o", tmp_path / "a.wav", *OPTIONS)
    assert run.code == 2
    assert (
        "a.wav: the name of one wav file; needed: a folder, or a name ending in .zip or"
        in run.error
    )
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("command", ["likelihood", "latents"])
def test_what_works_on_pictures_refuses_a_generator_of_clips(
    command: str, checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    words = [tmp_path] if command == "likelihood" else ["-o", tmp_path / "a.png"]
    run = ganeval(command, checkpoint, *words, *OPTIONS)
    assert run.code == 2
    assert "makes clips of sound; needed: a generator of pictures; name another" in run.error
    assert "ganeval train wavenet --eval-every" in run.error


def test_samples_are_written_as_wav_files_that_score_as_the_network_does(
    checkpoint: Path, tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    done = ganeval("sample", checkpoint, "-n", 5, "-o", folder, *OPTIONS)
    assert done.code == 0, done.err
    assert sorted(path.name for path in folder.iterdir()) == [f"0000{at}.wav" for at in range(5)]
    made = clips(opened(generator(num_images=5)))
    written = clips(opened(folder))
    for one, other in zip(made, written, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
    (folder / "00003.wav").unlink()
    assert ganeval("sample", checkpoint, "-n", 5, "-o", folder, *OPTIONS).code == 0
    assert (folder / "00003.wav").exists()
    other = ganeval("sample", checkpoint, "-n", 5, "-o", folder, "--seed", 1, *OPTIONS)
    assert "not of this checkpoint" in other.error
    assert ganeval("sample", checkpoint, "-n", 5, "-o", tmp_path / "o.zip", *OPTIONS).code == 0
    assert (
        zipfile.ZipFile(tmp_path / "o.zip").read("00001.wav") == (folder / "00001.wav").read_bytes()
    )
    assert ganeval("sample", checkpoint, "-n", 5, "-o", tmp_path / "o.npz", *OPTIONS).code == 0
    np.testing.assert_array_equal(clips(opened(tmp_path / "o.npz"))[4].samples, made[4].samples)
    grid = ganeval("sample", checkpoint, "--grid", "2x2", "-o", tmp_path / "o.png", *OPTIONS)
    assert "makes clips; needed: pictures for a grid" in grid.error


@pytest.mark.parametrize("bits", [16, 32])
def test_a_wav_file_of_ours_is_read_by_others(bits: int) -> None:
    both = np.concatenate([tone(), -tone(600)])
    content = encode_wav(Clip(both, RATE), bits=bits, comment="a mark")
    found, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(found.T, both, atol=0 if bits == 32 else 1.6e-5)
    assert comment_of(content) == "a mark"
    assert comment_of(encode_wav(Clip(both, RATE))) is None
    assert comment_of(b"RIFF") is None


def test_a_size_means_nothing_for_clips(checkpoint: Path) -> None:
    text = f"generator:{checkpoint},size=8,entry=tests.audio.test_generators:Chirps,latent_size=2"
    with pytest.raises(GanevalError, match="leave size and crop out"):
        opened(f"{text},value_range=-1,1,rate={RATE}")
