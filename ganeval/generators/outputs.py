"""What a network returns: images, or several things of which one is the images."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ganeval.errors import InputError, spelt
from ganeval.generators.terms import ImageLayout
from ganeval.images.decode import MINIMUM_SIZE

_NEEDED = "floats [B, 3, H, W] or [B, 1, H, W], one image for each sample"
_SHOWN = 6


def images_of(
    output: object, *, num: int, layout: ImageLayout, chosen: str | None, name: str
) -> torch.Tensor:
    """Return the images in what a network returned.

    A tensor is the images. Of a tuple, list, mapping or dataclass, also a nested one, they are the
    only tensor that has the type and shape of images, or the one that is chosen.

    Args:
        output: What the network returned.
        num: How many samples it was called with.
        layout: Layout of the images in it.
        chosen: Which of several things they are: `1`, `sample`, `0.image`; None finds out.
        name: What messages call the network.

    Returns:
        Floating point [num, C, H, W] with C 1 or 3, at least 8 pixels a side.

    Raises:
        InputError: There are none, several may be meant, or nothing is called as is chosen.
    """
    if isinstance(output, torch.Tensor) and chosen is None:
        fault = _fault(output, num, layout)
        if fault is not None:
            raise _no_images(name, fault)
        return _channels_first(output, layout)
    parts = dict(_parts(output))
    described = ", ".join(f"{key}: {_described(part)}" for key, part in [*parts.items()][:_SHOWN])
    kind = type(output).__name__
    if chosen is not None:
        fault = _fault(parts[chosen], num, layout) if chosen in parts else ""
        if fault is None:
            return _channels_first(parts[chosen], layout)
        found = f"and its output {chosen} {fault}" if fault else f"and none is called '{chosen}'"
        raise InputError(
            f"{name}: the network returns {kind} ({described}), {found}",
            f"one of {', '.join(parts)}" if parts else _NEEDED,
            "correct --image-output" if parts else "leave --image-output out",
        )
    fitting = [key for key, part in parts.items() if _fault(part, num, layout) is None]
    if len(fitting) == 1:
        return _channels_first(parts[fitting[0]], layout)
    if not fitting:
        raise _no_images(name, f"returns {kind} ({described})")
    raise InputError(
        f"{name}: the network returns {kind}, in which {len(fitting)} outputs have the shape of "
        f"images ({described})",
        f"which of {', '.join(fitting)} is the images",
        f"add {spelt(image_output=fitting[0])}, or another",
    )


def _parts(output: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the tensors in nested containers with the path to each."""
    items: Any = None
    if isinstance(output, Mapping):
        items = output.items()
    elif isinstance(output, tuple) and hasattr(output, "_fields"):
        items = zip(output._fields, output, strict=True)
    elif isinstance(output, tuple | list):
        items = enumerate(output)
    elif dataclasses.is_dataclass(output):
        items = ((one.name, getattr(output, one.name)) for one in dataclasses.fields(output))
    elif isinstance(output, torch.Tensor) and path:
        yield path, output
    for key, part in items or ():
        yield from _parts(part, f"{path}.{key}" if path else str(key))


def _fault(part: torch.Tensor, num: int, layout: ImageLayout) -> str | None:
    """Return why a tensor is no batch of images, None if it is one."""
    if not part.is_floating_point():
        return f"returns {part.dtype}"
    shape = list(part.shape)
    extents = shape[1:3] if layout == "nhwc" else shape[2:]
    if part.ndim != 4 or shape[3 if layout == "nhwc" else 1] not in (1, 3):
        return f"returns shape {shape}"
    if shape[0] != num:
        return f"returns {shape[0]} images for {num} latents"
    if min(extents) < MINIMUM_SIZE:
        return f"returns shape {shape}, below {MINIMUM_SIZE} pixels a side"
    return None


def _channels_first(images: torch.Tensor, layout: ImageLayout) -> torch.Tensor:
    """Return images as [B, C, H, W]."""
    return images.permute(0, 3, 1, 2) if layout == "nhwc" else images


def _described(part: torch.Tensor) -> str:
    """Return type and shape of a tensor."""
    return f"{str(part.dtype).removeprefix('torch.')} {list(part.shape)}"


def _no_images(name: str, fault: str) -> InputError:
    """Return the error for an output in which there are no images."""
    return InputError(
        f"{name}: the network {fault}",
        _NEEDED,
        "set image_layout=nhwc if the channels come last, or wrap it in a module that returns that",
    )
