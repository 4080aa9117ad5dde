"""Metrics of pairs, classes, training sets and paths from the command line, as users call them."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file

from tests.bad_input.outcomes import refusal, report
from tests.command import Command
from tests.pictures import blobs

RANDOM = ("--extractor", "random")


@pytest.fixture
def made(real: Path, tmp_path: Path, write_pictures: Callable[..., Path]) -> Path:
    """Every picture of `real` with noise, under its name."""
    pictures = blobs(30, seed=1)
    noise = np.random.default_rng(0).normal(0, 10, pictures.shape)
    return write_pictures(tmp_path / "made", np.clip(pictures + noise, 0, 255).astype(np.uint8))


def classes(folder: Path) -> str:
    """Move the pictures of a folder into two classes."""
    for at, path in enumerate(sorted(folder.glob("*.png"))):
        within = folder / ("cat", "dog")[at % 2]
        within.mkdir(exist_ok=True)
        path.rename(within / path.name)
    return f"folder:{folder},labels=folders"


class Toy(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(8, 3 * 16 * 16)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layer(z)).reshape(-1, 3, 16, 16)


@pytest.fixture
def generator(tmp_path: Path) -> tuple[str, ...]:
    """A generator's file, and what has to be said of it."""
    path = tmp_path / "generator.safetensors"
    torch.manual_seed(0)
    save_file(Toy().state_dict(), path)
    entry = f"{__name__}:Toy"
    return (str(path), "--entry", entry, "--latent-size", "8", "--value-range=-1:1")


def test_every_new_metric_has_a_command(
    real: Path, made: Path, fake: Path, generator: tuple[str, ...], ganeval: Command
) -> None:
    found = [
        ganeval("psnr", real, made, "--json"),
        ganeval("ssim", real, made, "--json"),
        ganeval("sfid", real, made, *RANDOM, "--json"),
        ganeval("authenticity", made, "--train", fake, *RANDOM, "--json"),
        ganeval("birthday", real, made, *RANDOM, "--json"),
        ganeval("eval", real, *generator, "-m", "ppl@pixels:num_paths=40", "--json"),
        ganeval("intra-fid", classes(real), classes(made), *RANDOM, "--json"),
    ]
    rows = [report(outcome)["scores"][0] for outcome in found]
    assert [(row["name"], row["roles"].keys()) for row in rows] == [
        ("psnr", {"reference"}),
        ("ssim", {"reference"}),
        ("sfid", {"reference"}),
        ("authenticity", {"train"}),
        ("birthday", {"reference"}),
        ("ppl", set()),
        ("intra-fid", {"reference"}),
    ]


def test_what_is_missing_is_said(
    real: Path, made: Path, generator: tuple[str, ...], ganeval: Command
) -> None:
    alone = ganeval("authenticity", made, *RANDOM)
    assert (alone.code, "no --train; add `--train " in alone.error) == (2, True)
    line = refusal(ganeval("eval", real, made, "-m", "fid,authenticity", *RANDOM))
    assert "add --train SOURCE, or leave authenticity out" in line
    line = refusal(ganeval("intra-fid", real, made, *RANDOM))
    assert (
        "has no class labels; needed: the class of each item, for intra-fid; name it as folder:"
        in line
    )
    line = refusal(ganeval("ppl", *generator, "--offline"), code=4)
    assert "(weights of lpips-vgg) is not in " in line
    line = refusal(ganeval("ppl", made, "--offline"))
    assert "made: a source of kind folder, which has no latents; needed: a generator's file" in line


def test_pictures_without_a_partner(real: Path, made: Path, ganeval: Command) -> None:
    (made / "00003.png").rename(made / "other.png")
    (real / "00005.png").unlink()
    done = ganeval("psnr", real, made, "--json")
    assert report(done)["scores"][0]["num_sample"] == 28
    first, second = done.err.splitlines()
    assert f"{made}: 2 of 30 images have no partner of the same name" in first
    assert first.endswith(": 00005.png, other.png")
    assert f"{real}: 1 of 29 images" in second
    line = refusal(ganeval("psnr", real, made, "--pair-by", "index"))
    assert f"{made} has 30 items, {real} 29; needed: the same number in both" in line
    for path in sorted(made.glob("*.png")):
        path.rename(made / f"made-{path.name}")
    assert "no name is in both" in refusal(ganeval("psnr", real, made))


