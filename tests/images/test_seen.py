"""The range that images were seen to have, through every door for arrays and floats."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

import ganeval
from ganeval.images.seen import Seen
from tests.pictures import blobs

FAST: dict[str, Any] = {"metrics": ["fid"], "extractor": "random"}
BYTES = torch.from_numpy(blobs(20, seed=3).transpose(0, 3, 1, 2).copy())
UNIT = (BYTES - BYTES.min()).float() / (BYTES.max() - BYTES.min())  # 0 to 1


class Listed(Dataset[Any]):
    def __init__(self, items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def seen_of(values: Any, declared: Any) -> Seen:
    seen = Seen(declared)
    for value in values:
        seen.add(torch.tensor([value]))
    return seen


@pytest.mark.parametrize(
    ("declared", "values", "said"),
    [
        ((-1, 1), (0.0, 1.0), "range -1 to 1, but none of 20 images has a negative value (0 to 1)"),
        ((-1, 1), (-0.02, 1.0), "none of 20 images has a value below -0.5 (-0.02 to 1)"),
        ((0, 1), (0.5, 1.0), "none of 20 images has a value below 0.25 (0.5 to 1)"),
        ((0, 255), (0.0, 1.0), "range 0 to 255, but the values of 20 images are almost one grey"),
        (None, (0, 1), "uint8, but the values of 20 images are almost one grey (0 to 1)"),
        ((-1, 1), (-1.0, 1.0), None),
        ((-1, 1), (-0.4, 0.4), None),  # a network that has not learned yet
        ((0, 1), (0.0, 0.4), None),  # dark pictures
        (None, (100, 255), None),  # bright ones
    ],
)
def test_what_speaks_against_a_range(declared: Any, values: Any, said: str | None) -> None:
    doubts = seen_of(values, declared).doubts(20)
    assert len(doubts) == (said is not None)
    assert said is None or said in doubts[0]
    assert seen_of(values, declared).doubts(7) == []


def accumulated(reference: Any, batches: Any, **options: Any) -> ganeval.Report:
    with ganeval.Accumulator(reference=reference, **options, **FAST) as metric:
        for batch in batches:
            metric.update(batch)
        return metric.compute()


DOORS: dict[str, Callable[[Any, Any], ganeval.Report]] = {
    "tensor": lambda real, data: ganeval.evaluate(
        sample=ganeval.Images(data, value_range=(-1, 1), name="it"), reference=real, **FAST
    ),
    "array": lambda real, data: ganeval.evaluate(
        sample=ganeval.Images(data.numpy(), value_range=(-1, 1), name="it"), reference=real, **FAST
    ),
    "data set": lambda real, data: ganeval.evaluate(
        sample=ganeval.Images(Listed(data), value_range=(-1, 1), name="it"), reference=real, **FAST
    ),
    "stream": lambda real, data: accumulated(
        real, data.split(3), value_range=(-1, 1), name="it"
    ),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_range_is_said_once_at_every_door(
    door: str, real: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """0 to 1 declared as -1 to 1 shows in the whole source, not in one batch."""
    told = "it: declared range -1 to 1, but none of 20 images has a negative value (0 to 1)"
    report = DOORS[door](real, UNIT)
    assert [one.getMessage() for one in caplog.records].count(told) == 1
    assert told in report.provenance["warnings"]
    settings = report.provenance["sources"]["it"]["settings"]
    assert (settings["observed_range"], settings["value_range"]) == ([0, 1], [-1, 1])
    caplog.clear()
    right = DOORS[door](real, UNIT * 2 - 1)
    assert not [one for one in caplog.records if "range" in one.getMessage()]
    assert report["fid"].value > right["fid"].value  # what the warning is about


@pytest.mark.parametrize(
    "door",
    [
        lambda real, data: ganeval.evaluate(sample=data, reference=real, **FAST),
        lambda real, data: ganeval.evaluate(sample=Listed(data), reference=real, **FAST),
        lambda real, data: accumulated(real, data.split(3)),
    ],
    ids=["tensor", "data set", "stream"],
)
def test_bytes_of_0_and_1_are_doubted(
    door: Any, real: Path, caplog: pytest.LogCaptureFixture
) -> None:
    door(real, UNIT.round().byte())
    assert caplog.text.count("uint8, but the values of 20 images are almost one grey (0 to 1)") == 1
    caplog.clear()
    door(real, BYTES)
    assert "almost one grey" not in caplog.text


def test_statistics_of_a_wrong_range_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from ganeval.extract import make_stats
    from ganeval.flow.settings import Settings

    np.savez(tmp_path / "masks.npz", UNIT.round().byte().numpy())
    with caplog.at_level(logging.WARNING):
        make_stats(
            str(tmp_path / "masks.npz"), tmp_path / "s.npz", Settings(extractor="random")
        )  # fmt: skip
    assert "masks.npz: uint8, but the values of 20 images are almost one grey" in caplog.text


def test_values_beyond_the_range_have_an_advice_that_keeps_the_number_right() -> None:
    images = ganeval.Images(UNIT * 3 - 1, value_range=(-1, 1))
    with pytest.raises(ganeval.GanevalError, match=r"observed from -1 to 2; .*clip them if the"):
        ganeval.open_source(images, policy=ganeval.Settings().decode)


@pytest.mark.parametrize("door", DOORS)
def test_values_that_are_clipped_are_said_at_every_door(
    door: str, real: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = (UNIT * 2 - 1) * 1.1
    share = (values.abs() > 1 + 1 / 255).double().mean().item()
    report = DOORS[door](real, values)
    told = (
        f"it: {share:.2%} of the values of 20 images are beyond the declared range -1 to 1 and "
        "were clipped (-1.1 to 1.1)"
    )
    (warning,) = [one for one in report.provenance["warnings"] if "clipped" in one]
    assert warning.startswith(told)
    assert caplog.text.count("were clipped") == 1
    clipped = DOORS[door](real, values.clamp(-1, 1))
    assert report["fid"].value == clipped["fid"].value
    assert not [one for one in clipped.provenance["warnings"] if "clipped" in one]


def test_rounding_noise_is_no_clipping() -> None:
    """Values within half a level of the end are rounded to it as they would be without an end."""
    seen = seen_of([-1 - 0.9 / 255, 0.0, 1 + 0.9 / 255], (-1, 1))
    assert (seen.num, seen.clipped, seen.doubts(20)) == (3, 0, [])
    seen = seen_of([-1 - 1.1 / 255, 0.0, 1.0], (-1, 1))
    assert "33.33% of the values of 3 images" in seen.doubts(3)[0]


def test_a_generator_that_overshoots_is_warned_of_unless_it_is_clamped(
    real: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 3 * 24 * 24), torch.nn.Unflatten(1, (3, 24, 24)), torch.nn.Tanh()
    )
    torch.nn.init.normal_(network[0].weight, std=1, generator=torch.Generator().manual_seed(0))

    def scored(scale: float, *, clamp: bool = False) -> ganeval.Report:
        sample = ganeval.Generator(
            lambda z: network(z) * scale,
            latent_size=4,
            value_range=(-1, 1),
            num_images=20,
            clamp=clamp,
            name="net",
        )
        return ganeval.evaluate(sample=sample, reference=real, **FAST)

    assert "clipped" not in str(scored(1).provenance["warnings"]) + caplog.text
    scored(1.09)
    assert "of the values of 8 images are beyond the declared range -1 to 1 and were" in caplog.text
    caplog.clear()
    scored(1.02, clamp=True)
    assert "clipped" not in caplog.text
