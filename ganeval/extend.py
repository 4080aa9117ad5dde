"""What another package needs to write a metric, an extractor, a source or a view of sources.

The entry points of that package add its classes to the tables; `docs/extending.md` has an example
of each.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganeval.audio.clip import Clip
    from ganeval.audio.windows import Windows
    from ganeval.errors import InputError, ResourceError, UnstableError, UsageError, WeightsError
    from ganeval.extractors.base import (
        Extractor,
        ExtractorInfo,
        ExtractorKind,
        ExtractorRequest,
        Input,
    )
    from ganeval.extractors.inference import place, to_device
    from ganeval.features.derived import Arrays, Derivation, Summary
    from ganeval.features.moments import Moments
    from ganeval.images.decode import decode
    from ganeval.images.picture import DecodePolicy, Picture
    from ganeval.images.preparation import NativePair, Preparation
    from ganeval.images.resize import Resize
    from ganeval.machine.devices import inference
    from ganeval.metrics.base import (
        Each,
        Evidence,
        Feature,
        Inputs,
        Metric,
        Need,
        Pairs,
        Paths,
        RandomPairs,
        Result,
        Role,
        Score,
        both_sides,
        by_role,
        labels_of,
        rows_of,
    )
    from ganeval.metrics.parts.per_item import mean_score
    from ganeval.scores.influence import Influence
    from ganeval.scores.kind import ScoreKind
    from ganeval.sources.arrays.pixels import ReadySource, array_source
    from ganeval.sources.base import Content, Item, Pair, Source, SourceInfo
    from ganeval.sources.fit import Fit
    from ganeval.sources.items import Reader
    from ganeval.sources.views.pair_view import PairView

# Loaded on use, so that code that needs no torch can be written without loading it.
_HOMES = {
    "Arrays": "ganeval.features.derived",
    "Clip": "ganeval.audio.clip",
    "Content": "ganeval.sources.base",
    "DecodePolicy": "ganeval.images.picture",
    "Derivation": "ganeval.features.derived",
    "Each": "ganeval.metrics.base",
    "Evidence": "ganeval.metrics.base",
    "Extractor": "ganeval.extractors.base",
    "ExtractorInfo": "ganeval.extractors.base",
    "ExtractorKind": "ganeval.extractors.base",
    "ExtractorRequest": "ganeval.extractors.base",
    "Feature": "ganeval.metrics.base",
    "Fit": "ganeval.sources.fit",
    "Influence": "ganeval.scores.influence",
    "Input": "ganeval.extractors.base",
    "InputError": "ganeval.errors",
    "Inputs": "ganeval.metrics.base",
    "Item": "ganeval.sources.base",
    "Metric": "ganeval.metrics.base",
    "Moments": "ganeval.features.moments",
    "NativePair": "ganeval.images.preparation",
    "Need": "ganeval.metrics.base",
    "Pair": "ganeval.sources.base",
    "PairView": "ganeval.sources.views.pair_view",
    "Pairs": "ganeval.metrics.base",
    "Paths": "ganeval.metrics.base",
    "Picture": "ganeval.images.picture",
    "Preparation": "ganeval.images.preparation",
    "RandomPairs": "ganeval.metrics.base",
    "Reader": "ganeval.sources.items",
    "ReadySource": "ganeval.sources.arrays.pixels",
    "Resize": "ganeval.images.resize",
    "ResourceError": "ganeval.errors",
    "Result": "ganeval.metrics.base",
    "Role": "ganeval.metrics.base",
    "Score": "ganeval.metrics.base",
    "ScoreKind": "ganeval.scores.kind",
    "Source": "ganeval.sources.base",
    "SourceInfo": "ganeval.sources.base",
    "Summary": "ganeval.features.derived",
    "UnstableError": "ganeval.errors",
    "UsageError": "ganeval.errors",
    "WeightsError": "ganeval.errors",
    "Windows": "ganeval.audio.windows",
    "array_source": "ganeval.sources.arrays.pixels",
    "both_sides": "ganeval.metrics.base",
    "by_role": "ganeval.metrics.base",
    "decode": "ganeval.images.decode",
    "inference": "ganeval.machine.devices",
    "labels_of": "ganeval.metrics.base",
    "mean_score": "ganeval.metrics.parts.per_item",
    "place": "ganeval.extractors.inference",
    "rows_of": "ganeval.metrics.base",
    "to_device": "ganeval.extractors.inference",
}

__all__ = [
    "Arrays",
    "Clip",
    "Content",
    "DecodePolicy",
    "Derivation",
    "Each",
    "Evidence",
    "Extractor",
    "ExtractorInfo",
    "ExtractorKind",
    "ExtractorRequest",
    "Feature",
    "Fit",
    "Influence",
    "Input",
    "InputError",
    "Inputs",
    "Item",
    "Metric",
    "Moments",
    "NativePair",
    "Need",
    "Pair",
    "PairView",
    "Pairs",
    "Paths",
    "Picture",
    "Preparation",
    "RandomPairs",
    "Reader",
    "ReadySource",
    "Resize",
    "ResourceError",
    "Result",
    "Role",
    "Score",
    "ScoreKind",
    "Source",
    "SourceInfo",
    "Summary",
    "UnstableError",
    "UsageError",
    "WeightsError",
    "Windows",
    "array_source",
    "both_sides",
    "by_role",
    "decode",
    "inference",
    "labels_of",
    "mean_score",
    "place",
    "rows_of",
    "to_device",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ganeval.extend' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
