"""What the HTML report shows of a sample beside its scores; plain data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small copy of a picture, or the spectrogram of a clip.

    Attributes:
        name: How messages call the picture.
        data: A WebP file.
        width: Of the small copy, in pixels.
        height: Of the small copy, in pixels.
        value: What it is shown for: its influence on a score or its distance; None for a picture
            that stands for the others.
        sound: Of a clip its beginning, a WAV file; empty for a picture.
    """

    name: str
    data: bytes
    width: int
    height: int
    value: float | None = None
    sound: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """A generated picture and the pictures of the reference that are most like it.

    Attributes:
        picture: The generated one.
        nearest: Of the reference, the nearest first; `value` is the distance of the features.
    """

    picture: Picture
    nearest: tuple[Picture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A score of parts of a sample against the whole reference.

    Attributes:
        sizes: Number of generated images, ascending; the last is the whole sample.
        values: The score of each.
        limit: The value at infinitely many images of the line in 1/N through the points; None
            where the parts are too small for one.
    """

    sizes: tuple[int, ...]
    values: tuple[float, ...]
    limit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """What there is to see of one sample.

    Attributes:
        sample: Its location, as in the scores.
        pictures: A random choice.
        score: Label of the score of which the influences and the curve are; None where there are
            neither.
        raising: The pictures that raise it most, the worst first; `value` is the influence.
        lowering: Those that lower it most, the best first.
        neighbours: Of a random choice.
        usual_distance: The median distance of a picture of the reference to its nearest other one.
        curve: The score against the number of images.
        item: What each item is: "picture" or "clip".
    """

    sample: str
    pictures: tuple[Picture, ...]
    score: str | None = None
    raising: tuple[Picture, ...] = ()
    lowering: tuple[Picture, ...] = ()
    neighbours: tuple[Neighbours, ...] = ()
    usual_distance: float | None = None
    curve: Curve | None = None
    item: str = "picture"
