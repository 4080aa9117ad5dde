"""Parsing JSON that may be damaged or come from elsewhere."""

import json
import math
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text; its numbers are finite.

    Raises:
        ValueError: The text is not JSON, is nested too deeply for the interpreter, or contains NaN
            or Infinity, which Python's parser accepts, also in the form 1e999.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _finite(text: str) -> float:
    """Return a number that JSON allows."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a JSON number")
    return value
