"""Load a generator's file as a network to call: `ganeval.load_generator`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike, fspath
from typing import Any

import torch

from ganeval.errors import UsageError
from ganeval.generators.drawing import Drawing
from ganeval.generators.sampler import Sampler
from ganeval.images.picture import DecodePolicy
from ganeval.sources.checkpoint import GeneratorFile


@dataclass(frozen=True, slots=True, eq=False)
class LoadedGenerator:
    """A generator loaded from its file.

    Attributes:
        sampler: Draws its samples.
    """

    sampler: Sampler

    @property
    def network(self) -> torch.nn.Module:
        """The network itself, on its device."""
        return self.sampler.module

    @property
    def value_range(self) -> tuple[float, float]:
        """The output values (low, high) that are black and white."""
        return self.sampler.value_range

    def sample(
        self,
        num: int,
        *,
        seed: int = 0,
        labels: Sequence[int] | torch.Tensor | None = None,
        z: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return samples as the network gives them, floating point [num, C, H, W] on its device.

        Without labels and latents they are those of `ganeval sample` with this seed, before they
        are rounded to pixels.

        Args:
            num: At least 1.
            seed: Seed of what is drawn, from 0 to 2**32 - 1.
            labels: Classes from 0, [num]; None: drawn, if the network takes any.
            z: Latents, float [num, latent_size]; None: drawn, if the network takes any.

        Raises:
            UsageError: A number, a shape or a class is wrong.
            InputError: The network fails.
        """
        if num < 1:
            raise UsageError(f"num is {num}", "at least 1", "change it")
        before = self.sampler.drawing
        drawn = {one.name: getattr(before, one.name) for one in fields(Drawing)} | {"seed": seed}
        chosen = None if labels is None else [int(one) for one in labels]
        _check("labels", None if chosen is None else len(chosen), num, before.num_classes)
        _check("z", None if z is None else len(z), num, before.latent_size)
        if chosen is not None and not 0 <= min(chosen) <= max(chosen) < (before.num_classes or 0):
            raise UsageError(
                f"labels from {min(chosen)} to {max(chosen)}",
                f"0 to {(before.num_classes or 0) - 1}",
                "change them",
            )
        if z is not None and z.shape[1:] != (before.latent_size,):
            raise UsageError(
                f"z of shape {list(z.shape)}", f"[{num}, {before.latent_size}]", "change it"
            )
        sampler = replace(self.sampler, drawing=_Chosen(**drawn, chosen=chosen, z=z))
        size = sampler.micro_batch
        batches = []
        for start in range(0, num, size):
            # Whole batches, as elsewhere: another size may round differently.
            indices = range(start, start + size)
            batches.append(sampler.forward(indices)[: num - start])
        return torch.cat(batches)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chosen(Drawing):
    """Chosen inputs, or drawn ones if none are chosen; past the end the last choice repeats."""

    chosen: Sequence[int] | None = None
    z: torch.Tensor | None = field(default=None)

    def latents(
        self, indices: Sequence[int], *, number: int = 0, size: int | None = None
    ) -> torch.Tensor:
        """Return the latents of samples."""
        if self.z is None or number:
            return Drawing.latents(self, indices, number=number, size=size)
        rows = self.z[torch.tensor(indices).clamp(max=len(self.z) - 1)]
        return rows if self.latent_layout == "vector" else rows[:, :, None, None]

    def classes(self, indices: Sequence[int]) -> list[int] | None:
        """Return the classes of samples."""
        if self.chosen is None:
            return Drawing.classes(self, indices)
        return [self.chosen[min(index, len(self.chosen) - 1)] for index in indices]


def load_generator(path: str | PathLike[str], **options: Any) -> LoadedGenerator:
    """Return the network of a generator's file, which is tried on eight samples.

    >>> generator = ganeval.load_generator("runs/dcgan/dcgan.safetensors")  # doctest: +SKIP
    >>> images = generator.sample(64, seed=1)  # doctest: +SKIP

    Args:
        path: The file: a checkpoint of ours, which needs no options, or another one.
        **options: Options that the file does not give; see
            `ganeval.generators.options.GeneratorOptions`, and `device`.

    Raises:
        InputError: The file is damaged, holds code, or does not fit its network.
        UsageError: An option is missing, unknown or does not fit.
        ResourceError: The device is not there.
    """
    known = [one.name for one in fields(GeneratorFile) if one.name != "location"]
    for name in options:
        if name not in known:
            raise UsageError(f"unknown option {name}", f"one of {', '.join(known)}", "change it")
    file = GeneratorFile(location=fspath(path), **options)
    return LoadedGenerator(file.open(DecodePolicy()).sampler)


def _check(what: str, num: int | None, wanted: int, takes: int | None) -> None:
    """Refuse inputs that the network does not take, or a wrong number of them.

    Raises:
        UsageError: The network takes none, or the number is wrong.
    """
    if num is None:
        return
    if takes is None:
        raise UsageError(f"{what} for a network that takes none", "none", f"leave {what} out")
    if num != wanted:
        raise UsageError(f"{num} {what} for {wanted} samples", "one for each sample", "change one")
