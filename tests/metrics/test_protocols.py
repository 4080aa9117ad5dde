import dataclasses

import pytest

from ganeval.metrics.kernel import Kid
from ganeval.metrics.protocols import PROTOCOLS
from ganeval.metrics.table import METRICS
from ganeval.registry import parse_options


def test_protocols_define_the_metrics_of_the_tools():
    assert {name: tuple(protocol.metrics) for name, protocol in PROTOCOLS.items()} == {
        "standard": ("fid", "is", "kid", "pr", "dc"),
        "torch-fidelity": ("fid", "is", "kid", "pr"),
        "pytorch-fid": ("fid",),
        "clean-fid": ("fid", "kid"),
        "torchmetrics": ("fid", "is", "kid"),
        "google-fad": ("fad",),
        "frechet-audio-distance": ("fad",),
        "fadtk": ("fad",),
    }


@pytest.mark.parametrize(
    ("name", "backend", "kernel", "antialias", "mean", "std"),
    [
        ("standard", "tf1", "bilinear", False, 128, 128),
        ("torch-fidelity", "tf1", "bilinear", False, 128, 128),
        ("pytorch-fid", "torch", "bilinear", False, 127.5, 127.5),
        ("clean-fid", "pil", "bicubic", True, 128, 128),
        ("torchmetrics", "torch", "bilinear", True, 128, 128),
    ],
)
def test_preprocessing_is_that_of_the_tool(name, backend, kernel, antialias, mean, std):
    preprocess = PROTOCOLS[name].preprocess
    resize = preprocess.resize
    assert (resize.size, resize.backend, resize.filter) == (299, backend, kernel)
    assert resize.antialias is antialias
    assert (preprocess.mean, preprocess.std) == (mean, std)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_metrics_are_the_ones_of_the_table(name):
    protocol = PROTOCOLS[name]
    assert protocol.name == name
    assert protocol.summary.endswith(".")
    for metric_name, metric in protocol.metrics.items():
        assert type(metric) is METRICS.load(metric_name)
        assert metric.needs[0].role == "sample"


def test_subsets_are_those_of_the_tool():
    sizes = {
        name: (metric.subset_size, metric.subsets)
        for name, protocol in PROTOCOLS.items()
        if (metric := protocol.metrics.get("kid"))
    }
    assert sizes["standard"][0] is None
    assert sizes["torch-fidelity"] == (1000, "torch-fidelity")
    assert sizes["clean-fid"] == (1000, "clean-fid")
    assert sizes["torchmetrics"] == (1000, "torchmetrics")


def test_an_option_switches_to_subsets():
    given = parse_options(Kid, ["subset_size=500", "num_subsets=50"], where="metric kid")
    metric = dataclasses.replace(PROTOCOLS["standard"].metrics["kid"], **given)
    assert metric == Kid(subset_size=500, num_subsets=50)
    assert [need.minimum for need in metric.needs] == [500, 500]
