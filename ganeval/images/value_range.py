"""The range of floats: the values that stand for black and white."""

from ganeval.errors import UsageError


def parse_range(
    given: str | tuple[float, float], *, name: str = "value_range"
) -> tuple[float, float]:
    """Return the range in `LOW,HIGH`, in `LOW:HIGH`, or in two numbers.

    Raises:
        UsageError: It is none of these.
    """
    ends = given.replace(":", ",").split(",") if isinstance(given, str) else given
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} '{given}'", "LOW,HIGH, such as -1,1", "correct it") from error
    return low, high
