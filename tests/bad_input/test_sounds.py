"""Bad input of sound, a row of the table in docs/sound.md each."""

import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import soundfile
import torch

from ganeval import Clips
from ganeval.audio.decode import decode, read_header
from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.open import open_source
from tests.audio.sounds import RATE, encoded, tone, tones
from tests.audio.test_decode import wav
from tests.bad_input.encoded import PICTURES, encode
from tests.bad_input.outcomes import card, refusal, values
from tests.command import Command
from tests.random_sounds import write_random_sounds

PAGE = Path(__file__).parents[2] / "docs" / "sound.md"
FAST = ("--extractor", "log-mel")
NUM = 12
GOOD = [encoded(one) for one in tones(NUM, seed=1, seconds=0.1)]
STEREO = encoded(np.concatenate([tone(seconds=0.1), tone(600, seconds=0.1)]))


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def floats(values: object) -> bytes:
    return wav(32, np.asarray(values, "<f4").tobytes(), kind=3)


def chained() -> bytes:
    """Two Ogg files one after the other; the number of a stream is at byte 14 of each page."""
    parts = [encoded(tone(hertz, seconds=0.1), "OGG") for hertz in (440, 600)]
    return b"".join(
        page if not page else b"OggS" + page[:10] + bytes([number] * 4) + page[14:]
        for number, part in enumerate(parts)
        for page in part.split(b"OggS")
    )


