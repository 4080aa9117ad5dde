"""Normalisation layers whose running statistics no training has ever touched."""

import torch


def never_updated(module: torch.nn.Module) -> list[str]:
    """Return the layers whose statistics are as a constructor leaves them: means 0, variances 1.

    In evaluation mode such a layer does not normalise at all. Averages of weights often hold
    statistics of this kind, as those that are made of parameters alone. Any two buffers of a layer
    whose names end in `mean` and `var` count, as BigGAN's `stored_mean` and `stored_var`.
    """
    found = []
    for path, part in module.named_modules():
        buffers = dict(part.named_buffers(recurse=False))
        for name, means in buffers.items():
            if not name.endswith("mean"):
                continue
            variances = buffers.get(f"{name.removesuffix('mean')}var")
            if variances is None or torch.nn.parameter.is_lazy(means):
                continue
            if bool((means == 0).all()) and bool((variances == 1).all()):
                found.append(path or type(module).__name__)
    return found
