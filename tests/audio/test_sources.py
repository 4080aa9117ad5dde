"""Clips out of folders, archives, arrays and Python objects."""

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganeval
from ganeval.errors import GanevalError, InputError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.base import Source
from ganeval.sources.files.index import Index
from ganeval.sources.open import open_source
from tests.audio.sounds import RATE, encoded, tone, tones

CHORDS = tones(6, seconds=0.1)
FILES = {
    f"{'ab'[at % 2]}/{at}.{ending}": encoded(chord, *codec)
    for at, (chord, (ending, *codec)) in enumerate(
        zip(
            CHORDS,
            [
                ("wav", "WAV", "PCM_16"),
                ("flac", "FLAC"),
                ("WAV", "WAV", "FLOAT"),
                ("ogg", "OGG"),
                ("mp3", "MP3"),
                ("aiff", "AIFF"),
            ],
            strict=True,
        )
    )
}


def opened(thing: Any, **options: Any) -> Source:
    return open_source(thing, policy=DecodePolicy(), **options)


def contents(source: Source) -> list[ganeval.Clip]:
    return [item.content() for item in source.load(range(len(source)))]  # type: ignore[misc]


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(params=["folder", "zip", "tar", "tars"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same clips in each kind of container."""
    if request.param == "folder":
        return str(folder(tmp_path / "sounds", FILES))
    if request.param == "zip":
        return str(zipped(tmp_path / "sounds.zip", FILES))
    if request.param == "tar":
        return str(tarred(tmp_path / "sounds.tar", FILES))
    names = sorted(FILES)
    for at in (0, 1):
        tarred(tmp_path / f"s-{at}.tar", {name: FILES[name] for name in names[3 * at : 3 * at + 3]})
    return f"{tmp_path}/s-{{0..1}}.tar"


def test_files_of_sound_are_clips_wherever_they_lie(place: str) -> None:
    source = opened(place)
    assert source.info.content == "clip"
    assert source.info.noun == "clips"
    assert list(source.names()) == sorted(FILES)
    assert source.unusable() == {}
    for name, clip in zip(source.names(), contents(source), strict=True):
        expected = CHORDS[int(name[2])]
        assert clip.samples.shape == expected.shape
        assert clip.rate == RATE
        if name.lower().endswith(("wav", "flac", "aiff")):
            assert np.abs(clip.samples - expected).max() < 4e-5
    assert source.info.settings["decoder"].startswith("soundfile ")  # type: ignore[attr-defined]
    assert source.info.found == {
        "native_rates": {str(RATE): 6},
        "native_channels": {"1": 6},
        "codecs": {
            "AIFF PCM_16": 1,
            "FLAC PCM_16": 1,
            "MP3 MPEG_LAYER_III": 1,
            "OGG VORBIS": 1,
            "WAV FLOAT": 1,
            "WAV PCM_16": 1,
        },
        "native_seconds": [0.1, 0.1],
    }


def test_options_of_clips_stand_in_the_text(place: str) -> None:
    kind = "folder" if "." not in Path(place).name else "zip" if place.endswith("zip") else "tar"
    source = opened(f"{kind}:{place},rate=8000,channels=mono,seconds=0.2,pad=zeros")
    for clip in contents(source):
        assert (clip.rate, clip.samples.shape) == (8000, (1, 1600))
    assert {key: source.info.settings[key] for key in ("rate", "seconds", "pad")} == {
        "rate": 8000,
        "seconds": 0.2,
        "pad": "zeros",
    }
    if "{" not in place:  # each of several archives needs one that fits
        assert [*opened(f"{kind}:{place},pattern=*.wav").names()] == ["a/0.wav"]
    classes = opened(f"{kind}:{place},labels=folders").labels()
    assert classes == ("a", "a", "a", "b", "b", "b")


def test_pictures_go_before_sounds_unless_clips_are_asked_for(tmp_path: Path) -> None:
    from tests.bad_input.encoded import PICTURES, encode

    both = folder(tmp_path / "both", {"a.png": encode(PICTURES[0]), "a.wav": encoded(tone())})
    assert opened(both).info.content == "picture"
    assert opened(both).info.ignored == {"files of sound": 1}
    clips = opened(f"folder:{both},content=clips")
    assert clips.info.content == "clip"
    assert clips.info.ignored == {"pictures": 1}
    folder(tmp_path / "none", {"a.txt": b"a", "b.m4a": b"b"})
    folder(tmp_path / "texts", {"a.txt": b"a"})
    for text, told in {
        f"{tmp_path}/texts": "no images (other files: 1)",
        f"{tmp_path}/none": "no clips (files of other sound formats: 1, other files: 1)",
        f"folder:{tmp_path}/none,rate=8000": "no clips (files of other sound formats: 1, other f",
        f"folder:{both},content=clips,size=8": "option 'size' is given for clips",
        f"folder:{both},rate=8000,size=8": "'size' is for pictures and 'rate' is for clips",
        f"folder:{both},content=pictures,rate=8000": "option 'rate' is given for pictures",
        f"folder:{both},rate=80": "option 'rate' is 80; needed: 1000 to 768000 Hz",
        f"folder:{both},pad=zeros": "without a length",
        f"folder:{both},content=clips,pattern=*.ogg": "no clips (clips that do not fit the pattern",
    }.items():
        with pytest.raises(GanevalError) as caught:
            opened(text)
        assert told in str(caught.value), str(caught.value)


def test_a_clip_that_cannot_be_used_is_told_from_its_header(tmp_path: Path) -> None:
    good = encoded(tone())
    place = folder(tmp_path, {"a.wav": good, "b.wav": good[:-999], "c.wav": b"text", "d.wav": b""})
    reasons = opened(place).unusable()
    assert sorted(reasons) == [1, 2, 3]
    assert reasons[1].startswith(f"{tmp_path}/b.wav: truncated (15,001 of 16,000 bytes of sound)")
    long = opened(f"folder:{place},max_seconds=0.1").unusable()
    assert "0.5 s long; needed: at most 0.1 s" in long[0]


def test_the_index_knows_headers_of_clips(tmp_path: Path) -> None:
    place, cache = folder(tmp_path / "sounds", FILES), tmp_path / "index"
    index = Index(cache, trust_times=True)
    import os

    for path in place.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    source = opened(place, index=index)
    found, digests = source.info.found, [one.digest for one in source.load(range(6))]
    index.save()
    again = opened(place, index=Index(cache, trust_times=True))
    assert again.info.found == found
    assert [one.digest for one in again.load(range(6))] == digests


ARRAYS: dict[str, Any] = {
    "floats": np.stack([chord[0] for chord in CHORDS]),
    "channels": np.stack([np.concatenate([chord, -chord]) for chord in CHORDS]),
    "integers": np.stack([(32767 * chord[0]).astype(np.int16) for chord in CHORDS]),
    "tensor": torch.from_numpy(np.stack([chord[0] for chord in CHORDS])),
    "list": [chord[0] for chord in CHORDS],
    "pairs": [torch.from_numpy(chord) for chord in CHORDS],
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_with_a_rate_are_clips(name: str, tmp_path: Path) -> None:
    source = opened(ganeval.Clips(ARRAYS[name], rate=RATE, name="mine", labels=[0, 0, 0, 1, 1, 1]))
    found = contents(source)
    assert source.info.content == "clip"
    assert source.labels() == ("0", "0", "0", "1", "1", "1")
    for clip, chord in zip(found, CHORDS, strict=True):
        assert clip.rate == RATE
        np.testing.assert_allclose(clip.samples[0], chord[0], atol=1e-4)
    assert len(found[0].samples) == (2 if name == "channels" else 1)


def test_files_of_arrays_hold_clips_if_they_have_a_rate(tmp_path: Path) -> None:
    values = ARRAYS["floats"]
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", samples=values, rate=RATE, labels=np.arange(6))
    np.savez(tmp_path / "b.npz", x=values, y=values)
    torch.save({"x": torch.from_numpy(values)}, tmp_path / "a.pt")
    for text in (
        f"npy:{tmp_path}/a.npy,rate={RATE}",
        f"{tmp_path}/a.npz",
        f"npz:{tmp_path}/a.npz,rate={RATE}",
        f"npz:{tmp_path}/b.npz,rate={RATE},key=y",
        f"tensor:{tmp_path}/a.pt,rate={RATE}",
    ):
        source = opened(text)
        assert source.info.content == "clip"
        assert source.info.location == text
        np.testing.assert_array_equal(contents(source)[3].samples, CHORDS[3])
    assert opened(f"{tmp_path}/a.npz").labels() == tuple("012345")
    for text, told in {
        f"npz:{tmp_path}/a.npz,rate=8000": "16,000 samples a second by its own `rate`",
        f"npz:{tmp_path}/b.npz,rate=8000": "several arrays that may be clips",
        f"npz:{tmp_path}/a.npz,size=8": "option 'size' is given for clips",
        f"npy:{tmp_path}/a.npy,rate=8": "8 samples a second",
    }.items():
        with pytest.raises(GanevalError) as caught:
            opened(text)
        assert told in str(caught.value)


def test_lists_of_clips_and_of_paths_have_rates_of_their_own(tmp_path: Path) -> None:
    clips = [ganeval.Clip(tone(rate=rate), rate) for rate in (8000, 44_100)]
    assert [one.rate for one in contents(opened(clips))] == [8000, 44_100]
    folder(tmp_path, FILES)
    paths = [tmp_path / name for name in FILES]
    assert contents(opened(ganeval.Clips(paths)))[0].samples.shape == CHORDS[0].shape
    for thing, told in {
        ganeval.Clips(CHORDS): "samples without their rate",
        ganeval.Clips(clips, rate=8000): "each clip has its own",
        ganeval.Clips([]): "no clips",
        ganeval.Clips(np.zeros(9), rate=RATE): "shape [9]; needed: shape [n, samples]",
        ganeval.Clips("a.wav", rate=RATE): "a str; needed: an array or tensor",
    }.items():
        with pytest.raises((UsageError, InputError)) as caught:
            opened(thing)
        assert told in str(caught.value)
    for data, told in {
        (1,): "NaN or infinite",
        (2,): "transpose it",
        (3,): "samples of type bool",
    }.items():
        bad = {
            1: np.full((1, 9), np.nan, np.float32),
            2: np.zeros((1, 2000, 2), np.float32),
            3: np.zeros((1, 9), bool),
        }[data[0]]
        with pytest.raises(InputError, match=told):
            contents(opened(ganeval.Clips(bad, rate=RATE)))


def test_the_same_samples_at_another_rate_are_another_clip() -> None:
    one, other = (opened(ganeval.Clips(ARRAYS["floats"], rate=rate)) for rate in (8000, 16_000))
    assert one.load([0])[0].digest != other.load([0])[0].digest
    assert one.load([0])[0].digest == one.load([0])[0].digest
