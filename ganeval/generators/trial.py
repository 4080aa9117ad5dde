"""Draw eight samples before anything is scored, and refuse a network that cannot be scored."""

import hashlib
import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch.nn.modules.batchnorm import _NormBase

from ganeval.errors import InputError, spelt
from ganeval.generators.onnx_network import OnnxNetwork
from ganeval.generators.programs import Program
from ganeval.generators.running_statistics import never_updated
from ganeval.generators.sampler import Sampler
from ganeval.generators.terms import LabelForm, LatentLayout
from ganeval.images.seen import Seen, rounded

log = logging.getLogger(__name__)

_NUM_TRIED = 8
_LARGEST_BAKED_BATCH = 64
_MANY_CLIPPED = 0.5  # of the values; networks that need clamping have a few percent outside
_LAYERS_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the eight samples have shown.

    Attributes:
        sampler: The network, called in the way that works.
        extents: Width and height of the images; for clips, the number of samples.
        channels: 1 or 3; for clips, the number of channels.
        observed: Lowest and highest value, to three significant digits.
        normalisation: The network's normalisation layers, and how they were used.
        doubts: Doubts about the network or its options, a sentence each.
        pixels: SHA-256 of the eight images.
    """

    sampler: Sampler
    extents: tuple[int, ...]
    channels: int
    observed: tuple[float, float]
    normalisation: str
    doubts: tuple[str, ...]
    pixels: bytes


def try_out(sampler: Sampler) -> Trial:
    """Draw eight samples, and refuse a network whose samples cannot be scored.

    It checks type, shape and count; finite values within the declared range; and that the images
    depend on the latents, do not depend on the rest of their batch, and repeat under their seed. It
    finds out a batch size that the network's file fixes. It warns of a range that is not used, and
    of statistics that were never updated.

    Raises:
        InputError: A check fails.
    """
    indices = range(_NUM_TRIED)
    sampler, images = _first_images(sampler)
    pixels = hashlib.sha256()
    for image, index in zip(images, indices, strict=True):
        result = sampler.finish(image, index)
        if isinstance(result, InputError):
            raise result
        pixels.update(result.tobytes())
    _check_function(sampler, images)
    doubts = [*_doubts_of_values(sampler, images), *_doubts_of_statistics(sampler.module)]
    for doubt in doubts:
        log.warning("%s: %s", sampler.name, doubt)
    observed = images.min().item(), images.max().item()
    _, channels, *extents = images.shape
    trial = Trial(
        sampler=sampler,
        extents=tuple(reversed(extents)),
        channels=channels,
        observed=(rounded(observed[0]), rounded(observed[1])),
        normalisation=_normalisation(sampler.module),
        doubts=tuple(doubts),
        pixels=pixels.digest(),
    )
    log.info(
        "%s: %d samples tried: %s, %d channel%s, values %g to %g (declared %g to %g%s), "
        "normalisation: %s",
        *(sampler.name, _NUM_TRIED, "x".join(map(str, trial.extents))),
        *(channels, "s" if channels > 1 else ""),
        *(*trial.observed, *sampler.value_range, ", clamped" if sampler.clamp else ""),
        trial.normalisation,
    )
    return trial


def _first_images(sampler: Sampler) -> tuple[Sampler, torch.Tensor]:
    """Return the first eight images, and the sampler with the batch size that its file fixes.

    Raises:
        InputError: The network fails or returns no images. If one of a few other ways to call it
            works, the remedy names that.
    """
    indices = range(_NUM_TRIED)
    module = sampler.module
    if isinstance(module, OnnxNetwork) and module.batch is not None:
        sampler = _with_batch(sampler, module.batch)
    try:
        return sampler, sampler.forward(indices)
    except InputError as error:
        sizes = range(1, _LARGEST_BAKED_BATCH + 1) if isinstance(module, Program) else ()
        for size in sizes:
            images = _tried(replace(sampler, network_batch=size))
            if images is not None:
                return _with_batch(sampler, size), images
        working = [words for words, other in _other_ways(sampler) if _tried(other) is not None]
        if not working:
            raise
        fewest = min(len(words) for words in working)
        ways = [spelt(**words) for words in working if len(words) == fewest]
        raise InputError(
            error.found, error.needed, f"it runs with {' or with '.join(ways)}: add what is meant"
        ) from error


def _with_batch(sampler: Sampler, size: int) -> Sampler:
    """Return a sampler that calls its network with batches of one size, and say so."""
    how = "one by one" if size == 1 else f"{size} at a time"
    log.warning(
        "%s: its file is fixed to batches of %d, so samples are made %s; a file with a batch axis "
        "of any length is faster",
        *(sampler.name, size, how),
    )
    return replace(sampler, network_batch=size)


def _tried(sampler: Sampler) -> torch.Tensor | None:
    """Return the first eight images, None if the network fails."""
    try:
        return sampler.forward(range(_NUM_TRIED))
    except InputError:
        return None


def _other_ways(sampler: Sampler) -> Iterator[tuple[dict[str, str], Sampler]]:
    """Yield other ways to call a network, each with its options."""
    drawing, usual = sampler.drawing, sampler.called_with
    if sampler.inputs is not None or drawing.latent_size is None:
        return
    orders = [usual, usual.replace("latent", "[latent]", 1)]
    forms: list[LabelForm] = [drawing.label_form]
    if drawing.num_classes is not None:
        orders.insert(1, usual.replace("latent,label", "label,latent"))
        forms = ["index", "onehot", "float"]
    layouts: tuple[LatentLayout, ...] = ("vector", "map")
    for order, form, layout in itertools.product(orders, forms, layouts):
        words: dict[str, str] = {
            **({"latent_layout": layout} if layout != drawing.latent_layout else {}),
            **({"label_form": form} if form != drawing.label_form else {}),
            **({"inputs": order} if order != usual else {}),
        }
        if words:
            changed = replace(drawing, label_form=form, latent_layout=layout)
            yield words, replace(sampler, inputs=order, drawing=changed)


def _check_function(sampler: Sampler, images: torch.Tensor) -> None:
    """Refuse a network whose first eight images are not a function of their own latents."""
    indices = list(range(_NUM_TRIED))
    again = sampler.forward(indices)
    levels = 255 if sampler.rate is None else 65_535
    one_level = (sampler.value_range[1] - sampler.value_range[0]) / levels
    # Kernels of accelerators may add in any order; those of the CPU keep one order.
    tolerance = 0.0 if sampler.device.type == "cpu" else one_level
    if _distance(images, again) > tolerance:
        if sampler.drawing.noise is not None:
            raise _refused(
                sampler, "draws random numbers that are not torch's: --noise does not reach them"
            )
        raise InputError(
            f"{sampler.name}: the network draws random numbers of its own: the same latents give "
            f"different {sampler.form.noun}",
            "noise that is the same whenever a sample is made",
            "add --noise random (each sample its own noise, drawn from its seed) or --noise fixed "
            "(the same for all); in Python noise='random'",
        )
    alike = sampler.forward(indices, labels_of=[0] * _NUM_TRIED, noise_of=[0] * _NUM_TRIED)
    if bool((alike == alike[:1]).all()):
        raise _refused(sampler, f"gives the same {sampler.form.noun[:-1]} for {_NUM_TRIED} latents")
    # Every second sample is replaced, so that the rest of the batch changes in parts of any size.
    half = _NUM_TRIED // 2
    mixed = [at for pair in zip(indices[:half], range(_NUM_TRIED, 99), strict=False) for at in pair]
    if _distance(images[:half], sampler.forward(mixed)[::2]) > one_level:
        raise _refused(
            sampler, f"gives different {sampler.form.noun} in another batch (batch statistics?)"
        )


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest absolute difference."""
    return float((one.double() - other.double()).abs().max().item())


