"""Numbers as text: as many digits as the error justifies, in one form for each column."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ganeval.scores.row import ScoreRow

Digits = Literal["error", "full"]
"""As many digits as the error justifies, or all."""

ERROR_DIGITS = 2  # significant digits of a standard error that are shown
WITHOUT_ERROR = 4  # significant digits of a value without one
_LOWEST, _HIGHEST = -4, 6  # powers of ten that are written without an exponent
_RESOLUTION = 1e-12  # relative; a smaller error is only rounding
_LOPSIDED = (
    2  # an interval with one arm this many times the other cannot be shown as value and error
)
_WIDEST = 2 * 2.6  # standard errors in an interval: Student's with 5 degrees of freedom
_SMALLEST = 1e-300  # smaller numbers are shown as 0: their power of ten has no inverse
_NORMAL_WIDTH = 2 * 1.96  # standard errors in a 95 % interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A score's numbers as text.

    Attributes:
        value: The value.
        error: Its standard error, if that says as much as the interval.
        ends: Ends of its interval, if it has one.
    """

    value: str
    error: str | None
    ends: tuple[str, str] | None

    @property
    def text(self) -> str:
        """`0.844 ± 0.037`, else `0.844 [0.803, 0.878]`, else `0.844`."""
        if self.error is not None:
            return f"{self.value} \u00b1 {self.error}"
        return self.value if self.ends is None else f"{self.value} [{', '.join(self.ends)}]"


def show_column(rows: Sequence[ScoreRow], digits: Digits = "error") -> list[Shown]:
    """Return the numbers of one score of several samples, all in one form.

    If `±` would mislead in one row (see `has_honest_error`), no row has it.
    """
    with_errors = all(has_honest_error(row) or row.interval is None for row in rows)
    return [_show(row, digits, with_error=with_errors) for row in rows]


def has_honest_error(row: ScoreRow) -> bool:
    """Return whether the standard error of a score says the same as its interval.

    It does not at a boundary (0 of 360 images, where the error is 0), if the value is biased and
    lies outside the interval, or if the interval is lopsided or far wider than two standard errors
    each way, as Student's over a few training runs is.
    """
    if row.se is None or row.se <= _RESOLUTION * abs(row.value):
        return False
    if row.interval is None:
        return True
    below, above = row.value - row.interval[0], row.interval[1] - row.value
    if min(below, above) <= 0 or max(below, above) > _LOPSIDED * min(below, above):
        return False
    return below + above <= _WIDEST * row.se


def _show(row: ScoreRow, digits: Digits, *, with_error: bool) -> Shown:
    """Return a score's numbers as text."""
    error = row.se if with_error and has_honest_error(row) else None
    value, *others = write_numbers(
        (row.value, *(row.interval or ()), *(() if error is None else (error,))),
        row.se or 0.0,
        row.interval,
        digits,
    )
    ends = (others[0], others[1]) if row.interval else None
    return Shown(value=value, error=None if error is None else others[-1], ends=ends)


def write_numbers(
    numbers: Sequence[float],
    se: float,
    interval: tuple[float, float] | None = None,
    digits: Digits = "error",
) -> list[str]:
    """Return a value and the numbers beside it with the same decimals.

    Args:
        numbers: The value first.
        se: The standard error, whose second digit is the last one shown; if it is 0, the interval's
            width decides.
        interval: Interval of the value.
        digits: "full" writes as many as there are.
    """
    if digits == "full":
        return [repr(float(number)) for number in numbers]
    finest = _RESOLUTION * abs(numbers[0])
    if se <= finest and interval is not None:
        se = (interval[1] - interval[0]) / _NORMAL_WIDTH
    if se <= finest:
        lead = next((number for number in numbers if number), 0.0)
        return _write(numbers, _last(lead, WITHOUT_ERROR))
    return _write(numbers, _last(se, ERROR_DIGITS))


def significant(number: float, digits: Digits = "error", count: int = WITHOUT_ERROR) -> str:
    """Return a single number with this many significant digits; `"full"` writes all."""
    if digits == "full":
        return repr(float(number))
    return _write((number,), _last(number, count))[0]


def _last(number: float, count: int) -> int:
    """Return the power of ten of the last of this many significant digits."""
    return _power(number, count) - count + 1 if abs(number) > _SMALLEST else 0


def _power(number: float, count: int) -> int:
    """Return the power of ten of a number's first digit, after rounding to `count` digits."""
    return int(f"{number:.{count - 1}e}".partition("e")[2])


def _write(numbers: Iterable[float], last: int) -> list[str]:
    """Write numbers up to the digit of 10**last, with one common exponent or none."""
    numbers = [round(number, -last) if abs(number) > _SMALLEST else 0.0 for number in numbers]
    first = max((_power(number, WITHOUT_ERROR) for number in numbers if number), default=0)
    if _LOWEST <= first <= _HIGHEST:
        # Adding 0 turns the -0.0 that rounding can leave into 0.0.
        return [f"{number + 0.0:.{max(-last, 0)}f}" for number in numbers]
    places = max(first - last, 0)
    return [
        f"{number / 10.0**first:.{places}f}e{first:+03d}" if number else "0" for number in numbers
    ]
