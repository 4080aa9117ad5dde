"""From a network and a way to draw its inputs to uint8 images, in batches of one size."""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import InputError, UsageError
from ganeval.generators.card import tensors_sha256
from ganeval.generators.drawing import Drawing
from ganeval.images.decode import MINIMUM_SIZE
from ganeval.images.quantise import check_range, quantise

ValueRange = tuple[float, float]
ImageLayout = Literal["nchw", "nhwc"]
Pixels = npt.NDArray[np.uint8]  # [C, H, W] with 1 or 3 channels

_MICRO_BATCH = {"cpu": 16}
_MICRO_BATCH_ELSEWHERE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Draws numbered samples of a network.

    Attributes:
        module: Takes latents, then int64 labels [B] if there are classes, then conditions if it is
            paired; returns floats [B, C, H, W] with 1 or 3 channels (or as `image_layout` says).
        drawing: How its inputs are drawn.
        value_range: The (low, high) of its output that become 0 and 255.
        name: What messages call it.
        image_layout: Of its output: "nhwc" is [B, H, W, C].
        device: Where its parameters are.
        batch_size: The network sees exactly so many samples at once; None: 16 on the CPU, 64
            elsewhere.
        conditions: From numbers of samples to what these are made from, float32 [B, 3, H, W] in
            [-1, 1]; None for an unpaired network.

    Raises:
        UsageError: An option out of its range, or parameters on another device.
    """

    module: torch.nn.Module
    drawing: Drawing
    value_range: ValueRange
    name: str
    image_layout: ImageLayout = "nchw"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch_size: int | None = None
    conditions: Callable[[Sequence[int]], torch.Tensor] | None = None

    def __post_init__(self) -> None:
        if not self.value_range[0] < self.value_range[1]:
            raise UsageError(f"value_range {self.value_range}", "low < high", "change it")
        if self.batch_size is not None and self.batch_size < 1:
            raise UsageError(f"batch_size {self.batch_size}", "at least 1", "change it")
        places = {value.device.type for value in self.module.parameters()}
        if places - {self.device.type}:
            raise UsageError(
                f"{self.name}: parameters on {', '.join(sorted(places))}, device={self.device}",
                "a network that is on its device",
                "move it there, or give the device where it is",
            )

    @property
    def micro_batch(self) -> int:
        """The canonical batch size."""
        return self.batch_size or _MICRO_BATCH.get(self.device.type, _MICRO_BATCH_ELSEWHERE)

    def settings(self) -> dict[str, object]:
        """Return all that changes pixels beside the network, as JSON values."""
        return {
            **self.drawing.settings(),
            "value_range": [float(end) for end in self.value_range],
            "image_layout": self.image_layout,
            "generator_batch": self.micro_batch,
            "generator_device": self.device.type,
        }

    def identity(self) -> bytes:
        """Return SHA-256 of the network and of how it is sampled.

        The network: its tensors (buffers that are not saved too), its class, its structure as
        printed, the plain attributes of its parts, and the source of the classes in it that are not
        torch's own, where there is one.
        """
        classes = sorted({type(part) for part in self.module.modules()}, key=_qualified_name)
        digest = hashlib.sha256(b"generator 1\n")
        for text in (
            _qualified_name(type(self.module)),
            tensors_sha256({**dict(self.module.named_buffers()), **self.module.state_dict()}),
            repr(self.module),
            repr(_plain_attributes(self.module)),
            *(_source_of(cls) for cls in classes if not cls.__module__.startswith("torch.")),
            repr(sorted(self.settings().items())),
        ):
            digest.update(hashlib.sha256(text.encode()).digest())
        return digest.digest()

    def batch(self, number: int) -> list[Pixels | InputError]:
        """Return the samples of one canonical batch: number * B up to (number + 1) * B.

        A sample that cannot be used is its error; the others are not affected.

        Raises:
            InputError: The network fails, or returns no images.
        """
        indices = range(number * self.micro_batch, (number + 1) * self.micro_batch)
        images = self.forward(indices)
        return [self.finish(image, index) for image, index in zip(images, indices, strict=True)]

    def forward(
        self, indices: Sequence[int], labels_of: Sequence[int] | None = None
    ) -> torch.Tensor:
        """Run the network once, in evaluation mode, and check its output's type and shape.

        Args:
            indices: The samples.
            labels_of: Samples whose labels are taken instead of their own.

        Returns:
            Floating point [B, C, H, W] on the device.

        Raises:
            InputError: The network fails, or returns anything else.
        """
        drawn = {
            "latents": self.drawing.latents(indices),
            "int64 labels": self.drawing.labels(indices if labels_of is None else labels_of),
            "conditions": None if self.conditions is None else self.conditions(indices),
        }
        inputs = {name: value.to(self.device) for name, value in drawn.items() if value is not None}
        try:
            with _evaluation_mode(self.module), torch.inference_mode():
                images = self.module(*inputs.values())
        except Exception as error:  # a stranger's network may raise anything at all
            reason = (str(error).splitlines() or [""])[0]
            raise InputError(
                f"{self.name}: the network fails ({type(error).__name__}: {reason})",
                "one that takes "
                + " and ".join(f"{what} {list(value.shape)}" for what, value in inputs.items()),
                "check latent_size, latent_layout and num_classes",
            ) from error
        return self._checked(images, len(indices))

    def _checked(self, images: object, num: int) -> torch.Tensor:
        """Refuse an output that is no batch of images."""
        if not isinstance(images, torch.Tensor) or not images.is_floating_point():
            kind = images.dtype if isinstance(images, torch.Tensor) else type(images).__name__
            raise self._no_images(f"returns {kind}")
        if self.image_layout == "nhwc" and images.ndim == 4:
            images = images.permute(0, 3, 1, 2)
        shape = list(images.shape)
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise self._no_images(f"returns shape {shape}")
        if len(images) != num:
            raise self._no_images(f"returns {len(images)} images for {num} latents")
        if min(shape[2:]) < MINIMUM_SIZE:
            raise self._no_images(f"returns shape {shape}, below {MINIMUM_SIZE} pixels a side")
        return images

    def _no_images(self, found: str) -> InputError:
        """Return the error for an output that is no batch of images."""
        return InputError(
            f"{self.name}: the network {found}",
            "floats [B, 3, H, W] or [B, 1, H, W], one image for each latent",
            "set image_layout=nhwc if the channels come last, or wrap it in a module that returns "
            "that",
        )

    def finish(self, image: torch.Tensor, index: int) -> Pixels | InputError:
        """Round one image [C, H, W], or return why it cannot be used."""
        name = f"{self.name}[{index}] (seed {self.drawing.seed})"
        try:
            check_range(image[None], self.value_range, name=name)
        except InputError as error:
            return error
        return quantise(image, value_range=self.value_range).cpu().numpy()


@contextmanager
def _evaluation_mode(module: torch.nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and every part of it back as it was."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


def _qualified_name(cls: type) -> str:
    """Return a class's name with its module's."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _plain_attributes(module: torch.nn.Module) -> list[tuple[str, str, object]]:
    """Return what the parts of a network keep as numbers and words, which may change its output."""
    return [
        (path, name, value)
        for path, part in module.named_modules()
        for name, value in sorted(vars(part).items())
        if name != "training" and isinstance(value, bool | int | float | str)
    ]


def _source_of(cls: type) -> str:
    """Return the source of a class, its name where there is none (a notebook, a shell)."""
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return _qualified_name(cls)
