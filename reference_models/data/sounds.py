"""A user's own sounds as training data."""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.signal

import ganeval
from reference_models.data.clips import Clips
from reference_models.data.tones import FACTOR, decimated
from reference_models.engine.data import unknown

logger = logging.getLogger("ganeval.training.data")

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
OPTIONS = ("rate", "samples")
NUM_SAMPLES = 8192  # of a clip, where nothing else is said


def source_clips(location: str) -> Clips:
    """Return all sounds below a folder, cut into clips, with themselves at a quarter of the rate.

    Several channels are mixed to one by their mean. What is left over at the end of a file is no
    clip.

    Args:
        location: A folder, with options if wanted: `"folder:sounds/,rate=16000,samples=8192"`. All
            files are brought to the rate; without it they must have one.

    Raises:
        GanevalError: There is no such folder, no sound in it, one that cannot be read, or an option
            that there is none of; the rates differ; or no file is as long as a clip.
    """
    folder, options = _parsed(location)
    num_samples = options.get("samples", NUM_SAMPLES)
    if num_samples % FACTOR:
        raise ganeval.GanevalError(
            f"{location}: clips of {num_samples} samples", f"a multiple of {FACTOR}", "change it"
        )
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not paths:
        raise ganeval.GanevalError(
            f"{location}: no sounds", f"a folder with {', '.join(ENDINGS)}", "check the path"
        )
    rate, clips = options.get("rate"), []
    for path in paths:
        sound, own_rate = _read(path)
        rate = rate or own_rate
        if own_rate != rate and "rate" not in options:
            raise ganeval.GanevalError(
                f"{path}: {own_rate} samples per second, and {paths[0]} has {rate}",
                "one rate",
                f"write folder:{folder},rate={min(rate, own_rate)}",
            )
        sound = _resampled(sound, own_rate, rate)
        num = len(sound) // num_samples
        clips.append(sound[: num * num_samples].reshape(num, 1, num_samples))
    whole = np.concatenate(clips)
    if not len(whole):
        raise ganeval.GanevalError(
            f"{location}: no sound as long as {num_samples} samples",
            "one at least",
            f"write folder:{folder},samples=N with a lower N",
        )
    logger.info(f"{location}: {len(whole):,} clips of {num_samples:,} samples at {rate} Hz")
    assert rate is not None
    return Clips(
        name=location,
        samples=whole.astype(np.float32),
        rate=rate,
        condition=decimated(whole).astype(np.float32),
    )


def _parsed(location: str) -> tuple[Path, dict[str, int]]:
    """Return the folder and the options of `folder:PATH,rate=R,samples=N`."""
    path, *words = location.removeprefix("folder:").split(",")
    options = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in OPTIONS:
            raise unknown(f"option of {location}", name, OPTIONS)
        if not value.isdecimal() or int(value) < 1:
            raise ganeval.GanevalError(f"{location}: {word}", "a whole number from 1", "change it")
        options[name] = int(value)
    if not Path(path).is_dir():
        raise ganeval.GanevalError(f"{path}: no folder", "a folder of sounds", "check the path")
    return Path(path), options


def _read(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    """Return the samples of a file, mixed to one channel, float64 [T], and its rate."""
    try:
        import soundfile
    except ImportError as error:
        raise ganeval.GanevalError(
            "soundfile is not installed", "the extra audio", "pip install 'ganeval[audio]'"
        ) from error
    try:
        read: Any = soundfile.read(path, always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise ganeval.GanevalError(
            f"{path}: cannot be read ({error})", "a whole sound file", "remove or replace it"
        ) from error
    channels, rate = read
    sound: npt.NDArray[np.float64] = channels.mean(axis=1)
    if not np.isfinite(sound).all():
        raise ganeval.GanevalError(
            f"{path}: samples that are no numbers", "finite samples", "remove or replace it"
        )
    return sound.clip(-1, 1), int(rate)


def _resampled(sound: npt.NDArray[np.float64], own_rate: int, rate: int) -> npt.NDArray[np.float64]:
    """Return a sound at another rate, by scipy's polyphase filter."""
    if own_rate == rate:
        return sound
    common = math.gcd(own_rate, rate)
    resampled: npt.NDArray[np.float64] = scipy.signal.resample_poly(
        sound, rate // common, own_rate // common
    )
    return resampled.clip(-1, 1)
