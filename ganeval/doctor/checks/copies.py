"""Pictures that a source holds more than once."""

import numpy as np

from ganeval.doctor.finding import AnyInventory, Finding, first_names, of
from ganeval.doctor.inventory import Inventory

MANY = 0.01  # of the pictures; a report warns from the same share on


def exact_copies(inventory: AnyInventory) -> list[Finding]:
    """Find items whose content equals an earlier one's, byte for byte."""
    total = len(inventory.looks)
    num = total - len(inventory.digests)
    if not num:
        return []
    seen: set[bytes] = set()
    names = []
    for look in inventory.looks:
        if look.digest in seen:
            names.append(look.name)
        seen.add(look.digest)
    alike = len(inventory.digests) == 1
    return [
        Finding(
            check="exact-duplicates",
            severity="error" if alike else "warning" if num > MANY * total else "note",
            source=inventory.location,
            what=f"all {total:,} {inventory.noun} are the same"
            if alike
            else f"copies of others in it: {of(num, total, inventory.item)}",
            needed=f"different {inventory.noun}; a copy counts as one more",
            remedy="remove the copies, or add --cluster-by if their names show which belong "
            "together",
            examples=first_names(names),
        )
    ]


def near_copies(inventory: Inventory) -> list[Finding]:
    """Find pictures that look like another one of the source."""
    looks = inventory.first_of_each
    like = np.flatnonzero(inventory.likeness >= 0)
    if not len(like):
        return []
    pairs = sorted({tuple(sorted((int(at), int(inventory.likeness[at])))) for at in like})
    return [
        Finding(
            check="near-duplicates",
            severity="warning" if len(like) > MANY * len(looks) else "note",
            source=inventory.location,
            what="nearly the same as another (by 8x8 grey values): about "
            + of(len(like), len(looks)),
            needed="different pictures",
            remedy="look at them side by side; for crops or frames of one picture add --cluster-by",
            examples=first_names([f"{looks[a].name} ~ {looks[b].name}" for a, b in pairs]),
        )
    ]
