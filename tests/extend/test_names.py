"""The names that other packages import."""

import re
import subprocess
import sys

import pytest

from ganeval import extend
from tests.extend.packages import PAGE


def test_the_names_stay() -> None:
    assert extend.__all__ == [
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


def test_they_exist_and_no_other_does() -> None:
    for name in extend.__all__:
        assert getattr(extend, name) is not None
    assert dir(extend) == extend.__all__
    with pytest.raises(AttributeError, match=r"'ganeval\.extend' has no attribute 'Nede'"):
        _ = extend.Nede  # type: ignore[attr-defined]


def test_each_is_on_the_page_and_has_a_docstring() -> None:
    table = PAGE.partition("## The names")[2]
    described = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert sorted(described) == extend.__all__
    # Aliases of types have none that can be read.
    for name in set(extend.__all__) - {"Arrays", "Inputs", "Role"}:
        assert (getattr(extend, name).__doc__ or "").strip().endswith("."), name


def test_what_a_metric_or_a_table_needs_loads_no_torch() -> None:
    heavy = ("torch", "torchvision", "pandas", "scipy", "matplotlib")
    of_networks = ("inference", "place", "to_device")
    code = f"""
import sys
from ganeval import extend
assert not {{*{heavy!r}, "numpy"}} & {{*sys.modules}}
for name in extend.__all__:
    if name not in {of_networks!r}:
        getattr(extend, name)
print(sorted({{*{heavy!r}}} & {{*sys.modules}}))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