def _refused(sampler: Sampler, found: str) -> InputError:
    """Return the error for a network whose images are not a function of their latents."""
    sample = sampler.form.noun[:-1]
    return InputError(
        f"{sampler.name}: the network {found}",
        f"a network whose {sample} is a function of its own latent (and label) alone",
        "correct it, or write its samples to a folder and score that",
    )


def _doubts_of_values(sampler: Sampler, images: torch.Tensor) -> list[str]:
    """Return doubts about the range by the values of the first images; empty for clips."""
    if sampler.rate is not None:
        return []
    seen = Seen(sampler.value_range)
    seen.add(images)
    if sampler.clamp and seen.clipped <= _MANY_CLIPPED * seen.num:
        seen.clipped = 0  # the user wants it
    return seen.doubts(len(images))


def _doubts_of_statistics(module: torch.nn.Module) -> list[str]:
    """Return which layers normalise by running statistics that were never updated."""
    fresh = never_updated(module)
    if not fresh:
        return []
    more = "" if len(fresh) <= _LAYERS_NAMED else f" and {len(fresh) - _LAYERS_NAMED} more"
    return [
        f"the running statistics of {', '.join(fresh[:_LAYERS_NAMED])}{more} were never updated "
        "(means 0, variances 1), so images may differ from those in training; save the "
        "network after training with its buffers, or let it see some batches in training mode"
    ]


def _normalisation(module: torch.nn.Module) -> str:
    """Return the kinds of normalisation layers in a network, "none" if it has none."""
    if isinstance(module, OnnxNetwork | Program | torch.jit.ScriptModule):
        return "inside the file"
    kinds = set()
    for part in module.modules():
        if isinstance(part, _NormBase):
            used = "running" if part.track_running_stats else "the input's own"
            kinds.add(f"{type(part).__name__} ({used} statistics)")
        elif isinstance(part, torch.nn.GroupNorm | torch.nn.LayerNorm):
            kinds.add(type(part).__name__)
    return ", ".join(sorted(kinds)) or "none"
