"""A model is trained on the device, and its samples are made there and on the CPU."""

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

import ganeval
from reference_models.engine.session import run_training
from scripts.first_look.sheet import Line

ROOT = Path(__file__).parents[2]
NUM_SAMPLES = 256


def training_lines(scratch: Path, device: str, *, steps: int) -> Iterator[Line]:
    """Yield the rate of the training, and how samples of the device differ from the CPU's."""
    for precision in ("bfloat16", "float32"):
        times: list[float] = []
        checkpoint = run_training(
            "dcgan",
            folder=scratch / f"dcgan-{precision}",
            steps=steps,
            device=torch.device(device),
            precision=precision,
            observers=[partial(_note_time, times)],
        )
        assert checkpoint is not None
        half = len(times) // 2  # the first steps choose kernels
        rate = (len(times) - 1 - half) / (times[-1] - times[half])
        yield Line(
            work=f"dcgan, {steps} steps on digits of 16 pixels, {precision}",
            seen=f"{rate:.0f} steps/s",
            beside=f"{times[-1] - times[0]:.1f} s in all",
            numbers={"steps_per_second": rate, "seconds": times[-1] - times[0]},
        )
    begin = time.perf_counter()
    folder = scratch / "samples"
    words = ["sample", checkpoint, "-n", NUM_SAMPLES, "-o", folder, "--quiet"]
    run = [sys.executable, "-m", "ganeval", *map(str, words)]
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True)
    num = len(list(folder.iterdir()))
    yield Line(
        work=f"`ganeval sample -n {NUM_SAMPLES}` of its checkpoint",
        seen=f"{num} files",
        beside=f"{time.perf_counter() - begin:.1f} s with its start",
        promised=f"{NUM_SAMPLES} files",
        holds=num == NUM_SAMPLES,
    )
    ours, theirs = _samples(checkpoint, device), _samples(checkpoint, "cpu")
    begin = time.perf_counter()
    again = _samples(checkpoint, device)
    rate = NUM_SAMPLES / (time.perf_counter() - begin)
    levels = int(np.abs(ours.astype(int) - theirs).max())
    yield Line(
        work=f"{NUM_SAMPLES} samples on {device}, made twice",
        seen="the same" if np.array_equal(ours, again) else "differ",
        beside=f"{rate:.0f} images/s, with opening the file",
        promised="the same pixels",
        holds=np.array_equal(ours, again),
        numbers={"images_per_second": rate},
    )
    yield Line(
        work=f"{NUM_SAMPLES} samples on {device} and on the CPU",
        seen=f"{levels} grey levels apart at most",
        beside=f"{(ours != theirs).mean():.2%} of the values differ",
        numbers={"levels": levels, "share": float((ours != theirs).mean())},
    )


def _note_time(times: list[float], run: object, log: object) -> None:
    """Observe a training: note when each step was done."""
    times.append(time.perf_counter())


def _samples(checkpoint: Path, device: str) -> npt.NDArray[np.uint8]:
    """Return samples of a checkpoint, uint8 [NUM_SAMPLES, 3, H, W]."""
    source = ganeval.open_source(
        f"generator:{checkpoint},num_images={NUM_SAMPLES},device={device}",
        policy=ganeval.Settings().decode,
    )
    return np.stack([item.picture().pixels for item in source.load(range(NUM_SAMPLES))])
