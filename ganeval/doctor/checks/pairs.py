"""Compare the first source, the reference, with another one."""

from collections import Counter

import numpy as np

from ganeval.doctor.checks.copies import MANY
from ganeval.doctor.checks.encoding import LOSSY
from ganeval.doctor.checks.sizes import sizes_shown
from ganeval.doctor.finding import Finding, first_names, of
from ganeval.doctor.inventory import Inventory
from ganeval.doctor.likeness import nearly_same

_MOSTLY = 0.5  # of the pictures


def overlap(reference: Inventory, sample: Inventory) -> list[Finding]:
    """Find pictures of a sample that are in the reference, byte for byte."""
    names = [look.name for look in sample.looks if look.digest in reference.digests]
    if not names:
        return []
    same = reference.digests == sample.digests
    return [
        Finding(
            check="overlap",
            severity="warning",
            source=_pair(reference, sample),
            what="the same pictures"
            if same
            else f"in both: {of(len(names), len(sample.looks))} of {sample.location}",
            needed="a sample that was made without the reference",
            remedy="name another source" if same else "remove them from one of the two",
            examples=() if same else first_names(names),
        )
    ]


def near_overlap(reference: Inventory, sample: Inventory) -> list[Finding]:
    """Find pictures of a sample that look like one of the reference."""
    places = [
        at for at, look in enumerate(sample.first_of_each) if look.digest not in reference.digests
    ]
    if not places or not reference.looks:
        return []
    like = nearly_same(sample.thumbnails[places], reference.thumbnails)
    pairs = [
        f"{sample.first_of_each[places[at]].name} ~ {reference.first_of_each[like[at]].name}"
        for at in np.flatnonzero(like >= 0)
    ]
    if not pairs:
        return []
    return [
        Finding(
            check="near-overlap",
            severity="warning" if len(pairs) > MANY * len(places) else "note",
            source=_pair(reference, sample),
            what="nearly the same in both (by 8x8 grey values): about "
            f"{of(len(pairs), len(places))} of {sample.location}",
            needed="a sample that was not copied from the reference",
            remedy="look at them side by side",
            examples=first_names(pairs),
        )
    ]


def other_size(reference: Inventory, sample: Inventory) -> list[Finding]:
    """Find a sample whose size differs from the reference's."""
    ours, theirs = (
        Counter((look.width, look.height) for look in side.looks) for side in (sample, reference)
    )
    if not ours or not theirs or ours.keys() & theirs.keys():
        return []
    return [
        Finding(
            check="other-size",
            severity="warning",
            source=_pair(reference, sample),
            what=f"{sample.location} has {sizes_shown(ours)}, {reference.location} "
            f"{sizes_shown(theirs)}",
            needed="one size, since the resize to the network's input blurs them differently",
            remedy="write `folder:PATH,size=256` for both sources",
        )
    ]


def other_compression(reference: Inventory, sample: Inventory) -> list[Finding]:
    """Find that only one of sample and reference was compressed with loss."""
    shares = {
        side.location: sum(side.formats[kind] for kind in LOSSY) / len(side.looks)
        for side in (reference, sample)
        if side.looks
    }
    if len(shares) < 2:
        return []
    (one, first), (other, second) = shares.items()
    if (first > _MOSTLY) == (second > _MOSTLY):
        return []
    lossy, lossless = (one, other) if first > second else (other, one)
    return [
        Finding(
            check="other-compression",
            severity="warning",
            source=_pair(reference, sample),
            what=f"{lossy} is compressed with loss (JPEG, WebP), {lossless} is not",
            needed="one kind of compression, since FID sees its traces",
            remedy="write both in the same format and quality from the originals",
        )
    ]


def other_colours(reference: Inventory, sample: Inventory) -> list[Finding]:
    """Find that only one of sample and reference is grey."""
    greys = [
        sum(look.is_grey for look in side.looks) > _MOSTLY * len(side.looks)
        for side in (reference, sample)
    ]
    if greys[0] == greys[1] or not reference.looks or not sample.looks:
        return []
    grey, coloured = (reference, sample) if greys[0] else (sample, reference)
    return [
        Finding(
            check="other-colours",
            severity="warning",
            source=_pair(reference, sample),
            what=f"{grey.location} is mostly grey, {coloured.location} coloured",
            needed="the same kind of picture on both sides",
            remedy="convert one of the two",
        )
    ]


def _pair(reference: Inventory, sample: Inventory) -> str:
    """Return the name of two sources in a finding."""
    return f"{sample.location} and {reference.location}"
