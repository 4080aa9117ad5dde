"""Eight samples before anything is scored: a network that cannot be scored is refused at once."""

import logging
from dataclasses import dataclass

import torch
from torch.nn.modules.batchnorm import _NormBase

from ganeval.errors import InputError
from ganeval.extractors.state_dict import first_few
from ganeval.generators.onnx_network import OnnxNetwork
from ganeval.generators.programs import Program
from ganeval.generators.running_statistics import never_updated
from ganeval.generators.sampler import Sampler

log = logging.getLogger(__name__)

_NUM_TRIED = 8
_DIGITS = 3  # enough for a reader, and the same on every machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the samples were like.

    Attributes:
        width: Of the images.
        height: Of the images.
        channels: 1 or 3.
        observed: Lowest and highest value, to three significant digits.
        normalisation: The network's normalisation layers, and how they were used.
    """

    width: int
    height: int
    channels: int
    observed: tuple[float, float]
    normalisation: str


def try_out(sampler: Sampler) -> Trial:
    """Draw eight samples, and refuse a network whose samples cannot be scored.

    Checked are: type, shape and count; finite values within the declared range; that the images
    depend on the latents, do not depend on the rest of their batch, and repeat under their seed.

    Raises:
        InputError: One of these fails.
    """
    indices = range(_NUM_TRIED)
    images = sampler.forward(indices)
    for image, index in zip(images, indices, strict=True):
        result = sampler.finish(image, index)
        if isinstance(result, InputError):
            raise result
    _check_function(sampler, images)
    low, high = sampler.value_range
    observed = images.min().item(), images.max().item()
    if low < 0 <= observed[0]:
        log.warning(
            "%s: declared range %g to %g, but none of %d samples has a negative value (%g to %g)",
            *(sampler.name, low, high, _NUM_TRIED, *observed),
        )
    untouched = never_updated(sampler.module)
    if untouched:
        log.warning(
            "%s: the running statistics of %s were never updated (means 0, variances 1), so that "
            "images are not as in training; save the statistics of the trained network with an "
            "average, or compute them anew (torch.optim.swa_utils.update_bn)",
            *(sampler.name, first_few(untouched)),
        )
    _, channels, height, width = images.shape
    trial = Trial(
        width=width,
        height=height,
        channels=channels,
        observed=(_rounded(observed[0]), _rounded(observed[1])),
        normalisation=_normalisation(sampler.module),
    )
    log.info(
        "%s: %d samples tried: %dx%d, %d channel%s, values %g to %g (declared %g to %g), "
        "normalisation: %s",
        *(sampler.name, _NUM_TRIED, width, height, channels, "s" if channels > 1 else ""),
        *(*trial.observed, low, high, trial.normalisation),
    )
    return trial


def _check_function(sampler: Sampler, images: torch.Tensor) -> None:
    """Refuse a network whose images, the first eight, are no function of their own latents."""
    indices = range(_NUM_TRIED)
    again = sampler.forward(indices)
    one_level = (sampler.value_range[1] - sampler.value_range[0]) / 255
    # Kernels of accelerators need not add in one order; those of the CPU do.
    tolerance = 0.0 if sampler.device.type == "cpu" else one_level
    if _distance(images, again) > tolerance:
        raise _refused(
            sampler, "draws random numbers of its own: the same latents give other images"
        )
    alike = sampler.forward(indices, labels_of=[0] * _NUM_TRIED)
    if bool((alike == alike[:1]).all()):
        raise _refused(sampler, f"gives the same image for {_NUM_TRIED} latents")
    half = _NUM_TRIED // 2
    mixed = sampler.forward([*indices[:half], *range(_NUM_TRIED, _NUM_TRIED + half)])
    if _distance(images[:half], mixed[:half]) > one_level:
        raise _refused(sampler, "gives other images in other company (batch statistics?)")


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest absolute difference."""
    return float((one.double() - other.double()).abs().max().item())


def _refused(sampler: Sampler, found: str) -> InputError:
    """Return the error for a network whose images are no function of their latents."""
    return InputError(
        f"{sampler.name}: the network {found}",
        "a network whose image is a function of its own latent (and label) alone",
        "correct it, or write its samples to a folder and score that",
    )


def _rounded(value: float) -> float:
    """Return a number to a few significant digits."""
    return float(f"{value:.{_DIGITS}g}")


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
