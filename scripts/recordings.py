"""Hold audio super-resolution beside a cubic spline on real recordings.

    apt-get download asterisk-core-sounds-en-wav
    dpkg-deb -x asterisk-core-sounds-en-wav_*.deb speech/
    .venv/bin/python scripts/recordings.py speech/

The Debian package has 568 recordings of one speaker at 8,000 samples per second (CC-BY-SA 3.0, by
Digium). For each seed a fifth of the files is held out, and `audio-sr` is trained on the others.
Each file that is held out is taken at a quarter of its rate and brought back, by the network and by
the spline. It writes `docs/measured/recordings.md`; what is in `recordings.json` beside it is not
measured again.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import ganeval  # noqa: E402
from reference_models import audio_sr  # noqa: E402
from reference_models.data.sounds import source_clips  # noqa: E402
from reference_models.data.tones import FACTOR, decimated  # noqa: E402
from reference_models.engine.settings import with_settings  # noqa: E402
from reference_models.experiments.measure import trained  # noqa: E402
from reference_models.experiments.sound import through  # noqa: E402
from reference_models.parts.spectra import FRAME, lsd, snr  # noqa: E402
from suite import when_and_where  # noqa: E402

PAGE = ROOT / "docs" / "measured" / "recordings.md"
NUMBERS = PAGE.with_suffix(".json")
Numbers = dict[str, float]

SEEDS = range(5)
HELD_OUT = 5  # one of so many files
CLIP = 2048  # samples in training
SETTINGS = {"batch_size": 8, "ema_half_life": 400.0, "optimizers.G.lr": 1e-3}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seeds", default=len(SEEDS), show_default=True)
@click.option("--steps", default=300, show_default=True, help="Of each training.")
@click.option("--processes", default=1, show_default=True)
@click.option("--page/--no-page", default=True, help="Whether the page is written.")
def recordings(folder: Path, seeds: int, steps: int, processes: int, page: bool) -> None:
    """Train on the recordings in FOLDER and measure those that are held out."""
    known: dict[str, Numbers] = {}
    if NUMBERS.exists():
        known = json.loads(NUMBERS.read_text(encoding="utf-8"))
    jobs = [seed for seed in range(seeds) if f"{steps} {seed}" not in known]
    with ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        running = {pool.submit(measure, folder, seed, steps): f"{steps} {seed}" for seed in jobs}
        for done in as_completed(running):
            known[running[done]] = done.result()
            click.echo(f"{running[done]}: {done.result()}", err=True)
            if page:
                text = json.dumps(known, indent=1, sort_keys=True) + "\n"
                NUMBERS.write_text(text, encoding="utf-8")
    text = table(known, seeds, steps)
    click.echo(text)
    if page:
        PAGE.write_text(text, encoding="utf-8")


def measure(folder: Path, seed: int, steps: int) -> Numbers:
    """Return SNR and LSD of the network and of the spline, means over the files held out."""
    begun = time.process_time()
    files = sorted(folder.rglob("*.wav"))
    order = np.random.default_rng(seed).permutation(len(files))
    held_out = [files[at] for at in order[: len(files) // HELD_OUT]]
    others = [files[at] for at in order[len(files) // HELD_OUT :]]
    with tempfile.TemporaryDirectory() as place:
        for name, chosen in (("train", others), ("test", held_out)):
            (Path(place) / name).mkdir()
            for number, path in enumerate(chosen):
                (Path(place) / name / f"{number:05}.wav").symlink_to(path.resolve())
        data = source_clips(f"folder:{place}/train", size=CLIP)
        recipe = with_settings(audio_sr.RECIPE, {**SETTINGS, "steps": steps})
        run = trained(recipe, data, steps=steps, seed=seed)
        rows: list[list[float]] = []
        for truth in whole_sounds(f"folder:{place}/test"):
            low = torch.from_numpy(decimated(truth.double().numpy()).astype(np.float32))
            with torch.inference_mode():
                made = run.average(low)
            smooth = through(low)
            found = (snr(smooth, truth), snr(made, truth), lsd(smooth, truth), lsd(made, truth))
            rows.append([float(one) for one in found])
    names = ("snr_spline", "snr", "lsd_spline", "lsd")
    means = dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))
    better = {
        "files": float(len(rows)),
        "higher_snr": sum(row[1] > row[0] for row in rows) / len(rows),
        "lower_lsd": sum(row[3] < row[2] for row in rows) / len(rows),
    }
    return {**means, **better, "seconds": time.process_time() - begun}


def whole_sounds(location: str) -> list[Tensor]:
    """Return the sounds of a source, float32 [1, 1, T] each, that last a frame and are not silent.

    T is a multiple of `FACTOR`: up to three samples at the end are left out.
    """
    source = ganeval.open_source(location, policy=ganeval.Settings().decode)
    sounds = []
    for item in source.load(range(len(source))):
        clip = item.clip()
        length = clip.samples.shape[1] // FACTOR * FACTOR
        if length >= FRAME and clip.samples.any():
            sounds.append(torch.from_numpy(clip.samples[None, :, :length].copy()))
    return sounds


def table(known: dict[str, Numbers], seeds: int, steps: int) -> str:
    """Return the page."""
    rows = [known[f"{steps} {seed}"] for seed in range(seeds)]
    gains = [row["snr"] - row["snr_spline"] for row in rows]
    falls = [row["lsd"] / row["lsd_spline"] for row in rows]
    seconds = statistics.median(row["seconds"] for row in rows)
    lines = [
        "# Audio super-resolution on recordings",
        "",
        f"`./scripts/recordings`, {when_and_where()} {steps:,} steps on clips of {CLIP:,} samples, "
        f"{seconds:.0f} seconds of processor time for each seed.",
        "",
        "Speech of one speaker at 8,000 Hz, from 2,000 Hz (the Debian package",
        "`asterisk-core-sounds-en-wav`). Each seed holds out another fifth of the files. SNR and",
        "LSD are means over these; *files* says for how many of them the network is better.",
        "",
        "| seed | files | SNR of the spline | SNR | files | LSD of the spline | LSD | files |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for seed, row in enumerate(rows):
        lines.append(
            f"| {seed} | {row['files']:.0f} | {row['snr_spline']:.2f} dB | {row['snr']:.2f} dB "
            f"| {row['higher_snr']:.0%} | {row['lsd_spline']:.3f} | {row['lsd']:.3f} "
            f"| {row['lower_lsd']:.0%} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"SNR is {spread(gains, 2)} dB above the spline's, LSD {spread(falls, 2)} of it "
            "(median [smallest, largest] of the seeds).",
            "",
        ]
    )


def spread(values: Sequence[float], digits: int) -> str:
    """Return median, smallest and largest as text."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


if __name__ == "__main__":
    recordings()
