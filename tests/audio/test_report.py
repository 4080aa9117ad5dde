"""What one sees and hears: spectrograms and players in the report."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import soundfile

from ganeval.audio.clip import Clip
from ganeval.audio.spectrogram import excerpt, spectrogram
from ganeval.metrics.parts.per_item import NUM_WORST
from tests.audio.sounds import RATE, encoded, tone, tones
from tests.command import Command


def test_a_tone_is_a_line_at_its_frequency() -> None:
    for hertz in (1000, 4000, 7000):
        found = spectrogram(Clip(tone(hertz), RATE), 40, 64)
        assert found.shape == (64, 40)
        row = 63 - int(hertz / 8000 * 64)
        assert abs(found.mean(axis=1).argmax() - row) <= 1
        assert found.max() == 1
    silent = spectrogram(Clip(0 * tone(), RATE), 40, 64)
    assert not silent.any()
    assert spectrogram(Clip(tone(seconds=0.001), RATE), 40, 64).shape == (64, 40)


def test_time_goes_to_the_right() -> None:
    late = np.concatenate([0 * tone(), tone()], axis=1)
    found = spectrogram(Clip(late, RATE), 40, 64).max(axis=0)
    assert found[:15].max() < 0.2
    assert found[25:].min() > 0.8


def test_an_excerpt_is_short_and_of_one_channel() -> None:
    both = np.concatenate([tone(seconds=3, rate=44_100), tone(600, seconds=3, rate=44_100)])
    found, rate = soundfile.read(io.BytesIO(excerpt(Clip(both, 44_100))))
    assert (rate, found.shape) == (16_000, (32_000,))
    found, rate = soundfile.read(io.BytesIO(excerpt(Clip(tone(rate=8000), 8000))))
    assert (rate, found.shape) == (8000, (4000,))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    places = []
    for seed, name in enumerate(("real", "fake")):
        (tmp_path / name).mkdir()
        for at, clip in enumerate(tones(40, seed=seed, seconds=0.2)):
            (tmp_path / name / f"{at:02}.wav").write_bytes(encoded(clip))
        places.append(tmp_path / name)
    return places[0], places[1]


def test_the_report_shows_and_plays_clips(
    folders: tuple[Path, Path], tmp_path: Path, ganeval: Command
) -> None:
    page = tmp_path / "run.html"
    run = ganeval("fid", *folders, "--extractor", "log-mel", "-o", page)
    assert run.code == 0, run.err
    text = page.read_text(encoding="utf-8")
    players = re.findall(r'<audio controls preload="none" src="data:audio/wav;base64,([^"]+)', text)
    pictures = re.findall(r'<img class="sound" src="data:image/webp;base64,([^"]+)"', text)
    assert len(players) == len(pictures) > 8 + 2
    for player in players:
        found, rate = soundfile.read(io.BytesIO(base64.b64decode(player)))
        assert (rate, found.shape) == (RATE, (3200,))
    assert PIL.Image.open(io.BytesIO(base64.b64decode(pictures[0]))).size == (128, 64)
    assert "media-src data:" in text
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert '<h2 id="pictures">Clips</h2>' in text
    shown = re.sub(r"<style>.*?</style>|<script>.*?</script>|<pre.*", "", text, flags=re.DOTALL)
    shown = re.sub(r'class="[^"]*"|id="[^"]*"|href="#\w+"|data:[^"]*', "", shown)
    assert not re.search("image|picture", shown, re.IGNORECASE)


def test_a_report_of_windows_alone_shows_the_clips(
    folders: tuple[Path, Path], tmp_path: Path, ganeval: Command
) -> None:
    page = tmp_path / "run.html"
    run = ganeval("eval", *folders, "-m", "fad@log-mel:convention=fadtk", "-o", page)
    assert run.code == 0, run.err
    text = page.read_text(encoding="utf-8")
    assert text.count("<audio") == 8
    assert "@0s" in text
    assert "<h1>Evaluation of generated clips</h1>" in text
    assert "no metric here compares single clips" in text


def test_a_report_of_pairs_alone_plays_both_of_the_worst(
    folders: tuple[Path, Path], tmp_path: Path, ganeval: Command
) -> None:
    page = tmp_path / "run.html"
    run = ganeval("eval", *folders, "-m", "snr,lsd", "-o", page)
    assert run.code == 0, run.err
    text = page.read_text(encoding="utf-8")
    assert text.count("<audio") == 8 + 2 * 2 * NUM_WORST
    assert "<h1>Evaluation of generated clips</h1>" in text
    assert "pairs with the lowest snr" in text
    assert "pairs with the highest lsd" in text
    evidence = text[text.index('<h2 id="evidence">') :]
    shown = re.findall(r'<img class="sound".*?alt="(sample|reference) (\d\d.wav)"', evidence)
    assert len(shown) == 2 * 2 * NUM_WORST
    for (role, name), (other_role, other_name) in zip(shown[::2], shown[1::2], strict=True):
        assert (role, other_role) == ("sample", "reference")
        assert name == other_name
