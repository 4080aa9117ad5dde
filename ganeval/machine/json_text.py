"""JSON of which nobody vouches that it is any."""

import json
import math
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text; its numbers are finite.

    Raises:
        ValueError: No JSON, NaN or Infinity (which Python's parser takes, and makes of 1e999), or
            deeper nesting than the interpreter follows.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _finite(text: str) -> float:
    """Return a number that JSON has."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of JSON")
    return value
