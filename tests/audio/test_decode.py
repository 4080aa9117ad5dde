"""From files of sound to clips: every depth by one rule, every fault refused."""

import struct

import numpy as np
import pytest
import soundfile

from ganeval.audio.clip import Clip
from ganeval.audio.decode import ClipHeader, decode, read_header
from ganeval.audio.samples import BEYOND, CLIPPED, SILENT, checked_clip, to_float
from ganeval.errors import InputError
from tests.audio.sounds import RATE, encoded, tone


def decoded(content: bytes) -> Clip:
    return decode(content, name="a.wav", max_seconds=60)


def fault(content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decoded(content)
    text = str(caught.value)
    assert text.startswith("a.wav: ")
    assert "\n" not in text
    return text


def wav(bits: int, payload: bytes, *, channels: int = 1, kind: int = 1, size: int | None = None):
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", kind, channels, RATE, RATE * block, block, bits)
    data = struct.pack("<4sI", b"data", len(payload) if size is None else size) + payload
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", len(fmt)) + fmt + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_integers_of_every_depth_become_floats_by_one_rule(bits: int) -> None:
    half = 2 ** (bits - 1)
    values = [-half, -half + 1, -1, 0, 1, half // 2, half - 1]
    if bits == 8:  # the one depth without a sign
        payload = bytes(value + half for value in values)
    else:
        payload = b"".join(value.to_bytes(bits // 8, "little", signed=True) for value in values)
    found = decoded(wav(bits, payload)).samples
    assert found.dtype == np.float32
    assert found.shape == (1, 7)
    np.testing.assert_array_equal(found[0], np.float32(np.array(values, np.float64) / half))


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_floats_stay_as_they_are(kind: str) -> None:
    values = np.array([-1.5, -1, 0, 1e-9, 0.25, 1.25], kind)
    found = decoded(wav(8 * values.itemsize, values.tobytes(), kind=3))
    np.testing.assert_array_equal(found.samples[0], values.astype(np.float32))
    assert found.notes == (BEYOND,)


@pytest.mark.parametrize(
    ("kind", "subtype", "close"),
    [
        ("WAV", "PCM_16", 3.1e-5),
        ("WAV", "ULAW", 0.02),
        ("WAV", "ALAW", 0.02),
        ("FLAC", "PCM_24", 2e-7),
        ("AIFF", "PCM_16", 3.1e-5),
        ("OGG", "VORBIS", 0.03),
        ("MP3", "MPEG_LAYER_III", 0.03),
    ],
)
def test_every_codec_gives_the_sound_that_was_written(kind: str, subtype: str, close: float):
    both = np.concatenate([tone(440), tone(1000, loud=0.2)])
    content = encoded(both, kind, subtype)
    found = decoded(content)
    assert (found.rate, found.samples.shape) == (RATE, both.shape)
    assert found.samples.flags.c_contiguous
    inner = slice(1000, -1000)  # of lossy codecs; they need a while
    assert np.abs(found.samples - both)[:, inner].max() < close
    header = read_header(content, name="a", max_seconds=60)
    assert header == ClipHeader(both.shape[1], RATE, 2, kind, subtype)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("AIFF", "PCM_24"),
        ("FLAC", "PCM_16"),
        ("RF64", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_short_is_refused(kind: str, subtype: str, share: float) -> None:
    content = encoded(np.concatenate([tone(), tone(700)]), kind, subtype)
    decoded(content)
    text = fault(content[: int(share * len(content))])
    assert "truncated" in text or "damaged" in text


def test_a_length_that_nobody_knew_when_it_was_written_is_no_fault() -> None:
    payload = (32767 * tone()).astype("<i2").tobytes()
    whole = decoded(wav(16, payload))
    streamed = decoded(wav(16, payload, size=0xFFFFFFFF))
    np.testing.assert_array_equal(streamed.samples, whole.samples)


def test_what_is_no_sound_is_told_in_words() -> None:
    for content, told in {
        b"": "an empty file",
        b"this is a text, not sound at all\n": "text, not sound",
        b"<!doctype html><html>": "text, not sound",
        b"version https://git-lfs.github.com/spec/v1\noid": "a Git LFS pointer",
        bytes(range(256)) * 9: "damaged, or not sound (",
        wav(16, b""): "no samples",
        wav(32, np.array([0.1, np.nan, np.inf], np.float32).tobytes(), kind=3): "2 samples are NaN",
        wav(32, (32768 * tone()).tobytes(), kind=3): "samples from -1.638e+04 to 1.638e+04; ",
        encoded(tone(seconds=61)): "61.0 s long; needed: at most 60 s; ",
        encoded(tone(), "W64"): "a W64 file; needed: a WAV, FLAC, Ogg, MP3 or AIFF file",
        encoded(np.ones((1, 9)), rate=500): "500 samples a second; needed: a rate from 1,000 to",
    }.items():
        assert told in fault(content)


def test_silence_clipping_and_values_beyond_full_scale_are_noted() -> None:
    assert decoded(encoded(tone())).notes == ()
    assert decoded(encoded(np.zeros((2, 99)))).notes == (SILENT,)
    assert decoded(encoded(np.full((1, 99), 0.25))).notes == (SILENT,)
    assert decoded(encoded(np.clip(tone(loud=1.5), -1, 1))).notes == (CLIPPED,)
    assert decoded(encoded(np.clip(tone(loud=1.5), -1, 1), subtype="PCM_U8")).notes == (CLIPPED,)
    assert decoded(encoded(tone(loud=1))).notes == ()
    assert decoded(encoded(tone(loud=1.5), subtype="FLOAT")).notes == (BEYOND,)


def test_integers_of_arrays_obey_the_rule_of_files() -> None:
    for dtype in ("int8", "uint8", "int16", "uint16", "int32"):
        ends = np.iinfo(dtype)
        found = to_float(np.array([ends.min, ends.max], dtype), name="a")
        half = 2.0 ** (ends.bits - 1)
        np.testing.assert_array_equal(found, np.float32([-1, (half - 1) / half]))
    for values in (np.zeros(3, np.int64), np.zeros(3, bool), np.zeros(3, complex)):
        with pytest.raises(InputError, match="samples of type"):
            to_float(values, name="a")


def test_other_threads_decode_the_same() -> None:
    from concurrent.futures import ThreadPoolExecutor

    content = encoded(tone(), "OGG", "VORBIS")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: decoded(content).samples.tobytes(), range(16)))
    assert len(set(found)) == 1


def test_a_whole_source_of_one_sample_is_a_clip() -> None:
    clip = checked_clip(np.float32([[0.5]]), 8000, name="a")
    assert clip.seconds == 1 / 8000
    assert soundfile.__libsndfile_version__
