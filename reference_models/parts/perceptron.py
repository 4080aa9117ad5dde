"""The hidden layers of multi-layer perceptrons."""

import itertools
from collections.abc import Callable, Sequence

from torch import nn


def hidden_layers(sizes: Sequence[int], activation: Callable[[], nn.Module]) -> list[nn.Module]:
    """Return a linear layer from each size to the next, each followed by an activation."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), activation()]
    return layers
