"""Options shared by all sources whose pictures are decoded."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from ganeval.images.picture import DecodePolicy
from ganeval.images.value_range import parse_range
from ganeval.sources.fit import Crop, Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """How pictures are decoded and which size they are brought to.

    A decode option given here takes precedence over the command's; None leaves it to the command.

    Attributes:
        size: See `Fit`.
        crop: See `Fit`.
        transparency: See `DecodePolicy`, also for the options below.
        animated: Pictures with several frames.
        exif: EXIF orientation.
        float_range: `LOW,HIGH` or `LOW:HIGH`, the floats that become 0 and 255.
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
        """The size that pictures are brought to; UsageError if it is impossible."""
        return Fit(self.size, self.crop)

    def over(self, policy: DecodePolicy) -> DecodePolicy:
        """Return the policy of the command, with the options that this source gives itself.

        Raises:
            UsageError: The range is invalid.
        """
        names = [entry.name for entry in dataclasses.fields(DecodePolicy)]
        given = {name: getattr(self, name) for name in names}
        if self.float_range is not None:
            given["float_range"] = parse_range(self.float_range, name="float_range")
        return dataclasses.replace(
            policy, **{name: value for name, value in given.items() if value is not None}
        )
