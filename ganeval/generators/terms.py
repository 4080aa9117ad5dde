"""The words by which it is said how a generator is fed and read, and what it makes unasked."""

from typing import Literal

Prior = Literal["normal", "uniform"]
LabelPolicy = Literal["uniform", "balanced"]
LatentLayout = Literal["vector", "map"]
LabelForm = Literal["index", "onehot", "float"]
Noise = Literal["fixed", "random"]
ImageLayout = Literal["nchw", "nhwc"]

ValueRange = tuple[float, float]
"""What the values of an image span."""

NUM_IMAGES = 50_000
"""How many images a generator makes when nothing else says how many."""
