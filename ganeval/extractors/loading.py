"""Building a network and filling it with the weights that its description names."""

from collections.abc import Callable
from typing import TypeVar

import torch

from ganeval.errors import WeightsError
from ganeval.extractors.base import ExtractorInfo, ExtractorRequest
from ganeval.extractors.state_dict import build_from, parse_state_dict
from ganeval.extractors.weights import WEIGHTS, locate, read_weights

Network = TypeVar("Network", bound=torch.nn.Module)


def load_network(
    info: ExtractorInfo,
    build: Callable[[], Network],
    request: ExtractorRequest,
    *,
    ignored: tuple[str, ...] = (),
) -> Network:
    """Build an extractor's network on the CPU and fill it with its weights.

    Args:
        info: Facts about the network.
        build: Builds it without weights.
        request: Where its weights are.
        ignored: Prefixes of tensor names; the file may have such tensors, which are not used.

    Raises:
        WeightsError: The weights are missing, damaged, refused, another network's, or not the ones
            that `info` describes.
    """
    path, _ = locate(info.name, request)
    data, sha256 = read_weights(path)
    if sha256 != info.weights_sha256:
        raise WeightsError(
            f"{path}: changed while it was in use",
            f"the file whose SHA-256 is {info.weights_sha256}",
            "stop whatever writes to it, and run again",
        )
    published = sha256 in {weights.sha256 for weights in WEIGHTS.values()}
    state = parse_state_dict(data, path=path, published=published)
    own = {name: values for name, values in state.items() if not name.startswith(ignored)}
    return build_from(build, own, path=path)
