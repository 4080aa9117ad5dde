"""Steps that every extractor uses to run its network: folding, freezing, moving to a device."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganeval.extractors.base import Precision
from ganeval.extractors.packed import can_pack, pack_convolutions

DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def fold_batch_norms(network: nn.Module) -> None:
    """Fold each BatchNorm2d into the Conv2d registered right before it, in place.

    In evaluation mode the two are one affine map. Folding them saves passes over memory and gives
    the same features up to rounding. The product is computed in float64 and rounded once.
    """
    network.eval()
    for module in list(network.modules()):
        for (conv_name, conv), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(conv.double(), norm.double()).float()
                setattr(module, conv_name, fused)
                setattr(module, norm_name, nn.Identity())


def place(
    network: nn.Module, device: torch.device, precision: Precision, *, one_size: bool = True
) -> None:
    """Freeze a network and move it to its device, channels last.

    The weights of the convolutions are rounded to the precision once. Everything after the pooled
    features stays in float32. Packed weights fit only the size of the first maps, so without
    `one_size` no weights are packed.
    """
    network.eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(DTYPES[precision])
    network.to(device).to(memory_format=torch.channels_last)
    if one_size and device.type == "cpu" and can_pack(DTYPES[precision]):
        pack_convolutions(network)


def to_device(images: torch.Tensor, device: torch.device, precision: Precision) -> torch.Tensor:
    """Move a batch to the device, channels last, in the precision of the network."""
    return images.to(
        device, DTYPES[precision], non_blocking=True, memory_format=torch.channels_last
    )


def first_maps(maps: torch.Tensor) -> torch.Tensor:
    """Return the first 7 maps of each item as features that keep their positions.

    sFID is the Frechet distance of such features: Nash et al., "Generating Images with Sparse
    Representations" (2021). 7 is the number in the code published with Dhariwal and Nichol,
    "Diffusion Models Beat GANs on Image Synthesis" (2021).

    Args:
        maps: [N, C, H, W] with C >= 7.

    Returns:
        float32 [N, H * W * 7], the channel changing fastest and the row slowest.
    """
    return maps[:, :7].float().permute(0, 2, 3, 1).flatten(1)
