"""The values of options that say how a generator is fed and read, and its number of images."""

from typing import Literal

Prior = Literal["normal", "uniform"]
LabelPolicy = Literal["uniform", "balanced"]
LatentLayout = Literal["vector", "map"]
LabelForm = Literal["index", "onehot", "float"]
Noise = Literal["fixed", "random"]
ImageLayout = Literal["nchw", "nhwc"]

ValueRange = tuple[float, float]
"""The (low, high) of an image's values."""

NUM_IMAGES = 50_000
"""How many images a generator makes if nothing else says how many."""
