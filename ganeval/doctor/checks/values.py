"""Check the values of the pixels: range, contrast."""

from ganeval.doctor.finding import Finding, Severity, first_names, of
from ganeval.doctor.inventory import Inventory

_ENOUGH = 8  # pictures; with fewer, their common range means nothing
_UNIT, _HALF = 1, 127
_FLAT = 2.0  # grey levels of standard deviation: less than the noise of a camera
_MANY_FLAT = 0.01  # of the pictures


def value_range(inventory: Inventory) -> list[Finding]:
    """Find values that fill only a part of 0 to 255, as a wrong scaling leaves them."""
    if len(inventory.looks) < _ENOUGH:
        return []
    low = min(look.low for look in inventory.looks)
    high = max(look.high for look in inventory.looks)
    severity: Severity = "warning"
    if low == high:  # see `constant`
        return []
    if high <= _UNIT:
        severity, meaning = "error", "floats of 0 to 1 were stored as whole numbers"
    elif high <= _HALF:
        meaning = f"white should be 255, about {255 / high:.0f} times as much"
    elif low >= _HALF:
        meaning = "floats from 0 to 1 seem to have been read as -1 to 1"
    else:
        return []
    return [
        Finding(
            check="value-range",
            severity=severity,
            source=inventory.location,
            what=f"all values of all pictures lie from {low} to {high}: {meaning}",
            needed="values from 0 to 255",
            remedy="write the files again, or declare the range of an array or a generator "
            "(value_range)",
        )
    ]


def constant(inventory: Inventory) -> list[Finding]:
    """Find pictures of one colour."""
    names = [look.name for look in inventory.looks if look.low == look.high or not look.contrast]
    if not names:
        return []
    return [
        Finding(
            check="constant",
            severity="warning",
            source=inventory.location,
            what=f"of one colour: {of(len(names), len(inventory.looks))}",
            needed="pictures that show something",
            remedy="look at them, and remove those that are not results",
            examples=first_names(names),
        )
    ]


def low_contrast(inventory: Inventory) -> list[Finding]:
    """Find pictures that are nearly of one colour."""
    if all(look.high <= _UNIT for look in inventory.looks):  # see `value_range`
        return []
    names = [look.name for look in inventory.looks if 0 < look.contrast < _FLAT]
    if len(names) <= _MANY_FLAT * len(inventory.looks):
        return []
    return [
        Finding(
            check="low-contrast",
            severity="warning",
            source=inventory.location,
            what=f"nearly of one colour (grey values deviate by less than {_FLAT:g}): "
            + of(len(names), len(inventory.looks)),
            needed="pictures that show something",
            remedy="look at them, and remove those that are not results",
            examples=first_names(names),
        )
    ]
