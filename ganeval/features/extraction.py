"""How the content of items becomes features: a network and the preparation of its input."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ganeval.extractors.base import Extractor, ExtractorInfo, Input, Precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Extraction:
    """One network of a run, and everything else that its features depend on.

    Attributes:
        name: What the run calls the network (`"inception"`, or a short name chosen by the user).
        info: Facts about the network.
        preparation: Turns an item's content into the network's input.
        precision: Precision of the network's arithmetic.
        device_type: "cpu", "cuda" or "mps".
        micro_batch: Number of items in every batch. The last batch of a shard is padded, so that
            an item's features do not depend on how many others there are.
        load: Builds the network; called when the first item has to go through it.
        gpu: The GPU, as `gpu_of` describes it; None on other devices, and if an engine chooses the
            GPU.
        package: The package that adds the network, since two packages may use the same name; None
            for ganeval's own networks.
    """

    name: str
    info: ExtractorInfo
    preparation: Input
    precision: Precision
    device_type: str
    micro_batch: int
    load: Callable[[], Extractor]
    gpu: str | None = None
    package: str | None = None

    @cached_property
    def network(self) -> Extractor:
        """The network on its device."""
        return self.load()

    def identity(self) -> dict[str, object]:
        """Return what a shard's key covers besides its items and layer, as JSON values."""
        info = self.info
        return {
            "preprocess": self.preparation.to_json(),
            "extractor": [info.name, info.version, info.weights_sha256],
            **({} if self.package is None else {"package": self.package}),
            "precision": self.precision,
            "device": self.device_type,
            **({} if self.gpu is None else {"gpu": self.gpu}),
            "micro_batch": self.micro_batch,
            "torch": _torch_version(),
            "pillow": _version("pillow"),
        }


_version = cache(version)  # it reads a file


@cache
def _torch_version() -> str:
    """Return the version of torch and its build (`"2.14.1+cu130"`), without loading torch."""
    spec = find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    found = re.search(r"^__version__ = ['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    return found[1] if found is not None else version("torch")


Place = tuple[str, str]
"""Where features come from: the name of a network in the run, and its layer."""

Layers = Mapping[Place, npt.NDArray[np.float32]]

Wanted = Sequence[tuple[Extraction, Sequence[str]]]
"""Networks, each with its wanted layers."""
