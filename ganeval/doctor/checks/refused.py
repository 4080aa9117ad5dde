"""Find items that scoring refuses, and files that it ignores."""

from ganeval.doctor.finding import AnyInventory, Finding, first_names, of
from ganeval.doctor.look import Refusal


def refused(inventory: AnyInventory) -> list[Finding]:
    """Find items that scoring refuses or skips, grouped by what to do."""
    skipped = len(inventory.refusals) <= inventory.num_skippable
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in inventory.refusals:
        groups.setdefault((refusal.needed, refusal.remedy), []).append(refusal)
    return [
        Finding(
            check="refused",
            severity="warning" if skipped else "error",
            source=inventory.location,
            what=f"{'skipped' if skipped else 'refused'}: "
            f"{of(len(group), inventory.count or 0, inventory.item)}, "
            f"{'the first: ' if len(group) > 1 else ''}{group[0].found}",
            needed=needed,
            remedy=remedy,
            examples=first_names([refusal.name for refusal in group]),
        )
        for (needed, remedy), group in groups.items()
    ]


def ignored(inventory: AnyInventory) -> list[Finding]:
    """Find files among the items that are ignored."""
    if not inventory.ignored:
        return []
    counts = ", ".join(f"{reason}: {num:,}" for reason, num in inventory.ignored.items())
    return [
        Finding(
            check="ignored",
            severity="note",
            source=inventory.location,
            what=f"not counted as {inventory.noun}: {counts}",
            needed=f"a known suffix and name, if some of them are {inventory.noun}",
            remedy="rename these",
        )
    ]
