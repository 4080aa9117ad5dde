"""`ganeval latents`: one picture, errors printed, mistakes refused before any work."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from tests.command import Command
from tests.generators.networks import Example, seeded

OPTIONS = (
    *("--entry", "tests.generators.networks:Example", "--latent-size", "8"),
    *("--latent-layout", "map", "--value-range", "-1,1"),
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save(seeded(Example()).state_dict(), tmp_path / "g.pt")
    return tmp_path / "g.pt"


def test_pictures_of_latents(checkpoint: Path, tmp_path: Path, ganeval: Command) -> None:
    target = tmp_path / "paths.png"
    done = ganeval("latents", checkpoint, "-o", target, "--rows", 2, "--columns", 3, *OPTIONS)
    assert (done.code, done.out) == (0, f"{target}: 4 rows of pictures\n")
    with PIL.Image.open(target) as picture:
        assert picture.size == (3 * 66 - 2, 4 * 66 - 2)
        paths = np.asarray(picture)
    ganeval("sample", checkpoint, "--grid", "1x4", "-o", tmp_path / "samples.png", *OPTIONS)
    samples = np.asarray(PIL.Image.open(tmp_path / "samples.png"))
    assert np.abs(paths[:64, :64].astype(int) - samples[:64, :64]).max() <= 1
    words = ("--arithmetic", "0,1-2+3")
    assert "4 rows" in ganeval("latents", checkpoint, "-o", target, *words, *OPTIONS).out


def test_latents_of_pictures(checkpoint: Path, tmp_path: Path, ganeval: Command) -> None:
    ganeval("sample", checkpoint, "-n", 3, "-o", tmp_path / "real", *OPTIONS)
    words = ("latents", checkpoint, "-o", tmp_path / "back.png", "--invert", tmp_path / "real")
    few = ("--starts", 2, "--steps", 3, "--rows", 2, *OPTIONS)
    done = ganeval(*words, *few)
    assert done.code == 0
    names, *rows, mean, said = done.out.splitlines()
    assert names.split() == ["dB", "of", "PSNR", "PSNR"]
    # Samples 0 and 1 are among the draws: three steps do not lead far away from them.
    assert all(float(row.split()[-1]) > 15 for row in rows)
    assert mean.startswith("mean ")
    assert said.endswith("back.png: 2 rows of pictures")
    done = ganeval(*words, *few, "--inpaint", "centre")
    assert "mean filling" in done.out
    with PIL.Image.open(tmp_path / "back.png") as picture:
        assert picture.size == (4 * 66 - 2, 2 * 66 - 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--codes",), "has no codes, neither num_classes nor num_continuous in its card"),
        (("--codes", "--invert", "x"), "--codes and --invert; needed: one of them"),
        (("--inpaint", "centre"), "--inpaint without --invert"),
        (("--arithmetic", "1,2-"), "sample numbers, as 3,7,9-1,4,5+2,6,8"),
        (("--rows", "0"), "--rows 0; needed: from 1 to 100"),
        (("--noise", "random"), "draws random numbers of its own"),
    ],
)
def test_mistakes(
    words: tuple[str, ...], message: str, checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    found = ganeval("latents", checkpoint, "-o", tmp_path / "a.png", *OPTIONS, *words)
    assert found.code == 2
    assert message in found.error
    assert not (tmp_path / "a.png").exists()
