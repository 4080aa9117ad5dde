"""The label of a score or metric with its network and options, as users type it."""

from collections.abc import Mapping
from typing import Any


def label_of(name: str, network: str | None, options: Mapping[str, Any]) -> str:
    """Return `NAME[@NETWORK][:OPTION=VALUE...]`.

    Args:
        name: Name of the score or metric.
        network: The network that the user asked for; None for the run's network.
        options: Options that differ from the protocol.
    """
    at = "" if network is None else f"@{network}"
    return f"{name}{at}" + "".join(f":{option}={value}" for option, value in options.items())


def name_in(label: str) -> str:
    """Return the name that a label begins with."""
    return label.partition(":")[0].partition("@")[0]
