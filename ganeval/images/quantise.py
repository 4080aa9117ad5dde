"""The one rule that rounds floats to uint8: by a declared range, never by the data."""

import torch

from ganeval.errors import InputError

# How far beyond the declared range values may lie, in widths of the range. Generators overshoot
# tanh-like ranges a little; such values are clipped (and counted, see `num_clipped`). Values beyond
# this are a mistake in the range, such as [0, 1] declared as [-1, 0].
_SLACK = 0.05


def quantise(values: torch.Tensor, *, value_range: tuple[float, float]) -> torch.Tensor:
    """Round floats to uint8: `floor((x - low) * 255 / (high - low) + 0.5)`, clipped to 0..255.

    It is computed as `x * scale + offset` with `scale = 255 / (high - low)` and
    `offset = 0.5 - low * scale`, two float32 operations (float64 for float64 values). For (-1, 1)
    these are `x * 127.5 + 128`, which is the rule of StyleGAN2 and 3, EDM and EDM2 to the last bit.

    Args:
        values: Float, any shape, without NaN (see `check_range`).
        value_range: The (low, high) that become 0 and 255; low < high.

    Returns:
        uint8, same shape and device.
    """
    low, high = value_range
    scale = 255.0 / (high - low)
    wide = values.to(torch.promote_types(values.dtype, torch.float32))
    # The conversion to uint8 truncates, which is floor here: nothing is negative after the clamp.
    return (wide * scale).add_(0.5 - low * scale).clamp_(0, 255).to(torch.uint8)


def num_clipped(values: torch.Tensor, value_range: tuple[float, float]) -> int:
    """Return how many values `quantise` clips: those beyond the range by more than half a level.

    Rounding brings the others to the same level as the end of the range.
    """
    low, high = value_range
    half = (high - low) / 255 / 2
    return int(((values < low - half) | (values > high + half)).sum().item())


def check_range(
    values: torch.Tensor,
    value_range: tuple[float, float],
    *,
    name: str,
    remedy: str,
    start: int | None = None,
) -> None:
    """Refuse images whose values do not fit the declared range.

    Args:
        values: Float [N, ...], one image each.
        value_range: The declared (low, high).
        name: Name of the images in messages; the number of the first bad one follows in brackets if
            N > 1 or there is a `start`.
        remedy: What to do about values beyond the range. Declaring the range that was seen is no
            remedy: the code that makes the images fixes what stands for black and white.
        start: Number of the first image, if others came before; None for 0.

    Raises:
        InputError: An image holds NaN or infinity, or values outside the range by more than 5 % of
            its width (values closer than that are left for `quantise` to clip, and `Seen` counts
            them).
    """
    check_finite(values, name=name, start=start)
    low, high = value_range
    flat = values.reshape(len(values), -1)
    least, most = flat.amin(dim=1), flat.amax(dim=1)
    slack = _SLACK * (high - low)
    outside = (least < low - slack) | (most > high + slack)
    if outside.any():
        observed = f"{least.min().item():g} to {most.max().item():g}"
        raise InputError(
            f"{_name_first(name, outside, start)}: values observed from {observed}",
            f"values in the declared range, {low:g} to {high:g}",
            remedy,
        )


def check_finite(values: torch.Tensor, *, name: str, start: int | None = None) -> None:
    """Refuse images, float [N, ...], if one holds NaN or infinity; see `check_range`."""
    finite = values.reshape(len(values), -1).isfinite().all(dim=1)
    if not finite.all():
        raise InputError(
            f"{_name_first(name, ~finite, start)}: NaN or infinity among its values",
            "finite values",
            "look for the cause in the code that makes the images",
        )


def _name_first(name: str, bad: torch.Tensor, start: int | None) -> str:
    """Return the name of the first image that `bad`, bool [N], marks."""
    if len(bad) == 1 and start is None:
        return name
    return f"{name}[{(start or 0) + int(bad.nonzero()[0, 0])}]"
