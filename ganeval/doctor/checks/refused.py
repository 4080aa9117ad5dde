"""Pictures that scoring refuses, and files that it leaves alone."""

from ganeval.doctor.finding import Finding, first_names, of
from ganeval.doctor.inventory import Inventory
from ganeval.doctor.look import Refusal


def refused(inventory: Inventory) -> list[Finding]:
    """Find pictures that scoring refuses or skips, together where the same helps."""
    skipped = len(inventory.refusals) <= inventory.num_skippable
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in inventory.refusals:
        groups.setdefault((refusal.needed, refusal.remedy), []).append(refusal)
    return [
        Finding(
            check="refused",
            severity="warning" if skipped else "error",
            source=inventory.location,
            what=f"{'skipped' if skipped else 'refused'}: {of(len(group), inventory.count or 0)}, "
            f"{'the first: ' if len(group) > 1 else ''}{group[0].found}",
            needed=needed,
            remedy=remedy,
            examples=first_names([refusal.name for refusal in group]),
        )
        for (needed, remedy), group in groups.items()
    ]


def ignored(inventory: Inventory) -> list[Finding]:
    """Find what lies between the pictures and is left alone."""
    if not inventory.ignored:
        return []
    counts = ", ".join(f"{reason}: {num:,}" for reason, num in inventory.ignored.items())
    return [
        Finding(
            check="ignored",
            severity="note",
            source=inventory.location,
            what=f"not counted as pictures: {counts}",
            needed="a suffix and a name that scoring knows, if there are pictures among them",
            remedy="rename these",
        )
    ]
