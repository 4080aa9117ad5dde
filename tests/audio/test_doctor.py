"""The doctor hears: one source for each fault, which has that fault and no other."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganeval.doctor.examine import examine
from ganeval.doctor.finding import Finding
from ganeval.flow.settings import build_settings
from tests.audio.sounds import RATE, encoded, tone, tones
from tests.bad_input.encoded import PICTURES, encode
from tests.command import Command

Spoil = Callable[[Path], object]
NUM = 30
CLIPS = [0.5 * one for one in tones(NUM, seed=1, seconds=0.2)]


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A folder without a fault but that it is small."""
    return written(tmp_path / "clean", CLIPS)


def written(folder: Path, clips: list[np.ndarray], rate: int = RATE) -> Path:
    folder.mkdir()
    for at, clip in enumerate(clips):
        (folder / f"{at:02}.wav").write_bytes(encoded(clip, rate=rate))
    return folder


def look(*sources: object) -> list[Finding]:
    found = examine([str(one) for one in sources], build_settings({})).findings
    return [one for one in found if one.check != "few-images"]


def put(at: int, clip: np.ndarray, kind: str = "WAV", **options: object) -> Spoil:
    content = encoded(clip, kind, **options)  # type: ignore[arg-type]
    return lambda folder: (folder / f"{at:02}.wav").write_bytes(content)


