"""Training pictures from any source that ganeval reads."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

import ganeval
from reference_models.data.fitted import Fitted, fit_source
from reference_models.data.pairs import pairs_digest, partners_of
from reference_models.data.prepared import Prepared, prepare
from reference_models.data.streams import PreparedPictures, Unpaired
from reference_models.engine.data import Data, Shape
from reference_models.engine.words import listed

logger = logging.getLogger("ganeval.training.data")

_CHUNK = 64  # pictures decoded at a time


def source_pictures(
    location: str,
    *,
    size: int | None = None,
    crop: str = "center",
    channels: int | None = None,
    second: str | None = None,
    pair_by: str = "name",
    cache_dir: Path | str | None = None,
    check: Callable[[Shape], None] | None = None,
) -> Data:
    """Return all pictures of a source, decoded by ganeval as by default, once for all runs.

    Args:
        location: As on ganeval's command line (`"folder:faces/,size=64,crop=center"`).
        size: Height and width to which the source resizes them; None if they are square and have
            one size already.
        crop: "center" first cuts out the largest square in the middle; "none" stretches.
        channels: 1 converts to grey, 3 is RGB; None for 1 if all pictures are grey, else 3.
        second: A source of inputs from which the pictures are to be made, in RGB. They are resized
            to the same size, unless the text has its own size (`"folder:faces/,size=16"`).
        pair_by: See `partners_of`; "none" if the two sources are not paired.
        cache_dir: Cache folder, whose subfolder `prepared` holds the pictures; None for the user's.
        check: Called with the shape of a picture before the first one is decoded, to raise an error
            if the caller cannot use it; RGB if it is not known yet whether all are grey.

    Raises:
        GanevalError: A source or a picture in it cannot be used; pictures differ in size, are not
            square, or have no partner; or the disk is full.
    """
    folder = ganeval.prepared_folder(cache_dir)
    with ganeval.open_index(ganeval.index_folder(cache_dir)) as index:
        real = fit_source(location, size=size, crop=crop, index=index)
        if check is not None:
            check((channels or 3, *real.shape))
        if second is None:
            return _alone(real, prepare(real, channels=channels, folder=folder))
        condition = fit_source(second, size=size, crop=crop, index=index, keep_own_size=True)
        has_size = condition.source.info.settings.get("size") is not None
        if condition.shape != real.shape and not has_size:
            raise ganeval.GanevalError(
                f"{real.text} has pictures of {real.shape[1]} pixels, {condition.text} of "
                f"{condition.shape[1]}",
                "the same size in both",
                f"add `--set image_size={real.shape[1]}`, or another size",
            )
        partners = None if pair_by == "none" else partners_of(real, condition, by=pair_by)
        pictures = prepare(real, channels=channels, folder=folder)
        conditions = prepare(condition, channels=3, folder=folder)
    digest = pairs_digest(pictures.digest, conditions.digest, partners)
    if partners is None:
        ones, others = _alone(real, pictures), _alone(condition, conditions)
        return Unpaired(
            name=f"{ones.name} | {others.name}",
            real=ones,
            condition=others,
            source=condition.text,
            digest=digest,
        )
    _say(real, pictures)
    return PreparedPictures(
        name=f"{real.text} from {condition.text}",
        prepared=pictures,
        digest=digest,
        condition=conditions,
        partners=partners,
        sources={"real": real.text, "condition": condition.text},
    )


def read_pixels(location: str) -> npt.NDArray[np.uint8]:
    """Read the pictures of a small source into memory, uint8 [N, 3, H, W] RGB, of one size."""
    source = ganeval.open_source(location, policy=ganeval.Settings().decode)
    chunks = (
        source.load(range(start, min(start + _CHUNK, len(source))))
        for start in range(0, len(source), _CHUNK)
    )
    return np.stack([item.picture().pixels for items in chunks for item in items])


def _alone(fitted: Fitted, prepared: Prepared) -> PreparedPictures:
    """Return the pictures of one source as data."""
    _say(fitted, prepared)
    return PreparedPictures(
        name=fitted.text,
        prepared=prepared,
        digest=prepared.digest,
        sources={"real": fitted.text},
    )


def _say(fitted: Fitted, prepared: Prepared) -> None:
    """Log a description of the training data."""
    count, channels, height, width = prepared.pixels.shape
    names = prepared.classes
    what = f"{len(names):,} classes ({listed(names)})" if names else "no classes"
    colour = "grey" if channels == 1 else "RGB"
    logger.info(f"{fitted.text}: {count:,} pictures of {width}x{height}, {colour}, {what}")
