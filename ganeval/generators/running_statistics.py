"""Find normalisation layers, and those whose running statistics were never updated."""

from collections.abc import Iterator

import torch


def running_statistics(module: torch.nn.Module) -> Iterator[tuple[str, str, str]]:
    """Yield the layers that have running statistics: path, name of the means, of the variances.

    Any two buffers of a layer whose names end in `mean` and `var` count, such as BigGAN's
    `stored_mean` and `stored_var`.
    """
    for path, part in module.named_modules():
        buffers = dict(part.named_buffers(recurse=False))
        for name in buffers:
            variances = f"{name.removesuffix('mean')}var"
            if name.endswith("mean") and variances in buffers:
                prefix = f"{path}." if path else ""
                yield path, prefix + name, prefix + variances


def never_updated(module: torch.nn.Module) -> list[str]:
    """Return the layers whose statistics are as a constructor leaves them: means 0, variances 1.

    In evaluation mode such a layer does not normalise at all. Averages of weights often hold such
    statistics, because they were made from parameters alone.
    """
    found = []
    for path, *names in running_statistics(module):
        means, variances = map(module.get_buffer, names)
        if torch.nn.parameter.is_lazy(means):
            continue
        if bool((means == 0).all()) and bool((variances == 1).all()):
            found.append(path or type(module).__name__)
    return found
