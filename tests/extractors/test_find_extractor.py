from collections.abc import Mapping
from typing import ClassVar

import pytest

from ganeval.errors import UsageError
from ganeval.extractors.base import (
    EXTRACTORS,
    Extractor,
    ExtractorInfo,
    ExtractorRequest,
    find_extractor,
)
from ganeval.extractors.random import Random


class Toys:
    """A family of networks for tests."""

    takes_variants: ClassVar[bool] = True

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        return {"pool": len(str(request.variant))}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        return ExtractorInfo(
            name=f"toys:{request.variant}",
            version=1,
            weights_sha256=64 * "0",
            input=Random.describe(ExtractorRequest()).input,
            layers=Toys.layers(request),
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        raise NotImplementedError(request.variant)


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRACTORS.entries, "toys", f"{__name__}:Toys")  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", ["small", "vit_small.p14:v2", "some/file.onnx,size=64"])
def test_what_follows_the_first_colon_is_the_variant(variant: str) -> None:
    chosen, request = find_extractor(f"toys:{variant}"), ExtractorRequest(offline=True)
    assert chosen.layers(request) == {"pool": len(variant)}
    assert chosen.describe(request).name == f"toys:{variant}"
    with pytest.raises(NotImplementedError, match="^" + variant.replace(".", r"\.") + "$"):
        chosen.from_request(request)
    assert request == ExtractorRequest(offline=True)
    assert chosen.width("pool", request) == len(variant)
    with pytest.raises(
        UsageError, match=r"^extractor toys:.* has no layer lake; needed: one of pool;"
    ):
        chosen.width("lake", request)


def test_a_name_alone() -> None:
    chosen = find_extractor("random")
    assert chosen.describe(ExtractorRequest()) == Random.describe(ExtractorRequest())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inceptoin", "^unknown extractor 'inceptoin'; .*; did you mean 'inception'\\?$"),
        ("toy:small", "^unknown extractor 'toy'; .*; did you mean 'toys'\\?$"),
        ("toys", "^extractor 'toys' is a family of networks; .*; write toys:VARIANT$"),
        ("toys:", "^extractor 'toys:' is a family of networks; "),
        ("random:small", "^extractor 'random:small' has a variant; .*; write random alone$"),
        ("random:", "^extractor 'random:' has a variant; "),
        ("", "^unknown extractor ''; "),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_extractor(text)
