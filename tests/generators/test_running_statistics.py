"""Normalisation whose statistics nothing has ever updated."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from ganeval.generators.running_statistics import never_updated
from ganeval.images.picture import DecodePolicy
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source
from tests.generators.families import BigGan
from tests.generators.networks import Example, seeded


def test_layers_are_named() -> None:
    network = Example()
    assert never_updated(network) == ["main.1", "main.4"]
    network.train()(torch.randn(4, 8, 1, 1))
    assert never_updated(network) == []
    network.main[4].reset_running_stats()
    assert never_updated(network) == ["main.4"]


def test_statistics_that_others_keep_themselves() -> None:
    names = ["blocks.0.0.bn1", "blocks.1.0.bn1", "output_layer.0"]
    assert never_updated(BigGan()) == names
    assert never_updated(nn.BatchNorm2d(3)) == ["BatchNorm2d"]
    assert never_updated(nn.BatchNorm2d(3, track_running_stats=False)) == []
    assert never_updated(nn.LazyBatchNorm2d()) == []


@pytest.mark.parametrize(
    ("entry", "told"), [("Example", "were never updated"), ("Warmed", "lacks the running stat")]
)
def test_statistics_that_a_file_may_lack_are_told_once_whatever_they_are(
    entry: str, told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save(dict(Example().named_parameters()), tmp_path / "g.pt")
    options = {
        "entry": f"tests.generators.networks:{entry}",
        "allow_missing": "*",
        "latent_size": 8,
        "latent_layout": "map",
        "value_range": (-1, 1),
    }
    with caplog.at_level(logging.WARNING, logger="ganeval"):
        open_source(str(tmp_path / "g.pt"), policy=DecodePolicy(), generator=options)
    (line,) = [one.getMessage() for one in caplog.records if "running stat" in one.getMessage()]
    assert told in line
    assert "main.1, main.4" in line


def test_the_warning_names_them(caplog: pytest.LogCaptureFixture) -> None:
    network = seeded(Example())
    network.main[1].reset_running_stats()
    generator = Generator(network, latent_size=8, latent_layout="map", value_range=(-1, 1))
    with caplog.at_level(logging.WARNING, logger="ganeval"):
        open_source(generator, policy=DecodePolicy())
    (told,) = [record.getMessage() for record in caplog.records]
    assert "the running statistics of main.1 were never updated (means 0, variances 1)" in told