def each(change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    def spoil(folder: Path) -> None:
        for at, clip in enumerate(CLIPS):
            (folder / f"{at:02}.wav").write_bytes(encoded(change(clip)))

    return spoil


def slow(clip: np.ndarray) -> np.ndarray:
    """What is left when every other sample is dropped and made up again."""
    spectrum = np.fft.rfft(clip)
    spectrum[:, len(spectrum[0]) // 2 :] = 0
    return np.fft.irfft(spectrum, clip.shape[1])


def renamed(folder: Path) -> None:
    for path in list(folder.iterdir())[:5]:
        path.rename(path.with_suffix(".m4a"))


FAULTS: dict[str, tuple[Spoil, str, str]] = {
    "several-rates": (put(3, tone(seconds=0.2, rate=8000), rate=8000), "warning", "8,000 Hz: 1"),
    "several-channels": (
        put(3, np.concatenate([CLIPS[3], CLIPS[4]])),
        "warning",
        "1: 29, 2: 1",
    ),
    "several-lengths": (put(3, CLIPS[3][:, :1600]), "note", "clips of 0.1 to 0.2 s"),
    "silent": (put(3, 0 * CLIPS[3]), "warning", "1 of 30 clips"),
    "nearly-silent": (each(lambda clip: clip / 1000), "warning", "30 of 30 clips"),
    "clipped": (put(3, np.clip(6 * CLIPS[3], -1, 1)), "warning", "1 of 30 clips"),
    "beyond-full-scale": (
        put(3, 20 * CLIPS[3], subtype="FLOAT"),
        "warning",
        "1 of 30 clips",
    ),
    "offset": (each(lambda clip: clip + 0.1), "warning", "30 of 30 clips"),
    "exact-duplicates": (put(3, CLIPS[4]), "warning", "1 of 30 clips"),
    "mixed-codecs": (put(3, CLIPS[3], "OGG"), "warning", "OGG VORBIS: 1"),
    "ignored": (renamed, "note", "not counted as clips: files of other sound formats: 5"),
}


@pytest.mark.parametrize("check", FAULTS)
def test_each_fault_is_found_and_no_other(check: str, clean: Path) -> None:
    spoil, severity, words = FAULTS[check]
    spoil(clean)
    (finding,) = look(clean)
    assert (finding.check, finding.severity) == (check, severity)
    assert words in finding.what
    assert "picture" not in finding.what + finding.needed + finding.remedy


def test_nothing_is_found_where_nothing_is(clean: Path) -> None:
    assert look(clean) == []


def test_clips_that_scoring_refuses_are_told_together(clean: Path) -> None:
    for at in (3, 7):
        path = clean / f"{at:02}.wav"
        path.write_bytes(path.read_bytes()[:-100])
    (clean / "09.wav").write_text("a text")
    found = look(clean)
    assert [one.check for one in found] == ["refused", "refused"]
    assert found[0].severity == "error"
    assert "refused: 2 of 30 clips, the first: " in found[0].what
    assert "truncated" in found[0].what


def test_an_empty_upper_half_is_a_lower_rate(clean: Path) -> None:
    rng = np.random.default_rng(3)
    full = [rng.normal(0, 0.1, (1, 3200)) for _ in range(NUM)]
    half = written(clean.parent / "half", [slow(one) for one in full], rate=RATE)
    whole = written(clean.parent / "whole", full, rate=RATE)
    assert look(whole) == []
    (finding,) = look(half)
    assert (finding.check, finding.severity) == ("empty-top", "warning")


def test_a_sample_beside_its_reference(clean: Path, tmp_path: Path) -> None:
    other = tones(NUM, seed=2, seconds=0.2)
    (same,) = look(clean, clean)
    assert (same.check, same.what) == ("overlap", "the same clips")
    loud = written(tmp_path / "loud", other)
    (level,) = look(clean, loud)
    assert level.check == "other-level"
    assert "dB louder" in level.what
    slower = written(tmp_path / "slower", [0.5 * one[:, ::2] for one in other], rate=8000)
    (rate,) = look(clean, slower)
    assert (rate.check, rate.what) == ("other-rate", "clips of 16,000 Hz and of 8,000 Hz")
    lossy = tmp_path / "lossy"
    lossy.mkdir()
    for at, clip in enumerate(other):
        (lossy / f"{at}.ogg").write_bytes(encoded(0.5 * clip, "OGG"))
    (codec,) = look(clean, lossy)
    assert codec.check == "other-codecs"


def test_the_command_shows_and_writes_what_there_is(clean: Path, ganeval: Command) -> None:
    shown = ganeval("doctor", clean)
    assert shown.code == 0, shown.err
    assert shown.out.splitlines()[0] == f"{clean}: folder; 30 clips; 0.2 s; 16,000 Hz; WAV PCM_16"
    assert "30 clips for 128 features (vggish)" in shown.out
    (card,) = json.loads(ganeval("doctor", clean, "--json").out)["sources"]
    assert card["rates"] == {"16000": 30}
    assert card["item"] == "clip"


def test_a_run_warns_of_rates_that_differ(clean: Path, tmp_path: Path, ganeval: Command) -> None:
    slow = written(tmp_path / "slow", [one[:, ::2] for one in CLIPS], rate=8000)
    run = ganeval("fid", clean, slow, "--extractor", "log-mel")
    assert "differ in their rate (8000 and 16000 Hz)" in run.err
    assert "as in folder:PATH,rate=8000" in run.err
    (slow / "more.wav").write_bytes(encoded(CLIPS[0]))
    run = ganeval("fid", clean, slow, "--extractor", "log-mel")
    assert "clips of 2 rates (8000, 16000 Hz); each is resampled by itself" in run.err


def test_clips_of_other_lengths_are_told(clean: Path, tmp_path: Path, ganeval: Command) -> None:
    longer = written(tmp_path / "longer", tones(NUM, seed=3, seconds=0.4))
    told = [one for one in look(clean, longer) if one.check == "other-length"]
    assert [one.what for one in told] == ["clips of 0.2 s and of 0.4 s in the middle"]
    np.savez(tmp_path / "a.npz", samples=np.stack(CLIPS)[:, 0], rate=RATE)
    for sources, differs in (
        ((clean, longer), True),
        ((tmp_path / "a.npz", longer), True),
        ((clean, f"folder:{longer},seconds=0.2"), False),
    ):
        run = ganeval("fid", *sources, "--extractor", "log-mel")
        assert ("differ in the length of their clips" in run.err) is differs, run.err
        assert ("folder:PATH,seconds=0.2" in run.err) is differs
    windows = ganeval("eval", clean, longer, "-m", "fad@log-mel:convention=fadtk")
    assert windows.code == 0, windows.err
    assert "differ in the length" not in windows.err


def test_one_clip_is_not_some_clips(tmp_path: Path, ganeval: Command) -> None:
    one = written(tmp_path / "one", CLIPS[:1])
    assert ganeval("doctor", one).out.startswith(f"{one}: folder; 1 clip; 0.2 s; 16,000 Hz;")


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        ("folder:{clean},rate=8000", "{slow}", False),
        ("folder:{clean},rate=8000", "folder:{slow},rate=8000", False),
        ("folder:{clean},rate=4000", "{slow}", True),
        ("{clean}", "folder:{slow},rate=16000", True),  # which has no more in it than before
        ("{clean}", "npz:{array}", True),
        ("folder:{clean},rate=8000", "npz:{array}", False),
    ],
)
def test_rates_differ_if_what_clips_may_hold_does(
    one: str, other: str, differs: bool, clean: Path, tmp_path: Path, ganeval: Command
) -> None:
    slow, array = written(tmp_path / "slow", [one[:, ::2] for one in CLIPS], rate=8000), "a.npz"
    np.savez(tmp_path / array, samples=np.stack(CLIPS)[:, 0, ::2], rate=8000)
    places = {"clean": clean, "slow": slow, "array": tmp_path / array}
    sources = [text.format(**places) for text in (one, other)]
    run = ganeval("fid", *sources, "--extractor", "log-mel")
    assert ("differ in their rate" in run.err) is differs, run.err
    told = ganeval("doctor", *sources).out
    assert ("one rate, since the effect of resampling" in told) is differs


def test_pictures_beside_clips_are_both_looked_at(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for at, picture in enumerate(PICTURES[:3]):
        (tmp_path / "p" / f"{at}.png").write_bytes(encode(picture))
    assert all(one.check != "overlap" for one in look(clean, tmp_path / "p"))
