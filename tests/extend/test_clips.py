"""Clips of sound beside pictures: nothing that a person reads calls a clip an image."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganeval import Accumulator, evaluate
from ganeval.errors import UsageError
from ganeval.features.collect import Interrupted
from tests.command import Command

SOURCE = '''
"""Clips of sound."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from ganeval.extend import Clip, InputError, Reader, ReadySource, SourceInfo


@dataclass(frozen=True, slots=True)
class Clips:
    """Read the clips of an .npz file: clips:sounds.npz."""

    location: str

    def open(self, policy, *, offline=False, written=None):
        """Read the file."""
        if not Path(self.location).is_file():
            raise InputError(f"{self.location}: no such file", "an .npz of clips", "check the path")
        with np.load(self.location) as archive:
            samples, rate = archive["samples"], int(archive["rate"])

        def decode(stored, name):
            if not np.isfinite(stored).all():
                raise InputError(f"{name}: has NaN", "finite samples", "record it again")
            return Clip(stored[None], rate)

        return ReadySource(
            info=SourceInfo(
                kind="clips",
                location=written or self.location,
                count=len(samples),
                settings={"rate": rate},
                content="clip",
                noun="clips",
            ),
            reader=Reader(
                name=lambda index: f"{self.location}[{index}]",
                read=lambda index: samples[index],
                num_bytes=lambda stored: stored.nbytes,
                digest=lambda stored: sha256(stored.tobytes()).digest(),
                decode=decode,
            ),
        )
'''

NETWORK = '''
"""How loud a clip is in a few bands."""

from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from ganeval.extend import ExtractorInfo, InputError


@dataclass(frozen=True, slots=True)
class Raw:
    """Take the samples as they are."""

    takes: ClassVar[str] = "clip"

    def __call__(self, content, /):
        import torch

        if not hasattr(content, "rate"):
            raise InputError("no clip", "clips", "name a source of clips")
        return torch.from_numpy(content.samples[0].copy())

    def to_json(self):
        return {"samples": "raw"}


class Bands:
    """Loudness in 8 bands, no weights."""

    takes_variants: ClassVar[bool] = False

    @staticmethod
    def layers(request):
        return {"pool": 8, "logits": 4}

    @staticmethod
    def describe(request):
        return ExtractorInfo(
            name="bands",
            version=1,
            weights_sha256=sha256().hexdigest(),
            input=Raw(),
            layers=Bands.layers(request),
        )

    @staticmethod
    def from_request(request):
        return Network(Bands.describe(request))


class Network:
    def __init__(self, info):
        self.info = info

    def __call__(self, batch, layers):
        import torch

        spectrum = torch.fft.rfft(batch).abs()[:, :64]
        pool = spectrum.reshape(len(batch), 8, -1).mean(dim=2)
        found = {"pool": pool, "logits": pool[:, :4] - pool[:, 4:]}
        return {layer: found[layer] for layer in layers}
