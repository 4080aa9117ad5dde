"""The likelihood under a network that computes it in closed form, such as a flow."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import InputError, raised
from ganeval.generators.decoder import Decoder
from ganeval.machine.devices import inference


def has_log_prob(decoder: Decoder) -> bool:
    """Return whether the network has a method `log_prob(x)`."""
    return callable(getattr(decoder.sampler.module, "log_prob", None))


def log_prob(decoder: Decoder, levels: torch.Tensor, *, batch_size: int) -> npt.NDArray[np.float64]:
    """Return log p(x) of x = (level + 1/2) / 256, in nats [N].

    The network's density is for its own values, low + level (high - low) / 255. Measured in x
    instead, its log is larger by log(256 / 255 (high - low)) for each dimension.

    Args:
        decoder: Its network has `log_prob`, from float32 [B, C, H, W] in its range to nats [B].
        levels: Floating point [N, C, H, W], from about 0 to 255.
        batch_size: Largest number of pictures in one call.

    Raises:
        InputError: The method fails, or returns a wrong shape or numbers that are not finite.
    """
    network: Any = decoder.sampler.module
    name, (low, high) = decoder.name, decoder.sampler.value_range
    values = []
    for part in torch.split(low + levels * ((high - low) / 255), batch_size):
        try:
            with inference(decoder.sampler.device):
                value = network.log_prob(part)
        except Exception as error:  # a stranger's network may raise anything at all
            raise InputError(
                f"{name}: its log_prob fails ({raised(error)})",
                f"one that takes pictures {list(part.shape)}",
                "correct the network",
            ) from error
        found = _fault_of(value, len(part))
        if found is not None:
            raise InputError(
                f"{name}: its log_prob returns {found}",
                f"a tensor float32 or float64 with a finite number for each picture, [{len(part)}]",
                "correct the network",
            )
        values.append(value.detach().cpu().double())
    volume = levels[0].numel() * math.log(256 / 255 * (high - low))
    density: npt.NDArray[np.float64] = torch.cat(values).numpy() + volume
    return density


def _fault_of(value: object, num: int) -> str | None:
    """Return what is wrong with the result of `log_prob` for some pictures; None if nothing is."""
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    if value.shape != (num,):
        return f"shape {list(value.shape)}"
    if value.dtype not in (torch.float32, torch.float64) or value.layout != torch.strided:
        return f"a tensor of {str(value.dtype).removeprefix('torch.')} ({value.layout})"
    return None if value.isfinite().all() else "NaN or infinity"
