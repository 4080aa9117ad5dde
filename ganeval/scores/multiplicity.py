"""Correct p-values for several tests, and show them."""

from collections.abc import Sequence

SMALLEST_SHOWN = 1e-4


def holm_adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p-values in the given order; unknown ones are not counted.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 1979: the family-wise error stays below alpha whatever the dependence. The i-th
    smallest of k p-values is multiplied by k - i + 1, and never below the one before it.
    """
    known = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (value, place) in enumerate(known):
        largest = max(largest, min(1.0, value * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted


def format_p_value(p_value: float) -> str:
    """Return a p-value as text; tiny ones get no digits, since no error is known that well."""
    return f"{p_value:.2g}" if p_value >= SMALLEST_SHOWN else f"< {SMALLEST_SHOWN:.4f}"
