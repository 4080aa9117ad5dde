"""A generator as a differentiable function of its latents."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import InputError, UsageError, raised
from ganeval.generators.outputs import samples_of
from ganeval.generators.sampler import Sampler, evaluation_mode
from ganeval.machine.devices import inference

_INSIDE = 1 - 2**-24  # the largest float32 below 1, where the inverse of erf is still finite


@dataclass(frozen=True, slots=True)
class Decoder:
    """Maps standard normal numbers to pictures, and lets gradients through.

    Every prior becomes the normal one: a uniform latent is erf(u / sqrt 2) of a normal u. Code that
    searches or integrates over latents then needs to know only one prior.

    Attributes:
        sampler: The network, and how it is fed.
        shape: Channels, height and width of its pictures; 1 channel is grey.
    """

    sampler: Sampler
    shape: tuple[int, int, int]

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.sampler.name

    @property
    def latent_size(self) -> int:
        """Length of a latent vector."""
        size = self.sampler.drawing.latent_size
        assert size is not None
        return size

    def draw(self, indices: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the inputs of the samples with these numbers, as `ganeval sample` draws them.

        Returns:
            Standard normal numbers float32 [B, latent_size], and labels as the network takes them,
            or None if it takes none; both on its device.
        """
        drawing = self.sampler.drawing
        latents = drawing.latents(indices).flatten(1)
        labels = drawing.labels(indices)
        place = self.sampler.device
        u = self.from_latents(latents.to(place))
        return u, None if labels is None else labels.to(place)

    def every_label(self) -> torch.Tensor:
        """Return the label of each class, as the network takes them, [classes, ...]."""
        drawing = replace(self.sampler.drawing, label_policy="balanced")
        assert drawing.num_classes is not None
        labels = drawing.labels(range(drawing.num_classes))
        assert labels is not None
        return labels.to(self.sampler.device)

    def to_latents(self, u: torch.Tensor) -> torch.Tensor:
        """Return the latents [B, n] that standard normal numbers [B, n] stand for."""
        return u if self.sampler.drawing.prior == "normal" else torch.erf(u / sqrt(2))

    def from_latents(self, z: torch.Tensor) -> torch.Tensor:
        """Return the standard normal numbers [B, n] that stand for latents [B, n]."""
        if self.sampler.drawing.prior == "normal":
            return z
        return torch.erfinv(z.clamp(-_INSIDE, _INSIDE)) * sqrt(2)

    def __call__(self, u: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Return pictures on the scale of pixels, 0 to 255, neither rounded nor clipped.

        Gradients flow within `differentiable`.

        Args:
            u: Standard normal numbers [B, latent_size].
            labels: Labels [B, ...], as `draw` returns them.

        Returns:
            Floating point [B, C, H, W].

        Raises:
            InputError: The network fails or returns no images.
        """
        sampler = self.sampler
        latents = self.to_latents(u)
        if sampler.drawing.latent_layout == "map":
            latents = latents[:, :, None, None]
        given = {"latent": latents, "label": labels}
        try:
            output = sampler.module(*(given[one.what] for one in sampler.arguments))
        except Exception as error:  # a stranger's network may raise anything at all
            raise InputError(
                f"{sampler.name}: the network fails ({raised(error)})",
                "a network that is a differentiable function of its latents",
                "check what it does besides computing images",
            ) from error
        images = samples_of(
            output,
            num=len(u),
            form=sampler.form,
            chosen=sampler.image_output,
            name=sampler.name,
        )
        low, high = sampler.value_range
        levels = (images - low) * (255 / (high - low))
        return levels.clamp(0, 255) if sampler.clamp else levels

    def matching(self, pixels: npt.NDArray[np.uint8], *, name: str) -> torch.Tensor:
        """Return pictures as this generator could make them, float32 [N, C, H, W] from 0 to 255.

        Args:
            pixels: RGB uint8 [N, 3, H, W].
            name: Their name in messages.

        Raises:
            InputError: They have another size, or they have colours and the generator is grey.
        """
        channels, height, width = self.shape
        if pixels.shape[2:] != (height, width):
            raise InputError(
                f"{name}: pictures of {pixels.shape[3]}x{pixels.shape[2]} pixels",
                f"{width}x{height}, the size of the pictures that {self.name} makes",
                f"give the source a size, as in folder:real/,size={height}",
            )
        if channels == 1 and not (pixels == pixels[:, :1]).all():
            raise InputError(
                f"{name}: pictures in colour",
                f"grey pictures, as {self.name} makes",
                "name a source of grey pictures",
            )
        return torch.from_numpy(pixels[:, :channels].astype(np.float32)).to(self.sampler.device)


def decoder_of(sampler: Sampler) -> Decoder:
    """Return a generator as a function of one latent vector.

    Raises:
        InputError: It makes images from anything else, or makes clips.
        UsageError: Its latents are truncated, or it draws random numbers of its own.
    """
    if sampler.rate is not None:
        raise InputError(
            f"{sampler.name}: makes clips of sound",
            "a generator of pictures",
            "name another; a WaveNet is scored during training, in bits per sample of held-out "
            "clips (ganeval train wavenet --eval-every N --eval-reference SOURCE)",
        )
    words = [one.what for one in sampler.arguments]
    one_vector = [one.sizes for one in sampler.arguments if one.what == "latent"] == [(None,)]
    if "condition" in words or not one_vector or any(one.is_list for one in sampler.arguments):
        raise InputError(
            f"{sampler.name}: makes images from {sampler.called_with}",
            "a generator of one latent vector",
            "name another",
        )
    if sampler.drawing.truncation is not None:
        raise UsageError(
            f"truncation {sampler.drawing.truncation:g}", "the whole prior", "leave it out"
        )
    if sampler.drawing.noise is not None:
        raise UsageError(
            f"{sampler.name}: draws random numbers of its own",
            "pictures that depend on its latents alone",
            "name another",
        )
    first = Decoder(sampler, (0, 0, 0))
    with differentiable(sampler), torch.no_grad():
        _, channels, height, width = first(*first.draw(range(2))).shape
    return Decoder(sampler, (channels, height, width))


def check_gradients(decoder: Decoder) -> None:
    """Refuse a generator whose images have no gradients, such as an ONNX file or a PixelCNN.

    Raises:
        InputError: They have none.
    """
    with differentiable(decoder.sampler):
        u, labels = decoder.draw(range(2))
        if not decoder(u.requires_grad_(), labels).requires_grad:
            raise InputError(
                f"{decoder.name}: its images have no gradients",
                "a differentiable network of PyTorch",
                "name another, or the checkpoint that it was exported from",
            )


@contextmanager
def differentiable(sampler: Sampler) -> Iterator[None]:
    """Run a network as for samples, in evaluation mode and full float32, but with gradients."""
    with (
        evaluation_mode(sampler.module),
        inference(sampler.device),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        yield
