"""Images of a generator along paths between its latents: pairs of points close together."""

import hashlib
from dataclasses import fields, replace

import numpy as np
import torch

from ganeval.errors import InputError, UsageError
from ganeval.generators.drawing import Drawing
from ganeval.generators.paths import PathDrawing, Places
from ganeval.sources.base import Source
from ganeval.sources.generator import GeneratorSource
from ganeval.sources.views.pair_view import PairView, pair_content

_NUM_TRIED = 8  # points, two on each path


def paths_of(
    generator: Source, *, num: int, seed: int = 0, epsilon: float = 1e-4, places: Places = "full"
) -> PairView:
    """Return pairs of images that a generator makes from two points on each path, as a source.

    The pictures are the network's own floats on the scale of 0 to 255, float32, neither rounded nor
    clipped: rounding would hide what a step of `epsilon` changes. Path i depends on the generator,
    the options and i alone.

    Args:
        generator: A generator's file or a network, opened as a source.
        num: The number of paths.
        seed: Seed of the paths; the seed of the generator's own samples has no part in them.
        epsilon: How far apart the points are, if the whole path is 1; see `PathDrawing`.
        places: Where the points are: anywhere on the path ("full") or at its beginning ("end").

    Raises:
        InputError: It is not a generator, has no latents, makes images from pictures, computes with
            less than 32 bits, or its images do not change over a step.
        UsageError: An option is out of its range, or the generator has the option `size`.
    """
    where = generator.info.location
    if not isinstance(generator, GeneratorSource):
        raise InputError(
            f"{where}: a source of kind {generator.info.kind}, which has no latents",
            "a generator's file, or a network as ganeval.Generator",
            "name the generator instead of its samples",
        )
    sampler = generator.sampler
    if generator.conditions is not None or all(one.what != "latent" for one in sampler.arguments):
        what = (
            "makes its images from pictures"
            if generator.conditions is not None
            else "takes no latents"
        )
        raise InputError(
            f"{where}: the network {what}",
            "a network that makes images from latents alone, since paths lead between latents",
            "name another generator, or leave this score out",
        )
    if generator.fit.size is not None:
        raise UsageError(
            f"{where}: option size={generator.fit.size} with paths between latents",
            "the images as the network makes them",
            "leave out size",
        )
    if num < 1:
        raise UsageError(f"{num:,} paths", "at least 1", "change it")
    own = {one.name: getattr(sampler.drawing, one.name) for one in fields(Drawing)}
    drawing = PathDrawing(**{**own, "seed": seed}, epsilon=epsilon, places=places)
    sampler = replace(sampler, drawing=drawing, rounded=False, name=f"paths of {sampler.name}")
    _try_out(sampler.forward(range(_NUM_TRIED)), where, epsilon)
    of_paths = repr(sorted(sampler.settings().items())).encode()
    identity = generator.identity
    info = replace(
        generator.info,
        kind="paths",
        noun="paths",
        location=f"paths of {where}",
        settings={**generator.info.settings, **sampler.settings()},
        fingerprint=hashlib.sha256(generator.info.fingerprint.encode() + of_paths).hexdigest(),
        sizes={},
    )
    points = replace(
        generator,
        info=replace(info, count=2 * num),
        sampler=sampler,
        identity=None if identity is None else hashlib.sha256(identity + of_paths).digest(),
    )
    return PairView(
        info=replace(info, count=num, content=pair_content(info, info)),
        one=points,
        other=points,
        places=np.arange(2 * num, dtype=np.int64).reshape(num, 2),
        title=sampler.name,
    )


def _try_out(images: torch.Tensor, where: str, epsilon: float) -> None:
    """Refuse a network whose images do not change over a step, by the first [2N, C, H, W]."""
    kind = str(images.dtype).removeprefix("torch.")
    if images.dtype in (torch.float16, torch.bfloat16):
        found = f"computes in {kind}, which has no numbers so close together"
    elif bool((images[::2] == images[1::2]).all()):
        found = "makes the same image at both points of a step, perhaps because it rounds them"
    else:
        return
    raise InputError(
        f"{where}: the network {found}",
        f"floats of 32 bits that differ after a step of {epsilon:g} of the path",
        "give a network in such floats (`network.float()`) that does not round its images",
    )
