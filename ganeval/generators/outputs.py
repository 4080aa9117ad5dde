"""Find the samples in what a network returns: its only output, or one of several."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

import torch

from ganeval.errors import InputError, spelt
from ganeval.generators.terms import ImageLayout
from ganeval.images.decode import MINIMUM_SIZE

_SHOWN = 6
_MOST_CHANNELS = 64


class Form(Protocol):
    """The type and shape of samples.

    Attributes:
        noun: Plural noun of the items in messages.
        needed: The type and shape, in words.
        remedy: What to do with a network that returns something else.
    """

    noun: ClassVar[str]
    needed: ClassVar[str]
    remedy: ClassVar[str]

    def fault(self, part: torch.Tensor, num: int) -> str | None:
        """Return why a tensor is not a batch of `num` samples, None if it is one."""

    def ready(self, part: torch.Tensor) -> torch.Tensor:
        """Return such a batch with its axes in our order."""


@dataclasses.dataclass(frozen=True, slots=True)
class ImageForm:
    """Images, floating point [B, C, H, W] or [B, H, W, C] with C 1 or 3, at least 8 pixels a side.

    Attributes:
        layout: Where the channels are.
    """

    layout: ImageLayout

    noun: ClassVar[str] = "images"
    needed: ClassVar[str] = "floats [B, 3, H, W] or [B, 1, H, W], one image for each sample"
    remedy: ClassVar[str] = (
        "set image_layout=nhwc if the channels come last, or wrap it in a module that returns that"
    )

    def fault(self, part: torch.Tensor, num: int) -> str | None:
        """Return why a tensor is not a batch of images, None if it is one."""
        if not part.is_floating_point():
            return f"returns {part.dtype}"
        shape, last = list(part.shape), self.layout == "nhwc"
        extents = shape[1:3] if last else shape[2:]
        if part.ndim != 4 or shape[3 if last else 1] not in (1, 3):
            return f"returns shape {shape}"
        if shape[0] != num:
            return f"returns {shape[0]} images for {num} latents"
        if min(extents) < MINIMUM_SIZE:
            return f"returns shape {shape}, below {MINIMUM_SIZE} pixels a side"
        return None

    def ready(self, part: torch.Tensor) -> torch.Tensor:
        """Return images as [B, C, H, W]."""
        return part.permute(0, 3, 1, 2) if self.layout == "nhwc" else part


@dataclasses.dataclass(frozen=True, slots=True)
class ClipForm:
    """Clips of sound, floating point [B, samples] or [B, channels, samples]."""

    noun: ClassVar[str] = "clips"
    needed: ClassVar[str] = "floats [B, samples] or [B, channels, samples], a clip for each sample"
    remedy: ClassVar[str] = "wrap it in a module that returns that, or leave rate out"

    def fault(self, part: torch.Tensor, num: int) -> str | None:
        """Return why a tensor is not a batch of clips, None if it is one."""
        if not part.is_floating_point():
            return f"returns {part.dtype}"
        shape = list(part.shape)
        if part.ndim not in (2, 3) or (part.ndim == 3 and not 1 <= shape[1] <= _MOST_CHANNELS):
            return f"returns shape {shape}"
        if shape[0] != num:
            return f"returns {shape[0]} clips for {num} latents"
        return None if shape[-1] else f"returns shape {shape}"

    def ready(self, part: torch.Tensor) -> torch.Tensor:
        """Return clips as [B, channels, samples]."""
        return part[:, None] if part.ndim == 2 else part


def samples_of(
    output: object, *, num: int, form: Form, chosen: str | None, name: str
) -> torch.Tensor:
    """Return the samples in what a network returned.

    If the output is a tensor, it is the samples. In a tuple, list, mapping or dataclass, also a
    nested one, they are the only tensor with the right type and shape, or the chosen one.

    Args:
        output: What the network returned.
        num: How many samples it was called with.
        form: Type and shape of the samples in it.
        chosen: Which of several things they are: `1`, `sample`, `0.image`; None: the only one that
            fits.
        name: Name of the network in messages.

    Returns:
        Floating point [num, C, H, W], or for clips [num, C, samples].

    Raises:
        InputError: There are no samples, several things may be meant, or the chosen one is missing.
    """
    if isinstance(output, torch.Tensor) and chosen is None:
        fault = form.fault(output, num)
        if fault is not None:
            raise _no_samples(name, fault, form)
        return form.ready(output)
    parts = dict(_parts(output))
    described = ", ".join(f"{key}: {_described(part)}" for key, part in [*parts.items()][:_SHOWN])
    kind = type(output).__name__
    if chosen is not None:
        fault = form.fault(parts[chosen], num) if chosen in parts else ""
        if fault is None:
            return form.ready(parts[chosen])
        found = f"and its output {chosen} {fault}" if fault else f"and none is called '{chosen}'"
        raise InputError(
            f"{name}: the network returns {kind} ({described}), {found}",
            f"one of {', '.join(parts)}" if parts else form.needed,
            "correct --image-output" if parts else "leave --image-output out",
        )
    fitting = [key for key, part in parts.items() if form.fault(part, num) is None]
    if len(fitting) == 1:
        return form.ready(parts[fitting[0]])
    if not fitting:
        raise _no_samples(name, f"returns {kind} ({described})", form)
    raise InputError(
        f"{name}: the network returns {kind}, in which {len(fitting)} outputs have the shape of "
        f"{form.noun} ({described})",
        f"which of {', '.join(fitting)} holds the {form.noun}",
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


def _described(part: torch.Tensor) -> str:
    """Return type and shape of a tensor."""
    return f"{str(part.dtype).removeprefix('torch.')} {list(part.shape)}"


def _no_samples(name: str, fault: str, form: Form) -> InputError:
    """Return the error for an output without samples."""
    return InputError(f"{name}: the network {fault}", form.needed, form.remedy)
