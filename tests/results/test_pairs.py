"""Scores of pairs in two runs: what is compared, and what is not."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import ganeval
from ganeval.gate.change import change_of, compare_scores
from ganeval.gate.limits import parse_limits
from ganeval.report.comparisons import measured
from ganeval.scores.differences import difference
from tests.pictures import blobs

RUN: dict[str, Any] = {"extractor": "random", "device": "cpu", "cache": False}
NUM = 40

Write = Callable[[Path, npt.NDArray[np.uint8]], Path]


@pytest.fixture
def pictures(tmp_path: Path, write_pictures: Write) -> dict[str, Path]:
    """A reference, a sample with noise, and one that differs from the reference in four pairs."""
    reference = blobs(NUM, seed=1)
    noise = np.random.default_rng(2).integers(0, 20, reference.shape)
    noisy = np.clip(reference + noise, 0, 255).astype(np.uint8)
    perfect = np.concatenate([noisy[:4], reference[4:]])
    sides = {"reference": reference, "noisy": noisy, "perfect": perfect}
    return {name: write_pictures(tmp_path / name, levels) for name, levels in sides.items()}


def scored(
    pictures: dict[str, Path], sample: str = "noisy", num_images: int | None = None
) -> ganeval.Report:
    return ganeval.evaluate(
        sample=str(pictures[sample]),
        reference=str(pictures["reference"]),
        metrics=["psnr", "ssim"],
        num_images=num_images,
        **RUN,
    )


def test_the_mean_of_a_few_pairs_decides_nothing(pictures: dict[str, Path]) -> None:
    """The worst four pairs of a nearly perfect sample look certain, and are no verdict."""
    runs = [scored(pictures, name) for name in ("noisy", "perfect")]
    psnr, ssim = (
        difference(*(measured(run, run[name]) for run in runs)) for name in ("psnr", "ssim")
    )
    assert runs[1]["psnr"].se is None
    assert (psnr.se, psnr.p_value, psnr.method) == (None, None, "none")
    assert psnr.notes == ("not both have a standard error; decide with ssim",)
    assert ssim.p_value is not None


def test_means_of_other_pairs_are_not_compared(pictures: dict[str, Path]) -> None:
    files = sorted(pictures["reference"].iterdir())
    for file in files[:3]:
        shutil.copy(file, pictures["noisy"] / file.name)
    before = scored(pictures)
    for file in files[3:5]:
        shutil.copy(file, pictures["noisy"] / file.name)
    after = scored(pictures)
    assert after["psnr"].se is not None
    change = change_of(parse_limits(["psnr=1"])[0], [after], before, rule=2)
    assert change.precision is None
    assert change.untrusted == (
        "nothing is decided: 5 and 3 pairs are left out of the means, which are of other pairs; "
        "decide with ssim"
    )
    assert change_of(parse_limits(["ssim=1"])[0], [after], before, rule=2).precision is not None


def test_a_reference_under_other_names_has_other_partners(pictures: dict[str, Path]) -> None:
    """The same pictures, each under the name of the next one."""
    before = scored(pictures)
    files = sorted(pictures["reference"].iterdir())
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, [*contents[1:], contents[0]], strict=True):
        file.write_bytes(content)
    after, again = scored(pictures), scored(pictures)
    assert after["psnr"].value < before["psnr"].value
    differing = compare_scores(after, after["psnr"], before, before["psnr"]).differing
    assert any("partners of psnr" in text for text in differing)
    assert not compare_scores(again, again["psnr"], after, after["psnr"]).differing


def test_every_partner_counts_where_a_part_of_the_pairs_is_scored(
    pictures: dict[str, Path],
) -> None:
    """Each picture of the reference is changed in turn: it is noticed where the score moves."""
    before = scored(pictures, num_images=8)
    moved = 0
    for file in sorted(pictures["reference"].iterdir()):
        content = file.read_bytes()
        file.write_bytes((pictures["noisy"] / "00000.png").read_bytes())
        after = scored(pictures, num_images=8)
        file.write_bytes(content)
        moves = after["ssim"].value != before["ssim"].value
        assert moves == (after["ssim"].partners != before["ssim"].partners)
        moved += moves
    assert moved == 8
