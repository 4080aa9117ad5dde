"""Open anything that a user names as a source."""

import os
from collections.abc import Mapping
from typing import Any

from ganeval.images.picture import DecodePolicy
from ganeval.machine.devices import tensors_on_the_cpu
from ganeval.sources.base import Source
from ganeval.sources.files.index import Index
from ganeval.sources.kinds import open_text


@tensors_on_the_cpu()
def open_source(
    thing: Any,
    *,
    policy: DecodePolicy,
    offline: bool = False,
    generator: Mapping[str, Any] | None = None,
    index: Index | None = None,
) -> Source:
    """Return what a user names as a source of images or clips.

    Args:
        thing: A path to a folder, a zip, tar, npz or npy file or a generator's file, recognised by
            its content; `kind:path,option=value,...` (`ganeval list sources`); a uint8 tensor or
            array, [N, 3, H, W], [N, H, W, 3] or the same with 1 channel; a PyTorch data set with a
            length, or a DataLoader that gives each of its items once; a list of Pillow images, of
            tensors [3, H, W], of arrays [H, W, 3] or of paths to pictures; any of these as
            `Images`; clips of sound as `Clips`, or a list of `Clip`; a network as `Generator`, or
            as it is if the options say how to call it; a `Source`, which is returned as it is.
        policy: How pictures become 8-bit RGB.
        offline: Download nothing.
        generator: Options of a generator's file that its text does not give (`num_images`,
            `entry`). A `Generator` without `num_images` takes it from here.
        index: What is known of local files; None reads them all.

    Raises:
        InputError: There is nothing, or nothing usable, under that name.
        UsageError: A kind or option is unknown, or a value does not fit it.
        ResourceError: A data set cannot be downloaded.
    """
    if isinstance(thing, str | bytes | os.PathLike):
        return open_text(
            os.fsdecode(thing), policy, offline=offline, generator=generator, index=index
        )
    # Imported late: a path does not need torch.
    from ganeval.sources.objects import source_of

    return source_of(thing, policy=policy, generator=generator or {})
