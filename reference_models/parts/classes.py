"""The classes of networks and those of the data."""

import ganeval
from reference_models.engine.data import Data


def check_classes(data: Data, num_classes: int, *, setting: str) -> None:
    """See that data have as many classes as the networks; where they have no labels, all is well.

    Args:
        data: Of the run.
        num_classes: Of the networks.
        setting: What the number is called.

    Raises:
        GanevalError: They have more or fewer.
    """
    if data.num_classes is not None and data.num_classes != num_classes:
        raise ganeval.GanevalError(
            f"data '{data.name}' has {data.num_classes} classes",
            f"{num_classes}, those of the networks",
            f"--set {setting}={data.num_classes}",
        )