def test_a_partner_of_another_size(real: Path, made: Path, ganeval: Command) -> None:
    path = made / "00004.png"
    PIL.Image.open(path).resize((16, 16)).save(path)
    line = refusal(ganeval("ssim", real, made))
    assert f"{path} | {real / '00004.png'}: a picture of 16 x 16 pixels and one of 24 x 24" in line
    assert "bring both sources to one size" in line
    skipping = ("--on-bad-image", "skip", "--max-bad", "5%")
    assert report(ganeval("ssim", real, made, *skipping, "--json"))["scores"][0]["num_sample"] == 29


def test_all_leaves_out_what_cannot_be_and_says_so_on_one_line(
    real: Path, made: Path, fake: Path, generator: tuple[str, ...], ganeval: Command
) -> None:
    done = ganeval("eval", real, made, "-m", "all", *RANDOM, "--json")
    names = {row["name"] for row in report(done)["scores"]}
    assert names >= {"fid", "kid", "precision", "sfid", "psnr", "ssim"}
    assert not names & {"intra-fid", "authenticity", "ppl"}
    (line,) = [line for line in done.err.splitlines() if "left out" in line]
    assert f"intra-fid ({made}: has no class labels), authenticity (there is no train)" in line
    done = ganeval("eval", real, *generator, "--train", fake, "-m", "all", *RANDOM, "--json")
    assert "authenticity" in {row["name"] for row in report(done)["scores"]}
    (line,) = [line for line in done.err.splitlines() if "left out" in line]
    assert "ppl (no weights of lpips-vgg here: `ganeval weights fetch lpips-vgg`)" in line
    one, other = classes(real), classes(made)
    done = ganeval("eval", one, other, "-m", "all", *RANDOM, "--json")
    assert {"intra-fid", "psnr"} <= {row["name"] for row in report(done)["scores"]}


def test_the_gate_knows_which_way_is_better(
    real: Path, made: Path, tmp_path: Path, ganeval: Command
) -> None:
    run, base = tmp_path / "run.json", tmp_path / "base.json"
    assert ganeval("eval", real, made, "-m", "psnr,ssim", "-o", run).code == 0
    assert ganeval("baseline", "accept", run, "-o", base).code == 0
    limit = ("--baseline", base, "--max-regress", "psnr=1%")
    assert ganeval("check", run, *limit).code == 0
    for path in made.glob("*.png"):
        darker = np.asarray(PIL.Image.open(path)) // 2
        PIL.Image.fromarray(darker).save(path)
    assert ganeval("eval", real, made, "-m", "psnr,ssim", "-o", run).code == 0
    assert ganeval("check", run, *limit).code == 1


def test_the_listing_says_what_a_metric_takes(ganeval: Command) -> None:
    lines = {line.split()[0]: line for line in ganeval("list", "metrics").out.splitlines()}
    assert "sample, reference (classes)" in lines["intra-fid"]
    assert "sample, reference (pairs)" in lines["psnr"]
    assert "sample (generator)" in lines["ppl"]
    assert lines["fid"].split()[-1] == "any"
    entries = json.loads(ganeval("list", "metrics", "--json").out)
    assert {one["name"]: one["takes"] for one in entries}["ppl"] == ["generator"]


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("psnr", "ganeval psnr real/ fake/"),
        ("authenticity", "ganeval authenticity fake/ --train train/"),
        ("ppl", "ganeval ppl generator.safetensors"),
        ("intra-fid", "ganeval intra-fid folder:real/,labels=folders folder:fake/,labels=folders"),
    ],
)
def test_the_help_has_an_example_that_can_be_typed(
    name: str, example: str, ganeval: Command
) -> None:
    assert example in " ".join(ganeval(name, "--help").out.split())


def test_a_column_of_numbers_says_what_was_scored(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    for metrics, column in {
        "psnr,ssim": r"pairs +psnr",
        "fid,psnr": r"images +fid",
        "psnr,fid": r"images +psnr",
    }.items():
        page = tmp_path / "run.html"
        words = ("eval", real, fake, "-m", metrics, "--extractor", "random", "-o", page)
        found = ganeval(*words)
        assert found.code == 0
        assert re.search(rf"^sample +{column} ", found.out, re.MULTILINE)
        assert re.search(r"^reference .* \(30 images\)$", found.out, re.MULTILINE)
        noun = column.partition(" ")[0]
        assert f'<td data-title="{noun}" data-value="25">25</td>' in page.read_text("utf-8")
