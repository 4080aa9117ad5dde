"""Check that there are enough pictures for the network's number of features."""

from ganeval.doctor.finding import AnyInventory, Finding, Severity
from ganeval.doctor.hearing import ClipInventory
from ganeval.doctor.inventory import Inventory


def fewer_than_asked(inventory: AnyInventory) -> list[Finding]:
    """Find a source with fewer items than --num-images asks for."""
    num, wanted = inventory.count, inventory.num_wanted
    if num is None or wanted is None or num >= wanted:
        return []
    return [
        Finding(
            check="fewer-than-asked",
            severity="error",
            source=inventory.location,
            what=f"{num:,} {inventory.noun}, and --num-images asks for {wanted:,}",
            needed="at least that many",
            remedy=f"lower --num-images or add {inventory.noun}",
        )
    ]


def few_images(inventory: AnyInventory) -> list[Finding]:
    """Find a source with too few items for an estimate of a covariance."""
    num, width = inventory.count, inventory.num_features
    if num is None or inventory.kind == "generator" or num >= 5 * width:
        return []
    severity: Severity
    of_clips = isinstance(inventory, ClipInventory)
    distance, unbiased = ("FAD", "kad") if of_clips else ("FID", "kid")
    if num <= width:
        severity = "warning"
        meaning = f"their covariance is singular, and {distance} mostly its bias"
    elif num < 2 * width:
        severity, meaning = "warning", f"{distance} is mostly its bias"
    else:
        severity, meaning = "note", f"{distance} has a bias that depends on their number"
    return [
        Finding(
            check="few-images",
            severity=severity,
            source=inventory.location,
            what=f"{num:,} {inventory.noun} for {width:,} features ({inventory.extractor}): "
            f"{meaning}",
            needed=f"{5 * width:,} or more{'' if of_clips else ' (50,000 in most papers)'}",
            remedy=f"compare scores of the same number of {inventory.noun} only, or use "
            f"{unbiased}, which has no such bias",
        )
    ]


def statistics(inventory: Inventory) -> list[Finding]:
    """Find stored statistics that do not state how they were made, or do not fit."""
    stats = inventory.stats
    if stats is None:
        return []
    findings = []
    width = stats.width
    made_with = None if stats.card is None else stats.card.get("extractor")
    if width != inventory.num_features or made_with not in (None, inventory.extractor):
        findings.append(
            Finding(
                check="statistics-of-another-network",
                severity="error",
                source=inventory.location,
                what=f"statistics of {width:,} features" + (f" ({made_with})" if made_with else ""),
                needed=f"those of {inventory.extractor}, which has {inventory.num_features:,}",
                remedy="choose the extractor that they were made with, or make them again with "
                "`ganeval stats make`",
            )
        )
    if stats.card is None:
        findings.append(
            Finding(
                check="unverified-statistics",
                severity="note",
                source=inventory.location,
                what="statistics made by another tool; extractor, weights and resize are not "
                "recorded",
                needed="the conditions that the sample is scored under",
                remedy="make them again with `ganeval stats make` if you have the pictures",
            )
        )
    if stats.num is None:
        findings.append(
            Finding(
                check="statistics-without-number",
                severity="note",
                source=inventory.location,
                what="statistics that do not state their number of pictures",
                needed="their number, on which the bias of FID depends",
                remedy="make them again with `ganeval stats make` if you have the pictures",
            )
        )
    return findings
