"""Plain data for what the HTML report shows of a sample beside its scores."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small copy of a picture, or the spectrogram of a clip.

    Attributes:
        name: Name of the picture in messages.
        data: A WebP file.
        width: Width of the small copy, in pixels.
        height: Height of the small copy, in pixels.
        value: The number that it is shown for: its influence on a score, or its distance; None for
            a random picture.
        sound: The beginning of a clip, a WAV file; empty for a picture.
    """

    name: str
    data: bytes
    width: int
    height: int
    value: float | None = None
    sound: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """A generated picture and its nearest pictures of the reference.

    Attributes:
        picture: The generated one.
        nearest: Pictures of the reference, the nearest first; `value` is the distance of the
            features.
    """

    picture: Picture
    nearest: tuple[Picture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The score of parts of a sample against the whole reference.

    Attributes:
        sizes: Number of generated images, ascending; the last is the whole sample.
        values: The score of each.
        limit: The value of the line in 1/N through the points at infinitely many images; None if
            the parts are too small for a line.
    """

    sizes: tuple[int, ...]
    values: tuple[float, ...]
    limit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The gallery of one sample.

    Attributes:
        sample: Its location, as in the scores.
        pictures: A random choice.
        score: Label of the score of the influences and the curve; None if there are neither.
        raising: The pictures that raise it most, the worst first; `value` is the influence.
        lowering: Those that lower it most, the best first.
        neighbours: Nearest pictures for a random choice.
        usual_distance: Median distance from a picture of the reference to its nearest other one.
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
