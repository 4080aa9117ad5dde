"""The options `size` and `crop` that every kind of source has."""

from dataclasses import dataclass, replace
from typing import Literal

from ganeval.errors import UsageError
from ganeval.images.picture import Picture
from ganeval.images.resize import fit

Crop = Literal["none", "center"]


@dataclass(frozen=True, slots=True)
class Fit:
    """Bring every picture to one size after decoding, or leave it alone.

    Attributes:
        size: Height and width in pixels (Pillow's antialiased bicubic on uint8); None leaves the
            native size.
        crop: "center" cuts out the largest centred square first, "none" stretches.

    Raises:
        UsageError: A size below 1, or a crop without a size.
    """

    size: int | None = None
    crop: Crop = "none"

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise UsageError(f"option 'size' is {self.size}", "at least 1 pixel", "change it")
        if self.size is None and self.crop != "none":
            raise UsageError(
                f"option 'crop' is {self.crop} without a size", "both", "add `,size=256`"
            )

    def __call__(self, picture: Picture) -> Picture:
        """Return the picture at the wanted size."""
        if self.size is None:
            return picture
        return replace(picture, pixels=fit(picture.pixels, size=self.size, crop=self.crop))

    def settings(self) -> dict[str, object]:
        """Return what goes into a source's settings, as JSON values."""
        return {"size": self.size, "crop": self.crop}
