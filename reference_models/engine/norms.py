"""Find which statistics the normalisation layers of a network use."""

from typing import Literal

from torch import nn

import ganeval

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def has_batch_norm(network: nn.Module) -> bool:
    """Return whether a network normalises by its batch during training."""
    return any(isinstance(module, BATCH_NORMS) for module in network.modules())


def norm_mode_of(network: nn.Module) -> Literal["running", "none"]:
    """Return how a network normalises in evaluation, as a checkpoint's card says it.

    "running": some layer uses statistics that it collected in training. "none": no layer does.

    Raises:
        GanevalError: A BatchNorm collects no statistics. It normalises by its batch in evaluation
            too, so a sample would depend on the other samples of its batch.
    """
    gathers = False
    for name, module in network.named_modules():
        # InstanceNorm has this attribute too, but collects statistics only if it is set to.
        if getattr(module, "running_mean", None) is not None:
            gathers = True
        elif isinstance(module, BATCH_NORMS):
            raise ganeval.GanevalError(
                f"'{name}' of an exported network is a BatchNorm without running statistics",
                "samples that do not depend on the other samples of their batch",
                "build it with track_running_stats=True, or use InstanceNorm",
            )
    return "running" if gathers else "none"
