"""Training clips from any source of sound that ganeval reads."""

import logging

import numpy as np

import ganeval
from reference_models.data.classes import classes_of
from reference_models.data.clips import Clips
from reference_models.data.fitted import with_options
from reference_models.data.tones import FACTOR, decimated

logger = logging.getLogger("ganeval.training.data")

NUM_SAMPLES = 8192  # in a clip, unless a size is given

_CHUNK = 64  # files decoded at a time


def source_clips(location: str, *, size: int | None = None) -> Clips:
    """Return all sounds of a source, cut into clips; conditions are the clips at a quarter rate.

    The remainder at the end of a sound is not used, so clips have no padding. All clips are in
    memory. A clip has the class of its sound, if there are classes.

    Args:
        location: As on ganeval's command line (`"folder:sounds/,rate=16000,channels=mono"`).
        size: Samples in a clip, a multiple of 4; None for 8,192.

    Raises:
        GanevalError: The source or a sound in it cannot be used; the sounds have several channels,
            or differ in rate; or no sound is as long as a clip.
    """
    num_samples = size or NUM_SAMPLES
    if num_samples % FACTOR:
        raise ganeval.GanevalError(
            f"clips of {num_samples} samples", f"a multiple of {FACTOR}", "change image_size"
        )
    source = ganeval.open_source(location, policy=ganeval.Settings().decode)
    if source.info.content != "clip":
        raise ganeval.GanevalError(
            f"{location}: {source.info.noun}", "clips of sound", "choose a source of sound"
        )
    clips: list[np.ndarray] = []
    rate: int | None = None
    for start in range(0, len(source), _CHUNK):
        for item in source.load(range(start, min(start + _CHUNK, len(source)))):
            clip = item.clip()
            rate = rate or clip.rate
            if len(clip.samples) != 1:
                raise ganeval.GanevalError(
                    f"{item.name}: {len(clip.samples)} channels",
                    "one channel",
                    f"write `{with_options(location, source, 'channels=mono')}`",
                )
            if clip.rate != rate:
                lower = with_options(location, source, f"rate={min(rate, clip.rate)}")
                raise ganeval.GanevalError(
                    f"{item.name}: {clip.rate} Hz, but the first sound has {rate} Hz",
                    "one rate",
                    f"write `{lower}`",
                )
            num = clip.samples.shape[1] // num_samples
            clips.append(clip.samples[:, : num * num_samples].reshape(num, 1, num_samples))
    whole = np.concatenate(clips).clip(-1, 1)
    if rate is None or not len(whole):
        raise ganeval.GanevalError(
            f"{location}: no sound with {num_samples} samples or more",
            "at least one sound as long as a clip",
            "lower image_size, which is the number of samples in a clip",
        )
    classes = classes_of(source, location=location)
    logger.info(f"{location}: {len(whole):,} clips of {num_samples:,} samples at {rate:,} Hz")
    return Clips(
        name=location,
        samples=whole,
        rate=rate,
        condition=decimated(whole.astype(np.float64)).astype(np.float32),
        labels=None if classes is None else classes.labels.repeat([len(one) for one in clips]),
    )
