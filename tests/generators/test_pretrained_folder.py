"""Folders as Hugging Face's libraries write them."""

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.open import open_source
from tests.generators.networks import Example, Trap, seeded

STATE = seeded(Example(ngf=6)).state_dict()
OPTIONS = {
    "entry": "tests.generators.networks:Example", "latent_size": 8, "latent_layout": "map",
    "value_range": "-1,1", "num_images": 3,
}  # fmt: skip


def pixels(thing: Path, **options: Any) -> bytes:
    source = open_source(str(thing), policy=DecodePolicy(), generator=OPTIONS | options)
    assert source.info.kind == "generator"
    return b"".join(item.picture().pixels.tobytes() for item in source.load(range(3)))


@pytest.fixture
def alone(tmp_path: Path) -> bytes:
    torch.save(STATE, tmp_path / "g.pt")
    return pixels(tmp_path / "g.pt", kwargs={"ngf": 6})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a config alone."""
    path = tmp_path / "model"
    path.mkdir()
    config = {"_class_name": "Example", "_diffusers_version": "0.30", "ngf": 6, "nc": 3}
    (path / "config.json").write_text(json.dumps(config))
    return path


def write_shards(folder: Path, name: str) -> dict[str, Any]:
    """Write the tensors as three shards, and return the index."""
    suffix = Path(name).suffix
    places = {}
    for number in range(3):
        shard = f"{Path(name).stem}-{number + 1:05}-of-00003{suffix}"
        part = dict(list(STATE.items())[number::3])
        if suffix == ".bin":
            torch.save(part, folder / shard)
        else:
            safetensors.torch.save_file(part, folder / shard)
        places |= dict.fromkeys(part, shard)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / f"{name}.index.json").write_text(json.dumps(index))
    return index


@pytest.mark.parametrize("name", ["model.safetensors", "diffusion_pytorch_model.safetensors"])
@pytest.mark.parametrize("sharded", [True, False])
def test_a_folder_is_the_network_of_its_file(
    name: str, sharded: bool, folder: Path, alone: bytes
) -> None:
    if sharded:
        write_shards(folder, name)
    else:
        safetensors.torch.save_file(STATE, folder / name)
    assert pixels(folder) == alone
    assert pixels(folder, kwargs={"ngf": 6}) == alone


@pytest.mark.parametrize("sharded", [True, False])
def test_tensors_of_torch_in_a_folder(sharded: bool, folder: Path, alone: bytes) -> None:
    if sharded:
        write_shards(folder, "pytorch_model.bin")
    else:
        torch.save(STATE, folder / "pytorch_model.bin")
    assert pixels(folder) == alone


def test_a_config_that_says_more_than_the_entry_takes(
    folder: Path, alone: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    safetensors.torch.save_file(STATE, folder / "model.safetensors")
    config = {"model_type": "gan", "ngf": 6, "slope": 0.2}
    (folder / "config.json").write_text(json.dumps(config))
    assert pixels(folder) == alone
    (told,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert told.endswith("does not take slope of config.json")


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        pixels(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda index: index["weight_map"].update(x="../../g.pt"), "names '../../g.pt', which is"),
        (lambda index: index["weight_map"].update(x="/etc/passwd"), "names '/etc/passwd', which"),
        (lambda index: index["weight_map"].update(x="no.safetensors"), "no.safetensors: cannot be"),
        (lambda index: index.pop("weight_map"), "has no weight_map"),
        (
            lambda index: index["weight_map"].update(x="model-00001-of-00003.safetensors"),
            "names 'x', which model-00001-of-00003.safetensors lacks",
        ),
    ],
)
def test_an_index_that_lies(change: Any, said: str, folder: Path) -> None:
    index = write_shards(folder, "model.safetensors")
    change(index)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert said in refused(folder)


def test_nothing_in_a_folder_is_unpickled(folder: Path, tmp_path: Path) -> None:
    torch.save({"state": STATE, "args": Trap(tmp_path / "sprung")}, folder / "pytorch_model.bin")
    assert "contains Python objects, which are code" in refused(folder)
    assert not (tmp_path / "sprung").exists()
    (folder / "config.json").write_text("[" * 10_000)
    assert "config.json: is not JSON" in refused(folder)


def test_a_folder_without_a_config_is_one_of_pictures(folder: Path, real: Path) -> None:
    safetensors.torch.save_file(STATE, folder / "model.safetensors")
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"no pictures|no images"):
        pixels(folder)
    with pytest.raises(InputError, match="a folder without a network"):
        open_source(f"generator:{real}", policy=DecodePolicy(), generator=OPTIONS)
