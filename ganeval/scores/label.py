"""What a score or metric is called with its network and options, as users type it."""

from collections.abc import Mapping
from typing import Any


def label_of(name: str, network: str | None, options: Mapping[str, Any]) -> str:
    """Return `NAME[@NETWORK][:OPTION=VALUE...]`.

    Args:
        name: Of the score or metric.
        network: The network that the user asked for; None for that of the run.
        options: What departs from the protocol.
    """
    at = "" if network is None else f"@{network}"
    return f"{name}{at}" + "".join(f":{option}={value}" for option, value in options.items())


def name_in(label: str) -> str:
    """Return the name that a label begins with."""
    return label.partition(":")[0].partition("@")[0]
