"""Small copies of items for the HTML report: thumbnails of pictures, spectrograms of clips."""

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import PIL.Image

from ganeval.audio.clip import Clip
from ganeval.audio.spectrogram import excerpt, spectrogram
from ganeval.errors import UnstableError
from ganeval.features.collected import Features
from ganeval.flow.sides import Side
from ganeval.flow.views import Viewed
from ganeval.images.picture import Picture as Decoded
from ganeval.report.gallery import Picture
from ganeval.sources.base import Content, Pair
from ganeval.sources.views.pair_view import PairView

THUMBNAIL = 64  # pixels
LOSSLESS = 32  # up to this size every pixel is kept: a viewer enlarges it
SPECTROGRAM = (128, 64)  # pixels, width and height

Indices = npt.NDArray[np.intp]


def is_seen(side: Side | Viewed, features: Features) -> bool:
    """Tell whether there is something to show of each item: a picture, a clip or a pair of them.

    Args:
        side: Where the items are.
        features: What was collected of them.
    """
    if side.source is None or not features.num:
        return False
    if side.source.info.content == "picture":
        return True
    (first,) = side.source.load([side.indices[features.places()[0]]])
    return all(isinstance(part, Decoded | Clip) for part in _parts(first.content()))


def pictures_of(
    side: Side | Viewed, features: Features, rows: Indices, values: Sequence[float] | None = None
) -> tuple[Picture, ...]:
    """Return small copies of the items that gave these rows of the features.

    Args:
        side: Where the items are, each a picture or a clip.
        features: What was collected of them.
        rows: Which rows.
        values: The number that each is shown for; None for a random choice.

    Raises:
        UnstableError: An item is no longer what was scored.
        InputError: An item cannot be read any more.
    """
    return tuple(one for (one,) in _copies(side, features, rows, values))


def pictures_of_pairs(
    viewed: Viewed, features: Features, rows: Indices
) -> tuple[tuple[Picture, Picture], ...]:
    """Return small copies of both items of the pairs that gave these rows; see `pictures_of`."""
    return tuple(
        (replace(one, name=name), replace(other, name=other_name))
        for (one, other), (name, other_name) in zip(
            _copies(viewed, features, rows, None),
            names_of_pairs(viewed, features, rows),
            strict=True,
        )
    )


def names_of_pairs(
    viewed: Viewed, features: Features, rows: Indices
) -> tuple[tuple[str, str], ...]:
    """Return the names of both items of the pairs that gave these rows, each in its own source."""
    assert isinstance(viewed.source, PairView)
    places = features.places()
    chosen = viewed.source.places[[viewed.indices[places[row]] for row in rows]].tolist()
    names, other_names = viewed.source.one.names(), viewed.source.other.names()
    return tuple((names[one], other_names[other]) for one, other in chosen)


def _copies(
    side: Side | Viewed, features: Features, rows: Indices, values: Sequence[float] | None
) -> list[list[Picture]]:
    """Return small copies of all parts of each item."""
    assert side.source is not None
    places, what = features.places(), side.source.info.content
    items = side.source.load([side.indices[places[row]] for row in rows])
    found = []
    for at, (row, item) in enumerate(zip(rows, items, strict=True)):
        if item.digest != features.digests[row]:
            raise UnstableError(
                f"{item.name}: is not the {what} that was scored",
                f"a source that gives the same {what} each time",
                f"leave out the HTML report, or store the {what}s in a folder",
            )
        value = None if values is None else values[at]
        found.append([_small(item.name, part, value) for part in _parts(item.content())])
    return found


def _parts(content: Content) -> tuple[Content, ...]:
    """Return the contents of a pair, or the one content."""
    return (content.one, content.other) if isinstance(content, Pair) else (content,)


def _small(name: str, content: Content, value: float | None) -> Picture:
    """Return a thumbnail, whose proportions stay, or a spectrogram with its beginning to hear."""
    sound = b""
    if isinstance(content, Clip):
        from matplotlib import colormaps

        width, height = SPECTROGRAM
        colours = colormaps["magma"](spectrogram(content, width, height), bytes=True)[:, :, :3]
        image = PIL.Image.fromarray(np.ascontiguousarray(colours))
        lossless, sound = False, excerpt(content)
    else:
        assert isinstance(content, Decoded)
        image = PIL.Image.fromarray(np.ascontiguousarray(content.pixels.transpose(1, 2, 0)))
        image.thumbnail((THUMBNAIL, THUMBNAIL), PIL.Image.Resampling.LANCZOS)
        lossless = max(image.size) <= LOSSLESS
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=lossless, quality=75, method=4)
    return Picture(
        name=name,
        data=file.getvalue(),
        width=image.width,
        height=image.height,
        value=value,
        sound=sound,
    )