def untagged(content: bytes) -> bytes:
    """An MP3 file without its first frame, which says how many there are."""
    return content[content.index(content[:2], 4) :]


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "an empty file": ("a.wav", b"", "an empty file"),
    "a text": ("a.wav", b"no sound at all, but a text\n", "text, not sound"),
    "a web page": ("a.mp3", b"<!doctype html><p>404", "text, not sound"),
    "a pointer of Git LFS": (
        "a.flac",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00",
        "a Git LFS pointer, whose content was not fetched",
    ),
    "random bytes": ("a.ogg", bytes(range(256)) * 4, "damaged, or not sound"),
    "a picture": ("a.wav", encode(PICTURES[0]), "damaged, or not sound"),
    "a WAV file cut short": ("a.wav", cut(GOOD[0]), "truncated ("),
    "an AIFF file cut short": ("a.aiff", cut(encoded(tone(), "AIFF")), "truncated ("),
    "a FLAC file cut short": ("a.flac", cut(encoded(tone(), "FLAC")), "damaged, or not sound"),
    "an Ogg file cut short": ("a.ogg", cut(encoded(tone(), "OGG")), "truncated ("),
    "several Ogg files in one": ("a.ogg", chained(), "several Ogg streams"),
    "an MP3 file of several bit rates that does not say how long it is": (
        "a.mp3",
        untagged(encoded(tone(), "MP3")),
        "of several bit rates that does not say how long it is",
    ),
    "an MP3 file cut short": ("a.mp3", cut(encoded(tone(), "MP3")), "truncated or damaged ("),
    "a WAV file without samples": ("a.wav", wav(16, b""), "no samples"),
    "samples that are NaN": ("a.wav", floats([0.1] * 999 + [np.nan]), "1 samples are NaN"),
    "samples that are infinite": ("a.wav", floats([0.1] * 999 + [np.inf]), "NaN or infinite"),
    "floats on the scale of 16 bits": (
        "a.wav",
        floats(32_767 * tone()[0]),
        "samples from -1.638e+04 to 1.638e+04",
    ),
    "a rate of 500 Hz": ("a.wav", encoded(tone(), rate=500), "500 samples a second"),
    "a format that is not read (W64 called .wav)": ("a.wav", encoded(tone(), "W64"), "a W64 file"),
    "a clip of 0.02 s": (
        "a.wav",
        encoded(tone(seconds=0.02)),
        "at least 0.025 s, which the network needs",
    ),
}
"""By row: the name of the file, what is in it, and what the error says."""


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write twelve clips, and what is to be among them."""

    def write(name: str, files: dict[str, bytes] | None = None) -> Path:
        place = tmp_path / name
        place.mkdir()
        for at, content in enumerate(GOOD):
            (place / f"{at:02}.wav").write_bytes(content)
        for inner, content in (files or {}).items():
            (place / inner).write_bytes(content)
        return place

    return write


@pytest.mark.parametrize("row", REFUSED)
def test_what_is_no_clip_is_refused_in_one_line(
    row: str, folder: Callable[..., Path], ganeval: Command
) -> None:
    name, content, told = REFUSED[row]
    real, bad = folder("real"), folder("bad", {name: content})
    line = refusal(ganeval("fid", real, bad, *FAST))
    assert line.startswith(f"ganeval: error: {bad}/{name}: ")
    assert told in line
    assert "skip it with --on-bad-image skip --max-bad 8%" in line
    found = ganeval("fid", real, bad, *FAST, "--on-bad-image", "skip", "--max-bad", "9%")
    assert found.code == 0, found.err
    assert "skipped: " in found.err
    assert f"| {row} | " in PAGE.read_text(encoding="utf-8")


NOTED: dict[str, tuple[bytes, str]] = {
    "a silent clip": (encoded(0 * tone(seconds=0.1)), "silent"),
    "a clipped clip": (encoded(np.clip(3 * tone(seconds=0.1), -1, 1)), "clipped at full scale"),
    "values beyond full scale": (
        encoded(3 * tone(seconds=0.1), subtype="FLOAT"),
        "values beyond -1 to 1",
    ),
    "another rate": (
        encoded(tone(seconds=0.1, rate=44_100), rate=44_100),
        "resampled from 44,100 to 8,000 Hz",
    ),
    "two channels": (STEREO, "2 channels mixed to mono"),
    "a clip that is too long": (encoded(tone(seconds=0.3)), "cut to 0.1 s"),
    "a clip that is too short": (encoded(tone(seconds=0.05)), "padded with zeros to 0.1 s"),
}
"""By row: what is in the file, and what the report counts."""


@pytest.mark.parametrize("row", NOTED)
def test_what_is_odd_is_scored_and_counted(
    row: str, folder: Callable[..., Path], ganeval: Command
) -> None:
    content, told = NOTED[row]
    real, odd = folder("real"), folder("odd", {"a.wav": content})
    text = f"folder:{odd},rate=8000,channels=mono,seconds=0.1,pad=zeros"
    run = ganeval("fid", real, text, *FAST, "--json")
    assert run.code == 0, run.err
    assert card(run, text)["notes"][told] == 1
    assert f"| {row} | " in PAGE.read_text(encoding="utf-8")


def test_row_a_file_of_another_ending_is_what_it_holds(
    folder: Callable[..., Path], ganeval: Command
) -> None:
    real, odd = folder("real"), folder("odd", {"a.mp3": GOOD[0]})
    assert ganeval("fid", real, odd, *FAST).code == 0
    assert "| WAV data called .mp3 | " in PAGE.read_text(encoding="utf-8")


def test_row_a_length_that_was_not_known_is_no_fault(
    folder: Callable[..., Path], ganeval: Command
) -> None:
    content = wav(16, (9999 * tone(seconds=0.1)).astype("<i2").tobytes(), size=0xFFFFFFFF)
    real, odd = folder("real"), folder("odd", {"a.wav": content})
    assert ganeval("fid", real, odd, *FAST).code == 0
    assert "| a WAV file whose header does not say its length | " in PAGE.read_text("utf-8")


def test_row_an_mp3_of_one_bit_rate_that_does_not_say_its_length_is_counted(
    folder: Callable[..., Path], ganeval: Command
) -> None:
    whole = io.BytesIO()
    samples = tone(seconds=0.5)[0]
    constant = {"bitrate_mode": "CONSTANT", "compression_level": 0.5}
    soundfile.write(whole, samples, RATE, format="MP3", **constant)
    content = untagged(whole.getvalue())
    assert b"Info" in whole.getvalue()
    assert b"Info" not in content
    real, odd = folder("real"), folder("odd", {"a.mp3": content})
    run = ganeval("fid", real, odd, *FAST)
    assert run.code == 0, run.err
    heard = decode(content, name="a.mp3", max_seconds=9).samples[0]
    header = read_header(content, name="a.mp3", max_seconds=9)
    assert header.frames == len(heard) >= len(samples)
    spectra = [np.abs(np.fft.rfft(one[: len(samples)])) for one in (heard, samples)]
    assert spectra[0].argmax() == spectra[1].argmax()
    row = "| an MP3 file of one bit rate that does not say how long it is | "
    assert row in PAGE.read_text("utf-8")


def test_row_a_codec_that_can_only_be_read_from_the_start(
    folder: Callable[..., Path], ganeval: Command
) -> None:
    content = encoded(tone(seconds=0.5, rate=8000), subtype="GSM610", rate=8000)
    real, odd = folder("real"), folder("odd", {"a.wav": content})
    run = ganeval("fid", real, odd, *FAST)
    assert run.code == 0, run.err
    heard = decode(content, name="a.wav", max_seconds=9).samples[0, :4000]
    assert np.corrcoef(heard, tone(seconds=0.5, rate=8000)[0])[0, 1] > 0.95
    assert "| a WAV file of GSM 6.10 | " in PAGE.read_text("utf-8")


ODD_ARRAYS: dict[str, tuple[Any, Any, str]] = {
    "32-bit integers that hold 16-bit values": (
        np.arange(-32768, 32768, 8, dtype=np.int32).reshape(4, -1),
        16_000,
        "in integers of 32 bits",
    ),
    "a sparse tensor": (torch.eye(9).to_sparse(), 16_000, "cannot be converted to an array"),
    "a table of pandas": (pandas.DataFrame(np.zeros((4, 900))), 16_000, "[0] is not its first"),
    "a masked array": (
        np.ma.masked_less(np.linspace(-1, 1, 1800).reshape(2, 900), -0.5),
        16_000,
        "masked samples",
    ),
    "a rate that is not a whole number": (np.zeros((2, 900)), 44_100.5, "44100.5 samples a second"),
}
"""By row: samples in memory, their rate, and what the error says."""


@pytest.mark.parametrize("row", ODD_ARRAYS)
def test_what_is_no_array_of_clips_is_refused(row: str) -> None:
    data, rate, told = ODD_ARRAYS[row]
    with pytest.raises(InputError, match=re.escape(told)):
        open_source(Clips(data, rate=rate), policy=DecodePolicy()).load([0])
    assert f"| {row} | " in PAGE.read_text(encoding="utf-8")


def test_rows_of_sources_and_networks_that_do_not_fit(
    folder: Callable[..., Path], tmp_path: Path, ganeval: Command
) -> None:
    real, fake = folder("real"), folder("fake")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.m4a").write_bytes(b"a")
    (tmp_path / "pictures").mkdir()
    for at, picture in enumerate(PICTURES):
        (tmp_path / "pictures" / f"{at}.png").write_bytes(encode(picture))
    broken = folder("broken")
    os.symlink("nowhere", broken / "a.wav")  # noqa: PTH211
    np.save(tmp_path / "a.npy", np.stack([tone(seconds=0.1)[0]] * 9))
    np.savez(tmp_path / "a.npz", samples=np.zeros((9, 999), "f4"), rate=8000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.wav", cut(GOOD[0]))
    rows = {
        "clips for a network of pictures": (
            ("fid", real, fake, "--extractor", "random"),
            "has clips, but the network random takes pictures",
        ),
        "pictures for a network of clips": (
            ("fid", tmp_path / "pictures", tmp_path / "pictures", *FAST),
            "has pictures, but the network log-mel takes clips",
        ),
        "pictures for a metric of clips": (
            ("eval", tmp_path / "pictures", tmp_path / "pictures", "-m", "fad"),
            "has pictures; needed: clips, for fad",
        ),
        "a folder with only other formats": (
            ("fid", real, tmp_path / "none", *FAST),
            "no clips (files of other sound formats: 1)",
        ),
        "an option of pictures for clips": (
            ("fid", real, f"folder:{fake},rate=8000,size=64", *FAST),
            "option 'size' is for pictures and 'rate' is for clips",
        ),
        "a link to nothing": (("fid", real, broken, *FAST), "a link to 'nowhere'"),
        "a misspelt option": (
            ("fid", real, f"folder:{fake},rat=8000", *FAST),
            "did you mean 'rate'?",
        ),
        "a rate that contradicts the file's": (
            ("fid", real, f"npz:{tmp_path}/a.npz,rate=9000", *FAST),
            "8,000 samples a second by its own `rate`",
        ),
        "an array without a rate": (
            ("fid", real, tmp_path / "a.npy", *FAST),
            "write `npy:",
        ),
        "a clip of a zip cut short": (
            ("fid", real, tmp_path / "a.zip", *FAST),
            "a.zip:a.wav: truncated (",
        ),
        "a file longer than an hour, or than max_seconds": (
            ("fid", real, f"folder:{fake},max_seconds=0.05", *FAST),
            "0.1 s long; needed: at most 0.05 s",
        ),
        "clips shorter than the windows of fad": (
            ("eval", real, fake, "-m", "fad@log-mel", *FAST),
            "'00.wav' of 0.1 s and 11 more; needed: at least 1 s, the length of a window",
        ),
        "pairs of different lengths": (
            ("eval", real, f"folder:{fake},seconds=0.05", "-m", "snr", *FAST),
            "a clip of 800 samples at 16,000 Hz in 1 channel and one of 1,600 samples",
        ),
        "no weights of VGGish": (
            ("fad", *(f"folder:{one},seconds=1,pad=zeros" for one in (real, fake))),
            "vggish-10086976.pth",
        ),
    }
    page = PAGE.read_text(encoding="utf-8")
    for row, (words, told) in rows.items():
        line = refusal(ganeval(*words), code=4 if "weights" in row else 2)
        assert told in line, row
        assert f"| {row} | " in page, row


def test_the_same_clips_are_told(folder: Callable[..., Path], ganeval: Command) -> None:
    real, fake = folder("real"), folder("fake")
    run = ganeval("fid", real, fake, *FAST, "--json")
    assert "are the same clips" in run.err
    assert abs(values(run)["fid"]) < 1e-6
    assert re.search(r"\| a clip that is there twice \| .*duplicates", PAGE.read_text("utf-8"))
    assert RATE == 16_000


def test_a_network_that_a_metric_would_not_use_is_refused(
    folder: Callable[..., Path], ganeval: Command
) -> None:
    real, fake = folder("real"), folder("fake")
    line = refusal(ganeval("fad", real, fake, *FAST))
    assert "--extractor log-mel is given, but fad has its own network vggish" in line
    assert "write -m fad@log-mel with `ganeval eval`" in line
    line = refusal(ganeval("fad", real, fake, "--weights", real / "00.wav"))
    assert "00.wav of inception, which no metric uses" in line
    assert "add --extractor vggish" in line
    line = refusal(ganeval("eval", real, fake, "-m", "fad@crepe-tiny,fad", *FAST))
    assert "write -m fad@log-mel" in line
    assert ganeval("eval", real, fake, "-m", "lsd", *FAST).code == 0  # no network could be its


def test_what_has_no_weights_here_is_still_of_one_kind(
    folder: Callable[..., Path], ganeval: Command
) -> None:
    line = refusal(ganeval("eval", folder("real"), folder("fake")))
    assert "has clips, but the network inception takes pictures" in line
    assert "METRIC@NETWORK: log-mel, crepe-tiny, vggish" in line


def test_all_leaves_out_what_refuses_the_first_item(
    folder: Callable[..., Path], ganeval: Command, tmp_path: Path
) -> None:
    sides = []
    for name, seed in (("short", 1), ("other", 2)):
        place = tmp_path / name
        place.mkdir()
        for at, clip in enumerate(tones(NUM, seed=seed, seconds=0.02)):
            (place / f"{at:02}.wav").write_bytes(encoded(clip))
        sides.append(place)
    weights = write_random_sounds("crepe-tiny", tmp_path)
    run = ("--extractor", "crepe-tiny", "--weights", weights, "--json")
    found = ganeval("eval", *sides, "-m", "all", *run)
    assert found.code == 0, found.err
    assert "log-mel-distance (clips of 0.02 s)" in found.err
    assert {"kad", "snr", "si-sdr", "lsd"} <= set(values(found))
    assert "log-mel-distance" not in values(found)
    assert "clips of 0.02 s" in refusal(ganeval("eval", *sides, "-m", "log-mel-distance"))


def test_all_leaves_out_what_has_no_value(folder: Callable[..., Path], ganeval: Command) -> None:
    real, fake = folder("real"), folder("fake")
    found = ganeval("eval", real, fake, "-m", "all", *FAST, "--json")
    assert found.code == 0, found.err
    assert "snr (12 of 12 pairs are identical" in found.err
    assert "fetch vggish" not in found.err  # which nobody can
    assert values(found)["lsd"] == 0
    assert "12 of 12 pairs are identical" in refusal(ganeval("eval", real, fake, "-m", "snr"))


def test_the_gate_of_a_run_without_fid_asks_for_a_limit(
    folder: Callable[..., Path], ganeval: Command, tmp_path: Path
) -> None:
    real, fake = folder("real"), folder("fake")
    run, base = tmp_path / "run.json", tmp_path / "base.json"
    assert ganeval("kad", real, fake, *FAST, "-o", run).code == 0
    assert ganeval("baseline", "accept", run, "-o", base).code == 0
    line = refusal(ganeval("check", run, "--baseline", base))
    assert "run.json: no fid, which is what --max-regress limits" in line
    assert "add --max-regress kad=AMOUNT" in line
    decided = ganeval("check", run, "--baseline", base, "--max-regress", "kad=1")
    assert "unknown" not in decided.err