'''

FILES = {"sound/__init__.py": "", "sound/clips.py": SOURCE, "sound/bands.py": NETWORK}
GROUPS = {
    "ganeval.sources": {"clips": "sound.clips:Clips"},
    "ganeval.extractors": {"bands": "sound.bands:Bands"},
}
ALLOWED = re.compile(
    "--num-images|--on-bad-image|num_images|<style>.*?</style>|<script>.*?</script>"
    '|class="[^"]*"|id="pictures"|#pictures|data:[^"]*',
    re.DOTALL,
)
"""What is called so whatever the items are: options, keys of files, and how a page is drawn."""


@pytest.fixture
def sound(add: Callable[..., Path], tmp_path: Path) -> Callable[..., str]:
    """Install the package; write clips and return the text of their source."""
    add("sound", GROUPS, FILES)

    def write(name: str, num: int, seed: int, *, loudness: float = 1.0, bad: int = 0) -> str:
        rng = np.random.Generator(np.random.PCG64(seed))
        samples = loudness * rng.normal(size=(num, 512)).astype(np.float32)
        samples[:bad, 0] = np.nan
        np.savez(tmp_path / name, samples=samples, rate=np.int64(16_000))
        return f"clips:{tmp_path / name}"

    return write


def words(text: str) -> list[str]:
    """Return where a text speaks of images or pictures."""
    return [
        line.strip()
        for line in ALLOWED.sub("", text).splitlines()
        if re.search(r"image|picture", line, re.IGNORECASE)
    ]


FAST = ("--extractor", "bands")
METRICS = "fid,kid,is,pr,dc,authenticity"


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_nothing_of_a_run_calls_a_clip_an_image(
    sound: Callable[..., str],
    ganeval: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, train = sound("real.npz", 200, 1), sound("train.npz", 100, 1)
    fake, other = sound("fake.npz", 150, 2), sound("other.npz", 150, 3, loudness=1.1)
    texts = []
    for columns in ("80", "110"):
        monkeypatch.setenv("COLUMNS", columns)
        outputs = [tmp_path / f"run{columns}{suffix}" for suffix in (".json", ".md", ".html")]
        saved = [word for path in outputs for word in ("-o", path)]
        run = ganeval(
            *("eval", real, fake, "--train", train, "-m", METRICS, *FAST, "-v"),
            *("--notes", "all", *saved),
        )
        assert run.code == 0, run.err
        both = ganeval(
            *("compare", real, fake, other, "-m", "fid,kid,is,pr,dc", *FAST, "--notes", "all", "-v")
        )
        assert both.code == 0, both.err
        texts += [run.out, run.err, both.out, both.err, *map(read, outputs)]
    assert "150 clips, 150 computed, 0 found in the cache" in texts[1]
    assert re.search(r"^sample +clips +fid", texts[0], re.MULTILINE)
    assert "reference " in texts[0]
    assert "(200 clips)" in texts[0]
    assert "Evaluation of generated clips" in texts[6]
    base = tmp_path / "base.json"
    for words_of in (
        ("baseline", "accept", tmp_path / "run80.json", "-o", base),
        ("check", tmp_path / "run110.json", "--baseline", base),
        ("table", tmp_path / "run80.json", "--notes", "all"),
    ):
        found = ganeval(*words_of)
        assert found.code == 0, found.err
        texts += [found.out, found.err]
    assert "the same clips" in texts[-4]
    assert ganeval("fid", train, fake, *FAST, "-o", tmp_path / "worse.json").code == 0
    changed = ganeval("check", tmp_path / "worse.json", "--baseline", base)
    assert changed.code == 2
    texts.append(changed.err)
    sound("real.npz", 120, 7)
    assert ganeval("fid", real, fake, *FAST, "-o", tmp_path / "moved.json").code == 0
    changed = ganeval("check", tmp_path / "moved.json", "--baseline", base)
    assert "the clips are others in the run (120 clips) than in the b" in changed.error
    texts.append(changed.err)
    for text in texts:
        assert words(text) == []


def test_no_error_calls_a_clip_an_image(
    sound: Callable[..., str], ganeval: Command, tmp_path: Path
) -> None:
    real, fake = sound("real.npz", 200, 1), sound("fake.npz", 150, 2)
    few, one, bad = sound("few.npz", 3, 2), sound("one.npz", 1, 2), sound("bad.npz", 90, 4, bad=2)
    many = sound("many.npz", 90, 5, bad=40)
    told = {
        (real, few, "-m", "pr:k=5"): "few.npz: 3 clips; needed: at least 6 for pr",
        (real, one, "-m", "fid"): "one.npz: 1 clip; ",
        (
            real,
            fake,
            "--num-images",
            1000,
        ): "has 200 clips, --num-images asks for 1,000; needed: at least "
        "as many clips as are asked for; lower num_images (--num-images) or add clips",
        (real, bad): "bad.npz: 2 of 90 clips cannot be used, the first: ",
        (real, many, "--on-bad-image", "skip"): "many.npz: 40 of 90 clips cannot be used, the ",
        (real, f"{real}x"): "no such file",
        (real, fake, "-m", "intra-fid"): "has no class labels",
        (real, fake, "-m", "psnr"): "has pairs of clips, but the network pixels takes pairs of ",
    }
    for line, message in told.items():
        found = ganeval("eval", *line, *FAST)
        assert found.code == 2
        assert message in found.error
        if "psnr" not in line:
            assert words(found.err) == []
    found = ganeval("eval", real, bad, "--on-bad-image", "skip", "--max-bad", "5%", *FAST, "-v")
    assert found.code == 0
    assert "bad.npz: 2 clips skipped" in found.out
    assert "skipped: 2 clips, the first: " in found.err
    assert words(found.out + found.err) == []


def test_warnings_of_sources_and_other_commands_speak_of_clips(
    sound: Callable[..., str], ganeval: Command, tmp_path: Path
) -> None:
    real, twice = sound("real.npz", 60, 1), sound("twice.npz", 30, 1)
    with np.load(tmp_path / "twice.npz") as archive:
        samples = np.concatenate([archive["samples"]] * 2)
    np.savez(tmp_path / "twice.npz", samples=samples, rate=np.int64(16_000))
    stats = tmp_path / "real-stats.npz"
    outputs = {
        ("fid", real, real, *FAST): "are the same clips",
        ("eval", real, twice, *FAST): "30 of 60 clips are exact duplicates of others in it",
        ("extract", real, *FAST): "1 of 1 shards, 60 clips, 0 computed",
        ("stats", "make", real, "-o", stats, *FAST): "statistics of 60 clips",
        ("stats", "inspect", stats): "clips",
        ("fid", stats, twice, *FAST): "(60 clips)",
        ("eval", real, twice, "-m", "all", *FAST): "psnr (",
    }
    for line, message in outputs.items():
        found = ganeval(*line)
        assert found.code == 0, found.err
        assert message in found.out + found.err
        if "all" not in line:
            assert words(found.out + found.err) == []
    cards = evaluate(sample=twice, reference=stats, metrics=["fid"], extractor="bands").provenance
    assert {card["item"] for card in cards["sources"].values()} == {"clip"}
    assert {card["noun"] for card in cards["sources"].values()} == {"clips"}
    assert "holds statistics, not clips" in ganeval("kid", stats, twice, *FAST).error
    assert "share 60 clips" in ganeval("eval", real, twice, *FAST).err
    assert "clips; 60 clips; 0.032 s; 16,000 Hz" in ganeval("doctor", real).out


def test_an_interrupted_run_says_how_many_clips_are_there(sound: Callable[..., str]) -> None:
    told: set[str] = set()

    def interrupt(label: str, done: int, total: int, noun: str = "", /) -> None:
        told.add(noun)
        if done == 1024:
            raise KeyboardInterrupt

    real, fake = sound("real.npz", 1100, 1), sound("fake.npz", 150, 2)
    with pytest.raises(Interrupted, match=r"^interrupted: 0 of 1,100 clips of .*real\.npz are in "):
        evaluate(sample=fake, reference=real, extractor="bands", progress=interrupt)
    assert told == {"clips"}


def test_a_network_of_other_content_is_refused_before_anything_is_decoded(
    sound: Callable[..., str],
    ganeval: Command,
    real: Path,
    fake: Path,
) -> None:
    clips, bad = sound("real.npz", 60, 1), sound("bad.npz", 60, 1, bad=60)
    remedy = "a network and sources of one kind; name another network"
    for line, message in {
        (real, fake, *FAST): "real: has pictures, but the network bands takes clips",
        (clips, bad, "--extractor", "random"): "has clips, but the network random takes pictures",
        (clips, bad, *FAST, "-m", "fid@random"): "has clips, but the network random takes pic",
        (real, clips, *FAST): "has pictures, but the network bands takes clips",
    }.items():
        found = ganeval("eval", *line)
        assert found.code == 2
        assert message in found.error
        assert remedy in found.error
    assert remedy in ganeval("extract", real, *FAST).error
    with pytest.raises(UsageError, match="has clips, but the network random takes pictures"):
        Accumulator(reference=clips, metrics=["fid", "fid@random"], extractor="bands", device="cpu")
