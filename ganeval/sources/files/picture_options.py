"""The options that every kind of source with encoded pictures has."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from ganeval.errors import UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.images.value_range import parse_range
from ganeval.sources.fit import Crop, Fit
from ganeval.sources.labels import folder_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """How pictures are decoded and which size they are brought to.

    A decode option that is given goes before that of the command; None leaves it to the command.

    Attributes:
        size: See `Fit`.
        crop: See `Fit`.
        transparency: See `DecodePolicy`, as the others.
        animated: Pictures with several frames.
        exif: EXIF orientation.
        float_range: `LOW,HIGH` or `LOW:HIGH`, what float pictures span.
        max_pixels: Larger pictures are refused.
    """

    size: int | None = None
    crop: Crop = "none"
    transparency: Literal["error", "drop", "white", "black"] | None = None
    animated: Literal["error", "first"] | None = None
    exif: Literal["ignore", "apply"] | None = None
    float_range: str | None = None
    max_pixels: int | None = None

    @property
    def fit(self) -> Fit:
        """The size that pictures are brought to; UsageError if there is none such."""
        return Fit(self.size, self.crop)

    def over(self, policy: DecodePolicy) -> DecodePolicy:
        """Return the policy of the command with what the source's own text says.

        Raises:
            UsageError: A range that is none.
        """
        names = [entry.name for entry in dataclasses.fields(DecodePolicy)]
        given = {name: getattr(self, name) for name in names}
        if self.float_range is not None:
            given["float_range"] = parse_range(self.float_range, name="float_range")
        return dataclasses.replace(
            policy, **{name: value for name, value in given.items() if value is not None}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions(PictureOptions):
    """Which files of a folder or archive are its pictures, and how these are decoded.

    Attributes:
        pattern: Only pictures whose path ends so: `*_fake_B.png`, `test/*.jpg`; `*`, `?` and
            `[abc]` stand for parts of one name. None: all.
        labels: "folders": the class of a picture is the first folder of its path below the source
            (`cat` of `cat/a/1.png`). None: there are no classes.
    """

    pattern: str | None = None
    labels: Literal["folders"] | None = None

    def __post_init__(self) -> None:
        """Refuse a pattern that fits nothing.

        Raises:
            UsageError: It is empty.
        """
        if self.pattern is not None and not PurePosixPath(self.pattern).parts:
            raise UsageError(
                f"option 'pattern' is '{self.pattern}'", "a pattern as `*_fake_B.png`", "change it"
            )

    def classes(self, names: Sequence[str], *, location: str) -> tuple[str, ...] | None:
        """Return the label of each picture of these names, None if none are asked for.

        Raises:
            InputError: See `folder_labels`.
        """
        return None if self.labels is None else folder_labels(names, location=location)


def fits_pattern(name: str, pattern: str | None) -> bool:
    """Tell whether the last parts of a name (with slashes) are as a pattern says.

    >>> fits_pattern("results/1_fake_B.png", "*_fake_B.png")
    True
    >>> fits_pattern("train/1.jpg", "test/*.jpg")
    False
    """
    return pattern is None or PurePosixPath(name).match(pattern)
