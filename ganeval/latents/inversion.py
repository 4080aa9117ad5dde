"""Latents of given pictures, found by optimisation, which also fills in missing parts.

Lipton and Tripathy, "Precise Recovery of Latent Vectors from Generative Adversarial Networks",
arXiv:1702.04782, and for missing parts Yeh et al., "Semantic Image Inpainting with Deep Generative
Models", CVPR 2017, without its prior from a discriminator, which no checkpoint contains:

    z* = argmin_z sum over visible pixels (x - G(z))^2.

The search has many local optima, so it starts from several draws and keeps the best.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import UsageError
from ganeval.generators.decoder import Decoder, check_gradients, differentiable
from ganeval.images.picture import DecodePolicy
from ganeval.latents.masks import mask_of
from ganeval.machine.progress import Progress, silent
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source
from ganeval.sources.open_decoder import open_decoder, pixels_of

RATE = 0.1  # of Adam at the beginning; it falls to 0 along half a cosine
_MOST_OTHERS = 1000  # most pictures that the mean for filling is computed from

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]  # [H, W], where pixels are missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Inversion:
    """The latents found for N pictures.

    Attributes:
        names: Names of the pictures.
        pictures: The pictures, float32 [N, C, H, W] from 0 to 255.
        latents: Their latents as the network takes them, float32 [N, n].
        labels: Their labels; None for a generator that takes no labels.
        made: The generator's images for these, float32 [N, C, H, W] from 0 to 255.
        mask: Where pixels were missing, bool [H, W]; None if none were.
        means: Mean of the source's other pictures, float32 [N, C, H, W]; None without a mask.
    """

    names: tuple[str, ...]
    pictures: torch.Tensor
    latents: torch.Tensor
    labels: torch.Tensor | None
    made: torch.Tensor
    mask: Mask | None = None
    means: torch.Tensor | None = None

    def psnr(self) -> Floats:
        """Return the PSNR in dB of `made`, where pixels were visible, [N]."""
        return self._psnr(self.made, None if self.mask is None else ~self.mask)

    def hole_psnr(self) -> Floats:
        """Return the PSNR in dB of `made`, where pixels were missing, [N]."""
        return self._psnr(self.made, self.mask)

    def mean_psnr(self) -> Floats:
        """Return the PSNR in dB of mean filling, where pixels were missing, [N]."""
        assert self.means is not None, "there is a mask"
        return self._psnr(self.means, self.mask)

    def filled(self, filling: torch.Tensor) -> torch.Tensor:
        """Return the pictures with missing pixels taken from `filling` [N, C, H, W]."""
        assert self.mask is not None, "there is a mask"
        return torch.where(torch.from_numpy(self.mask).to(filling.device), filling, self.pictures)

    def _psnr(self, others: torch.Tensor, where: Mask | None) -> Floats:
        """Return the PSNR of pictures clipped to 0..255, over chosen pixels."""
        squares = (others.clamp(0, 255) - self.pictures).square().cpu().double().numpy()
        chosen = squares.reshape(*squares.shape[:2], -1)
        if where is not None:
            chosen = chosen[:, :, where.ravel()]
        with np.errstate(divide="ignore"):  # equal pictures have infinite PSNR
            found: Floats = 10 * np.log10(255**2 / chosen.mean(axis=(1, 2)))
        return found


def invert(  # noqa: PLR0913 (keyword-only, each is plain)
    generator: str | os.PathLike[str] | Generator,
    pictures: Any,
    *,
    num_images: int | None = None,
    mask: Mask | str | None = None,
    first: torch.Tensor | None = None,
    num_starts: int = 8,
    num_steps: int = 300,
    batch_size: int = 256,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Inversion:
    """Find latents from which a generator makes given pictures, or their visible part.

    A generator with classes gets the label that was drawn with each start.

    >>> found = ganeval.invert("bigan.safetensors", "data:digits,split=test")  # doctest: +SKIP
    >>> found.psnr().mean(), found.latents  # doctest: +SKIP

    Args:
        generator: A checkpoint, or a network as `Generator`.
        pictures: Any source of pictures.
        num_images: Number of pictures, from the first on; None: all.
        mask: Where pixels are missing, bool [H, W]; or a text, see `mask_of`.
        first: Latents to start from besides the draws, [N, n], such as the output of BiGAN's
            encoder for the pictures.
        num_starts: Number of draws that the search starts from.
        num_steps: Number of steps of each search.
        batch_size: Largest number of latents that the network sees at once.
        seed: Seed of the draws.
        options: Options of a generator's file; see `GeneratorOptions`, and `device`.
        progress: Called with the progress.

    Raises:
        InputError: Generator or pictures cannot be used, or do not fit each other.
        UsageError: A number is out of its range, or a mask has another size.
    """
    counts = {"num_starts": num_starts, "num_steps": num_steps, "batch_size": batch_size}
    if num_images is not None:
        counts["num_images"] = num_images
    for name, value in counts.items():
        if value < 1:
            raise UsageError(f"{name} is {value}", "at least 1", "change it")
    decoder, _ = open_decoder(generator, {"seed": seed, **(options or {})})
    check_gradients(decoder)
    source = open_source(pictures, policy=DecodePolicy())
    num = len(source) if num_images is None else min(num_images, len(source))
    location = source.info.location
    loaded = range(num if mask is None else max(num, min(len(source), _MOST_OTHERS)))
    all_levels = decoder.matching(pixels_of(source, loaded), name=location)
    levels, means = all_levels[:num], None
    if isinstance(mask, str):
        mask = mask_of(mask, height=decoder.shape[1], width=decoder.shape[2])
    if mask is not None:
        if mask.shape != decoder.shape[1:] or mask.all() or not mask.any():
            raise UsageError(
                f"a mask {list(mask.shape)} in which {int(mask.sum())} pixels are missing",
                f"{list(decoder.shape[1:])}, with some missing and some not",
                "change it",
            )
        if len(all_levels) < 2:
            raise UsageError(
                f"{location}: 1 picture", "more pictures, whose mean is compared with the filling",
                "name a source with more",
            )  # fmt: skip
        means = (all_levels.sum(dim=0) - levels) / (len(all_levels) - 1)
    if first is not None and first.shape != (num, decoder.latent_size):
        raise UsageError(
            f"first of shape {list(first.shape)}", f"[{num}, {decoder.latent_size}]", "change it"
        )
    u, labels, made = search(
        decoder,
        levels,
        visible=None if mask is None else torch.from_numpy(~mask).to(levels.device),
        first=None if first is None else decoder.from_latents(first.to(levels)),
        num_starts=num_starts,
        num_steps=num_steps,
        batch_size=batch_size,
        progress=progress,
    )
    return Inversion(
        names=tuple(str(name) for name in source.names()[:num]),
        pictures=levels,
        latents=decoder.to_latents(u),
        labels=labels,
        made=made,
        mask=mask,
        means=means,
    )


def search(
    decoder: Decoder,
    levels: torch.Tensor,
    *,
    visible: torch.Tensor | None,
    first: torch.Tensor | None,
    num_starts: int,
    num_steps: int,
    batch_size: int,
    progress: Progress = silent,
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Minimise the squared error of each picture from several starts, and keep the best.

    Args:
        decoder: The generator.
        levels: The pictures, float32 [N, C, H, W] from 0 to 255.
        visible: Which pixels count, bool [H, W]; None: all.
        first: A start for each picture besides the draws, standard normal numbers [N, n].
        num_starts: Number of draws, the same for every picture.
        num_steps: Steps of Adam.
        batch_size: Largest number of searches that run at once.
        progress: Called with the progress.

    Returns:
        Standard normal numbers [N, n], labels or None, and the decoder's images for them.
    """
    drawn, labels = decoder.draw(range(num_starts))
    starts = [drawn.repeat(len(levels), 1).reshape(len(levels), num_starts, -1)]
    if first is not None:
        starts.append(first[:, None])
    every = torch.cat(starts, dim=1)
    per_picture = every.shape[1]
    # A start given by the user has no label. It takes the label of the first draw.
    label_of = torch.arange(per_picture, device=levels.device) % num_starts
    ends, errors = [], []
    rows = every.reshape(-1, every.shape[-1])
    with differentiable(decoder.sampler):
        for begin in range(0, len(rows), batch_size):
            progress("searches", begin, len(rows), "latents")
            at = torch.arange(begin, min(begin + batch_size, len(rows)), device=levels.device)
            wanted = levels[at // per_picture]
            own = None if labels is None else labels[label_of[at % per_picture]]
            end, error = _descend(decoder, rows[at], own, wanted, visible, num_steps)
            ends.append(end)
            errors.append(error)
        progress("searches", len(rows), len(rows), "latents")
        best = torch.cat(errors).reshape(len(levels), per_picture).nan_to_num(math.inf).argmin(1)
        u = torch.cat(ends).reshape(every.shape)[torch.arange(len(levels)), best]
        chosen = None if labels is None else labels[label_of[best]]
        with torch.no_grad():
            parts = [
                decoder(u[part], None if chosen is None else chosen[part])
                for part in torch.split(torch.arange(len(u), device=u.device), batch_size)
            ]
    return u, chosen, torch.cat(parts)


def _descend(
    decoder: Decoder,
    start: torch.Tensor,
    labels: torch.Tensor | None,
    wanted: torch.Tensor,
    visible: torch.Tensor | None,
    num_steps: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where searches end, [B, n], and their mean squared errors, [B].

    The searches are independent: Adam moves each number by its own gradient.
    """
    u = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([u], lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)

    def errors() -> torch.Tensor:
        squares = ((decoder(u, labels) - wanted) / 255).square()
        chosen = squares.flatten(2) if visible is None else squares[:, :, visible]
        return chosen.mean(dim=(1, 2))

    for _ in range(num_steps):
        (u.grad,) = torch.autograd.grad(errors().sum(), u)
        optimizer.step()
        schedule.step()
    return u.detach(), errors().detach()
