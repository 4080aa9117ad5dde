"""The only inner names of the package that the look needs: a network, and its input's preparation.

Whatever else it does goes through the command line and ganeval's public names.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ganeval.extractors.base import ExtractorRequest, find_extractor
from ganeval.images.preparation import Preparation


class Network(NamedTuple):
    """A network on its device.

    Attributes:
        run: From float32 [N, 3, S, S] to the features that scores need.
        prepare: From a decoded picture to float32 [3, S, S].
        size: S.
    """

    run: Callable[[torch.Tensor], object]
    prepare: Callable[[Any], torch.Tensor]
    size: int


def open_network(name: str, weights: Path | None, device: str, precision: str) -> Network:
    """Load a network."""
    request = ExtractorRequest(
        weights_path=weights,
        device=device,
        precision=precision,  # type: ignore[arg-type]
        offline=True,
    )
    extractor = find_extractor(name).from_request(request)
    how = extractor.info.input
    assert isinstance(how, Preparation)
    return Network(
        run=lambda batch: extractor(batch, extractor.info.default_layers),
        prepare=how,
        size=how.resize.size,
    )
