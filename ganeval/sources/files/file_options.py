"""Options shared by all sources of encoded files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from ganeval.audio.fit import Channels, ClipFit, Cut, Pad
from ganeval.errors import InputError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.files.chosen import SOUNDS
from ganeval.sources.files.encoded import Container, EmptyError, EncodedSource
from ganeval.sources.files.medium import Medium
from ganeval.sources.files.picture_options import PictureOptions
from ganeval.sources.files.pictures import Pictures
from ganeval.sources.files.sounds import MAX_SECONDS, Sounds
from ganeval.sources.labels import folder_labels

_OF_PICTURES = (*("size", "crop", "transparency", "animated", "exif", "float_range", "max_pixels"),)
_OF_CLIPS = ("rate", "channels", "seconds", "cut", "pad", "max_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions(PictureOptions):
    """Which files of a folder or archive are its items, and how these are decoded.

    Attributes:
        pattern: Only items whose path ends like this: `*_fake_B.png`, `test/*.jpg`; `*`, `?` and
            `[abc]` stand for parts of one name. None: all.
        labels: "folders": the class of an item is the first folder of its path below the source
            (`cat` of `cat/a/1.png`). None: there are no classes.
        content: Whether the items are "pictures" or "clips". None: clips if an option for clips is
            given, or if there are sound files and no pictures; else pictures.
        rate: See `ClipFit`, also for the next four options.
        channels: Number of channels of clips: "mono" or "keep".
        seconds: Length of clips.
        cut: Which part of longer clips is kept.
        pad: What happens to shorter clips.
        max_seconds: Longer files are refused when their header is read.
    """

    pattern: str | None = None
    labels: Literal["folders"] | None = None
    content: Literal["pictures", "clips"] | None = None
    rate: int | None = None
    channels: Channels | None = None
    seconds: float | None = None
    cut: Cut | None = None
    pad: Pad | None = None
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse a pattern that fits nothing, and options of two kinds of items.

        Raises:
            UsageError: The pattern is empty, or an option is for another kind of items.
        """
        if self.pattern is not None and not PurePosixPath(self.pattern).parts:
            raise UsageError(
                f"option 'pattern' is '{self.pattern}'",
                "a pattern such as `*_fake_B.png`",
                "change it",
            )
        of_pictures, of_clips = self._given(_OF_PICTURES), self._given(_OF_CLIPS)
        for content, others in (("pictures", of_clips), ("clips", of_pictures)):
            if self.content == content and others:
                raise UsageError(
                    f"option '{others[0]}' is given for {content}",
                    f"options for {content}",
                    f"leave out '{others[0]}'",
                )
        if of_pictures and of_clips:
            raise UsageError(
                f"option '{of_pictures[0]}' is for pictures and '{of_clips[0]}' is for clips",
                "options for one kind of items",
                "leave out one of them",
            )

    def source(
        self,
        kind: str,
        container_of: Callable[[Medium], Container],
        *,
        policy: DecodePolicy,
        location: str,
        written: str | None,
    ) -> EncodedSource:
        """Return the items of a container as a source.

        Args:
            kind: Name in the table of sources.
            container_of: Lists the container's files of a medium.
            policy: How pictures are decoded.
            location: Where the container is.
            written: The user's name for it.

        Raises:
            InputError: There are no items, or the labels cannot be used.
        """
        medium, container = self._listed(container_of, policy)
        names = container.listing.names
        return EncodedSource(
            kind=kind,
            location=written or location,
            container=container,
            medium=medium,
            classes=self._classes(names, location=location),
        )

    def _listed(
        self, container_of: Callable[[Medium], Container], policy: DecodePolicy
    ) -> tuple[Medium, Container]:
        """Return the medium of the items, and the container that lists them."""
        empty: EmptyError | None = None
        for medium in self._media(policy):
            if empty is not None and SOUNDS not in empty.listing.ignored:
                break
            try:
                return medium, container_of(medium)
            except EmptyError as error:
                empty = error
        assert empty is not None  # there is one medium at least
        raise InputError(empty.found, empty.needed, empty.remedy) from empty

    def _media(self, policy: DecodePolicy) -> Sequence[Medium]:
        """Return the media to try, in order."""
        pictures, of_clips = Pictures(self.over(policy), self.fit), self._given(_OF_CLIPS)
        if self.content == "pictures" or self._given(_OF_PICTURES):
            return [pictures]
        given: dict[str, Any] = {name: getattr(self, name) for name in of_clips}
        max_seconds = given.pop("max_seconds", MAX_SECONDS)
        clips = Sounds(ClipFit(**given), max_seconds)
        return [clips] if self.content == "clips" or of_clips else [pictures, clips]

    def _given(self, names: Sequence[str]) -> list[str]:
        """Return which of some options are given."""
        return [name for name in names if getattr(self, name) not in (None, "none")]

    def _classes(self, names: Sequence[str], *, location: str) -> tuple[str, ...] | None:
        """Return the label of each item of these names, None if none are asked for.

        Raises:
            InputError: See `folder_labels`.
        """
        return None if self.labels is None else folder_labels(names, location=location)
