"""VGGish: its entry in the table of extractors."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from ganeval.audio.preparation import LogMelExamples
from ganeval.errors import WeightsError
from ganeval.extractors.base import Extractor, ExtractorInfo, ExtractorRequest
from ganeval.extractors.weights import hub_folder, locate, read_weights

FILE_NAME = "vggish-10086976.pth"
"""torchvggish's file; its name has the beginning of its SHA-256, as torch.hub expects."""

_URL = f"https://github.com/harritaylor/torchvggish/releases/download/v0.1/{FILE_NAME}"


class Vggish:
    """VGGish on AudioSet, the network of FAD, with weights given by path: 128 features."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "clip"

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer: before and after the last ReLU."""
        return {"pool": 128, "activation": 128}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is, without building its network.

        Raises:
            WeightsError: The weights are missing, damaged or refused.
        """
        return ExtractorInfo(
            name="vggish",
            version=1,
            weights_sha256=locate("vggish", _with_path(request))[1],
            input=LogMelExamples(),
            layers=Vggish.layers(request),
            default_layers=("pool",),
            one_by_one=True,
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor that a user asked for.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
        """
        from ganeval.extractors.loading import load_network
        from ganeval.extractors.vggish_network import Vgg, VggishNetwork

        request = _with_path(request)
        info = Vggish.describe(request)
        network = load_network(info, Vgg, request, ignored=("pproc.",))
        return VggishNetwork(network, info, request)


def _with_path(request: ExtractorRequest) -> ExtractorRequest:
    """Return the request with the path of its weight file.

    Raises:
        WeightsError: There is no such file, or it has another content.
    """
    if request.weights_path is not None:
        return request
    named = os.environ.get("GANEVAL_WEIGHTS")
    folders = [*([Path(named).expanduser()] if named else []), hub_folder() / "checkpoints"]
    found = next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)
    if found is None:
        raise WeightsError(
            f"{FILE_NAME} (weights of vggish) is not in {', '.join(map(str, folders))}",
            "the file of torchvggish",
            f"download {_URL}, and set GANEVAL_WEIGHTS to its folder or give --extractor vggish "
            "--weights PATH; or use an extractor without weights: `ganeval eval -m fad@log-mel`",
        )
    sha256 = read_weights(found)[1]
    if not sha256.startswith(FILE_NAME[7:15]):
        raise WeightsError(
            f"{found}: its SHA-256 is {sha256}",
            f"one that begins with {FILE_NAME[7:15]}, as its name says",
            f"download it again from {_URL}, or give a file of your own with --weights PATH",
        )
    return replace(request, weights_path=found)
