"""A diagnosis for people and for programs."""

import json
import textwrap
from collections import Counter
from dataclasses import asdict
from typing import Any

from ganeval.doctor.examine import Diagnosis
from ganeval.doctor.finding import SEVERITIES, Finding, counted
from ganeval.doctor.hearing import ClipInventory
from ganeval.doctor.inventory import Inventory
from ganeval.errors import NEEDED, one_line

SCHEMA = "ganeval.doctor/1"
_SHOWN = 5
_INDENT = " " * 9  # as wide as the longest severity and two spaces


def to_json(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as JSON, with a line end."""
    content = {
        "schema": SCHEMA,
        "sources": [_card(inventory) for inventory in diagnosis.inventories],
        "findings": [asdict(finding) for finding in diagnosis.findings],
    }
    return json.dumps(content, indent=1) + "\n"


def to_text(diagnosis: Diagnosis, width: int | None) -> str:
    """Return the diagnosis as lines: the sources, the findings, how many there are.

    Args:
        diagnosis: What was found.
        width: Columns of the terminal, where lines are folded; None: one line for each finding.
    """
    lines = [_fold(_summary(inventory), width, "  ") for inventory in diagnosis.inventories]
    lines += ["", *(_fold(_line(finding), width, _INDENT) for finding in diagnosis.findings)]
    counts = Counter(finding.severity for finding in diagnosis.findings)
    total = [
        f"{counts[severity]} {severity}{'s' if counts[severity] > 1 else ''}"
        for severity in SEVERITIES
        if counts[severity]
    ]
    if diagnosis.findings:
        lines.append("")
    return "\n".join([*lines, ", ".join(total) or "nothing found"]) + "\n"


def _summary(inventory: Inventory | ClipInventory) -> str:
    """Return what is in a source, on one line."""
    if isinstance(inventory, ClipInventory):
        return _summary_of_clips(inventory)
    parts = [inventory.kind]
    if inventory.stats is not None:
        parts.append(f"statistics of {inventory.stats.width:,} features")
    count = inventory.count
    parts.append("unknown number" if count is None else counted(count, "picture"))
    if inventory.refusals:
        parts.append(f"{len(inventory.refusals):,} refused")
    if inventory.looks:
        sizes = Counter({f"{w}x{h}": num for (w, h), num in inventory.sizes.items()})
        counters = (sizes, inventory.formats, inventory.modes)
        parts += [_counts(counter) for counter in counters if counter]
    return one_line(f"{inventory.location}: {'; '.join(parts)}")


def _summary_of_clips(inventory: ClipInventory) -> str:
    """Return what is in a source of clips, on one line."""
    parts = [inventory.kind, counted(inventory.count, "clip")]
    if inventory.refusals:
        parts.append(f"{len(inventory.refusals):,} refused")
    seconds = [heard.seconds for heard in inventory.looks]
    if seconds:
        ends = f"{min(seconds):.4g}", f"{max(seconds):.4g}"
        parts.append(f"{' to '.join(dict.fromkeys(ends))} s")
        rates = Counter({f"{rate:,} Hz": num for rate, num in inventory.rates.items()})
        parts += [_counts(counter) for counter in (rates, inventory.codecs) if counter]
    return one_line(f"{inventory.location}: {'; '.join(parts)}")


def _counts(counter: Counter[str]) -> str:
    """Return what there is, with numbers if it is not all the same."""
    if len(counter) == 1:
        return next(iter(counter))
    shown = [f"{num:,} {what}" for what, num in counter.most_common(_SHOWN)]
    return ", ".join([*shown, *(["..."] if len(counter) > _SHOWN else [])])


def _line(finding: Finding) -> str:
    """Return a finding on one line."""
    examples = ", ".join(_short(name, finding.source) for name in finding.examples)
    text = f"{finding.source}: {finding.what}; {NEEDED}{finding.needed}; {finding.remedy}"
    return one_line(f"{finding.severity:<9}{text}{f' ({examples})' if examples else ''}")


def _short(name: str, source: str) -> str:
    """Return a picture's name without that of its source."""
    return " ~ ".join(
        part.removeprefix(source.rstrip("/") + "/").removeprefix(source + ":")
        for part in name.split(" ~ ")
    )


def _fold(line: str, width: int | None, indent: str) -> str:
    """Break a line at spaces, with what follows indented."""
    if width is None:
        return line
    return textwrap.fill(
        line,
        max(width, 40),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _card(inventory: Inventory | ClipInventory) -> dict[str, Any]:
    """Return what is in a source, as JSON values."""
    if isinstance(inventory, ClipInventory):
        seconds = [heard.seconds for heard in inventory.looks]
        return {
            "location": inventory.location,
            "kind": inventory.kind,
            "item": inventory.item,
            "count": inventory.count,
            "refused": len(inventory.refusals),
            "rates": {str(rate): num for rate, num in inventory.rates.most_common()},
            "channels": {str(one): num for one, num in inventory.channels.most_common()},
            "codecs": dict(inventory.codecs.most_common()),
            "seconds": [min(seconds), max(seconds)] if seconds else [],
            "ignored": dict(inventory.ignored),
        }
    return {
        "location": inventory.location,
        "kind": inventory.kind,
        "count": inventory.count,
        "refused": len(inventory.refusals),
        "sizes": {f"{w}x{h}": num for (w, h), num in inventory.sizes.most_common()},
        "formats": dict(inventory.formats.most_common()),
        "modes": dict(inventory.modes.most_common()),
        "ignored": dict(inventory.ignored),
    }
