"""Check the sizes of the pictures, and their detail."""

from collections import Counter

import numpy as np

from ganeval.doctor.detail import CUTS, MOST_DETAIL
from ganeval.doctor.finding import Finding, first_names, of
from ganeval.doctor.inventory import Inventory
from ganeval.doctor.look import Look

_SIZES_SHOWN = 3
_SMALL = 75  # the smallest input of the Inception network
_MEASURED = 10  # pictures whose detail must be known
_NEARLY_ALL = 0.8  # see `MOST_DETAIL` for how many of a set this leaves room for


def sizes_shown(sizes: Counter[tuple[int, int]]) -> str:
    """Return the most frequent sizes in words."""
    frequent = sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))
    shown = [f"{width}x{height}: {num:,}" for (width, height), num in frequent[:_SIZES_SHOWN]]
    return ", ".join([*shown, *(["..."] if len(frequent) > _SIZES_SHOWN else [])])


def several_sizes(inventory: Inventory) -> list[Finding]:
    """Find different sizes; each picture is resized on its own."""
    sizes = Counter((look.width, look.height) for look in inventory.looks)
    if len(sizes) < 2:
        return []
    usual = max(sizes, key=lambda size: sizes[size])
    aspects = {round(width / height, 2) for width, height in sizes}
    shapes = f" and {len(aspects)} shapes" if len(aspects) > 1 else ""
    others = [look.name for look in inventory.looks if (look.width, look.height) != usual]
    return [
        Finding(
            check="several-sizes",
            severity="warning",
            source=inventory.location,
            what=f"pictures of {len(sizes)} sizes{shapes} ({sizes_shown(sizes)})",
            needed="one size, since the resize to the network's input blurs each differently",
            remedy="write `folder:PATH,size=256,crop=center` for the source, or resize them",
            examples=first_names(others),
        )
    ]


def not_square(inventory: Inventory) -> list[Finding]:
    """Find pictures, all of one size, that the network's square input stretches."""
    sizes = {(look.width, look.height) for look in inventory.looks}
    if len(sizes) != 1 or (size := next(iter(sizes)))[0] == size[1]:
        return []
    return [
        Finding(
            check="not-square",
            severity="note",
            source=inventory.location,
            what=f"pictures of {size[0]}x{size[1]} are stretched to the network's square",
            needed="the same shape on both sides",
            remedy="write `folder:PATH,size=256,crop=center` to cut squares out of them",
        )
    ]


def small(inventory: Inventory) -> list[Finding]:
    """Find pictures so small that the network sees mostly the effect of the resize."""
    names = [look.name for look in inventory.looks if min(look.width, look.height) < _SMALL]
    if not names:
        return []
    return [
        Finding(
            check="small",
            severity="note",
            source=inventory.location,
            what=f"a side shorter than {_SMALL} pixels: {of(len(names), len(inventory.looks))}",
            needed="the same size on both sides, since the resize dominates the comparison",
            remedy="compare only with scores of that size",
        )
    ]


def repeated_pixels(inventory: Inventory) -> list[Finding]:
    """Find pictures that were scaled up by repeating pixels."""
    enlarged = [look for look in inventory.looks if look.repeats > 1]
    if len(enlarged) < max(_NEARLY_ALL * len(inventory.looks), 1):
        return []
    factor = min(look.repeats for look in enlarged)
    return [
        _upscaled(
            inventory,
            enlarged,
            f"each pixel is repeated {factor} times along both sides (scaled up to the nearest "
            f"neighbour): {of(len(enlarged), len(inventory.looks))}",
        )
    ]


def no_detail(inventory: Inventory) -> list[Finding]:
    """Find a set in which nearly all pictures lack fine detail, as after upscaling."""
    for at, cut in reversed(list(enumerate(CUTS))):
        known = [look for look in inventory.looks if not np.isnan(look.detail[at])]
        soft = [look for look in known if look.detail[at] < MOST_DETAIL[at]]
        if len(known) >= _MEASURED and len(soft) >= _NEARLY_ALL * len(known):
            what = (
                f"almost no detail above {cut:g} of the highest frequency (scaled up by "
                f"{1 / cut:g}, or blurred): {of(len(soft), len(known))}"
            )
            return [_upscaled(inventory, soft, what)]
    return []


def _upscaled(inventory: Inventory, looks: list[Look], what: str) -> Finding:
    """Return the finding about pictures that were scaled up."""
    return Finding(
        check="upscaled",
        severity="warning",
        source=inventory.location,
        what=what,
        needed="pictures at their original size",
        remedy="use the pictures before scaling; if the other side has more detail, bring both to "
        "that size (`folder:PATH,size=64`)",
        examples=first_names([look.name for look in looks]),
    )
