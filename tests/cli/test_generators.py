"""Generators' files on the command line: PyTorch users' habits, options, how many images."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganeval as library
from ganeval.cli.generator_options import GENERATOR_OPTIONS
from ganeval.cli.main import cli
from ganeval.features.moments import Moments
from ganeval.features.stats import Stats
from ganeval.flow.settings import Settings
from ganeval.flow.sides import Side, num_generated, open_side
from ganeval.generators.options import GeneratorOptions
from ganeval.sources.checkpoint import GeneratorFile
from ganeval.sources.generator import Generator
from tests.command import Command
from tests.generators.networks import Conditional, DcganExample, Example, seeded
from tests.pictures import blobs

STATE = seeded(Example()).state_dict()
OTHER = {name: value + 1 for name, value in STATE.items()}
EXAMPLE = (
    *("--entry", "tests.generators.networks:Example", "--latent-size", "8"),
    *("--latent-layout", "map", "--value-range", "-1,1"),
)
FAST = ("--extractor", "random", "--json")


def scores(outcome: Any) -> list[dict[str, Any]]:
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)["scores"]


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {f"module.{name}": value for name, value in STATE.items()},
        {"g": OTHER, "g_ema": STATE},
        {"state_dict": {f"netG.{name}": value for name, value in STATE.items()}, "epoch": 3},
    ],
    ids=["bare", "data-parallel", "ema", "lightning"],
)
def test_usual_files_are_scored_without_edits(
    content: Any, tmp_path: Path, real: Path, ganeval: Command
) -> None:
    torch.save(content, tmp_path / "netG.pth")
    (score,) = scores(ganeval("fid", real, tmp_path / "netG.pth", *EXAMPLE, *FAST))
    direct = library.evaluate(
        sample=Generator(
            seeded(Example()), latent_size=8, latent_layout="map", value_range=(-1, 1)
        ),
        reference=str(real), metrics=["fid"], extractor="random",
    )  # fmt: skip
    assert score["value"] == direct["fid"].value
    assert (score["num_sample"], score["num_reference"]) == (30, 30)


def test_the_checkpoint_of_pytorchs_dcgan_example_is_scored(
    tmp_path: Path, real: Path, ganeval: Command
) -> None:
    state = seeded(DcganExample(ngf=4)).state_dict()
    assert [name for name in state if name.startswith("main.12")] == ["main.12.weight"]
    torch.save(state, tmp_path / "netG_epoch_24.pth")
    found = ganeval(
        *("fid", real, tmp_path / "netG_epoch_24.pth", "--latent-size", 100),
        *("--entry", "tests.generators.networks:DcganExample", "--kwargs", '{"ngf": 4}'),
        *("--latent-layout", "map", "--value-range", "-1,1", *FAST, "-v"),
    )
    (score,) = scores(found)
    assert score["num_sample"] == 30
    assert "64x64, 3 channels" in found.err


def test_an_onnx_file_is_scored_without_edits(exported: Path, real: Path, ganeval: Command) -> None:
    words = ("fid", real, exported / "g.onnx", "--value-range", "-1,1", *FAST)
    (score,) = scores(ganeval(*words))
    assert score["num_sample"] == 30


def test_every_option_of_the_source_is_one_of_the_commands() -> None:
    fields = {field.name for field in dataclasses.fields(GeneratorOptions)}
    for name in ("sample", "fid", "compare"):
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert fields <= {param.name for param in command.params}
    assert len(GENERATOR_OPTIONS) == len(fields)
    assert fields <= {field.name for field in dataclasses.fields(GeneratorFile)}


def test_options_fill_in_what_the_texts_leave_out(
    tmp_path: Path, real: Path, ganeval: Command
) -> None:
    torch.save({"A": STATE, "B": OTHER}, tmp_path / "two.pt")
    torch.save(STATE, tmp_path / "one.pt")
    two = f"generator:{tmp_path / 'two.pt'},key=B,num_images=20"
    found = ganeval(
        "compare", real, two, tmp_path / "one.pt", "-m", "fid", *EXAMPLE, "--truncation", 0.7, *FAST
    )
    assert [score["num_sample"] for score in scores(found)] == [20, 30]
    sources = json.loads(found.out)["provenance"]["sources"]
    assert sources[two]["settings"]["key"] == "B"
    for name in (two, str(tmp_path / "one.pt")):
        assert sources[name]["settings"]["truncation"] == 0.7
    again = library.compare(
        samples=[two, str(tmp_path / "one.pt")], reference=str(real), metrics=["fid"],
        extractor="random", entry=EXAMPLE[1], kwargs={}, latent_size=8, latent_layout="map",
        value_range=(-1, 1), truncation=0.7,
    )  # fmt: skip
    values = [score["value"] for score in scores(found)]
    assert [row.value for row in again.scores] == values


def test_the_seed_of_the_command_is_that_of_the_samples(
    tmp_path: Path, real: Path, ganeval: Command
) -> None:
    torch.save(STATE, tmp_path / "g.pt")
    words = ("fid", real, tmp_path / "g.pt", *EXAMPLE, *FAST)
    (first,), (other,) = scores(ganeval(*words)), scores(ganeval(*words, "--seed", 5))
    (told,) = scores(ganeval("fid", real, f"generator:{tmp_path / 'g.pt'},seed=5", *EXAMPLE, *FAST))
    assert first["value"] != other["value"]
    assert told["value"] == other["value"]


@pytest.mark.parametrize("words", [("fid", "REAL", "FAKE"), ("is", "FAKE"), ("extract", "FAKE")])
def test_options_without_a_generator_are_an_error(
    words: tuple[str, ...], real: Path, fake: Path, ganeval: Command
) -> None:
    named = [{"REAL": real, "FAKE": fake}.get(word, word) for word in words]
    found = ganeval(*named, "--extractor", "random", "--latent-size", 8)
    assert found.code == 2
    assert "option latent_size is given, but no source is a generator's file" in found.error


def test_a_misspelt_keyword_is_an_error(real: Path) -> None:
    with pytest.raises(library.GanevalError, match="did you mean 'latent_size'"):
        library.evaluate(sample=str(real), reference=str(real), latentsize=3)
    in_memory = Generator(
        seeded(Example()), latent_size=8, latent_layout="map", value_range=(-1, 1)
    )
    with pytest.raises(library.GanevalError, match="no source is a generator's file"):
        library.evaluate(sample=in_memory, reference=str(real), extractor="random", prior="normal")


def test_makes_as_many_images_as_the_reference_has(
    tmp_path: Path, real: Path, ganeval: Command
) -> None:
    torch.save(STATE, tmp_path / "g.pt")
    words = (tmp_path / "g.pt", *EXAMPLE)
    ganeval("stats", "make", real, "-o", tmp_path / "real.npz", "--extractor", "random")

    def num(*more: object) -> tuple[int, int]:
        (score,) = scores(ganeval("fid", *more, *FAST))
        return score["num_sample"], score["num_reference"]

    assert num(real, *words) == (30, 30)
    assert num(real, *words, "--num-images", 20) == (20, 20)
    assert num(tmp_path / "real.npz", *words) == (30, 30)
    assert num(real, f"generator:{tmp_path / 'g.pt'},num_images=25", *EXAMPLE) == (25, 30)
    (score,) = scores(ganeval("is", *words, "--num-images", 40, *FAST))
    assert score["num_sample"] == 40


@pytest.mark.parametrize(("num_real", "made"), [(None, 50_000), (60_000, 50_000), (9, 9)])
def test_the_most_that_is_made_unasked(num_real: int | None, made: int) -> None:
    moments = Moments.of(np.random.default_rng(0).normal(size=(9, 4)))
    stats = Stats(path=Path("real.npz"), num=num_real, pool=moments, card=None)
    reference = Side(
        role="reference", location="r", source=None, indices=(), stats=stats, skipped=()
    )
    generator = Generator(
        seeded(Example()), latent_size=8, latent_layout="map", value_range=(-1, 1)
    )
    side = open_side(generator, "sample", Settings(), num_generated(reference))
    assert len(side.indices) == made


def test_parts_on_other_machines_are_found_again(
    tmp_path: Path, write_pictures: Callable[..., Path], ganeval: Command
) -> None:
    torch.save(seeded(Conditional()).state_dict(), tmp_path / "g.pt")
    options = (
        *("--entry", "tests.generators.networks:Conditional", "--latent-size", 6),
        *("--num-classes", 5, "--value-range", "-1,1", "--extractor", "random"),
    )
    real = write_pictures(tmp_path / "real", blobs(20, seed=3))
    text = f"generator:{tmp_path / 'g.pt'},num_images=2100"
    for part in (2, 0, 1):
        done = ganeval("extract", text, "--part", f"{part}/3", *options)
        assert "1 of 3 shards" in done.out
    cached = ganeval("fid", real, text, *options, "--json", "-v")
    assert "2100 images, 0 computed, 2100 found in the cache" in cached.err
    alone = ganeval("fid", real, text, *options, "--json", "--no-cache")
    assert scores(cached) == scores(alone)


def test_what_the_trial_found_is_said_in_few_lines(
    tmp_path: Path, real: Path, ganeval: Command
) -> None:
    torch.save({"g_ema": STATE}, tmp_path / "g.pt")
    words = ("fid", real, tmp_path / "g.pt", *EXAMPLE, "--extractor", "random")
    (warning,) = ganeval(*words).err.splitlines()
    assert "differ in size" in warning
    found = ganeval(*words, "-v")
    lines = [line for line in found.err.splitlines() if str(tmp_path / "g.pt") in line]
    assert re.search(r"under 'g_ema' \(a moving average\), sha256:\w{12}", lines[0])
    assert "(declared -1 to 1)" in lines[1]
    assert len(lines) <= 6
    assert found.out.count("\n") == ganeval("fid", real, real, "--extractor", "random").out.count(
        "\n"
    )
