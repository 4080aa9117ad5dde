"""Files that nobody vouches for: one of each kind, at every entrance; nothing in them runs."""

import argparse
import dataclasses
import io
import json
import os
import pickle
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from ganeval.errors import GanevalError
from ganeval.generators.card import Card, write_checkpoint
from ganeval.images.picture import DecodePolicy
from ganeval.sources.open import open_source
from tests.command import Command
from tests.generators.networks import Conditional, Example, Trap, seeded

STATE = seeded(Example()).state_dict()
WEIGHTS = next(iter(STATE.values())).numpy().tobytes()
OPTIONS = {
    "entry": "tests.generators.networks:Example",
    "latent_size": "8",
    "latent_layout": "map",
    "value_range": "-1,1",
}
CARD = Card(
    model="dcgan", entry="tests.generators.networks:Conditional", kwargs={"size": 8},
    prior="normal", latent_size=6, num_classes=5, value_range=(-1, 1), image_size=8, channels=1,
    norm_mode="none", ema=True, step=10, seed=0, data={"name": "digits"},
)  # fmt: skip


def torch_file(content: object, *, old: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not old)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


class PersistentClass:
    """Looks like what NVlabs' persistence.py pickles."""

    def __reduce__(self) -> Any:
        return _reconstruct_persistent_obj, ({"module_src": "import os"},)


def _reconstruct_persistent_obj(meta: object) -> object:
    raise AssertionError(f"a pickle was opened: {meta}")


# For each kind: its bytes (given where a side effect would show), the message, the remedy.
HOSTILE: dict[str, tuple[Callable[[Path], bytes], str, str]] = {
    "trap.pkl": (
        lambda sprung: pickle.dumps(Trap(sprung)),
        "a Python pickle, which can execute any code when it is opened",
        "save the generator's state_dict()",
    ),
    "trap-0.pkl": (
        lambda sprung: pickle.dumps(Trap(sprung), protocol=0),
        "a Python pickle, which can execute any code when it is opened",
        "save the generator's state_dict()",
    ),
    "trap-in-a-dict.pt": (
        lambda sprung: torch_file({"state_dict": STATE, "args": Trap(sprung)}),
        "contains Python objects, which are code",
        "python -c 'import torch; f = lambda v: ",
    ),
    "trap-in-an-old-file.pt": (
        lambda sprung: torch_file({"args": Trap(sprung)}, old=True),
        "contains Python objects, which are code",
        "python -c",
    ),
    "stylegan.pkl": (
        lambda _: pickle.dumps({"G_ema": PersistentClass()}),
        "a pickle of StyleGAN's kind, which executes Python code that it contains",
        '["G_ema"].state_dict(), "G_ema.pt")\'',
    ),
    "tensorflow-stylegan.pkl": (
        lambda _: pickle.dumps("dnnlib.tflib.network"),
        "a pickle of StyleGAN's kind",
        "export it as ONNX",
    ),
    "module.pt": (
        lambda _: torch_file(nn.Linear(2, 2)),
        "a whole pickled network, whose classes are code (",
        '"state.pt")\'',
    ),
    "module-old.pt": (
        lambda _: torch_file(nn.Linear(2, 2), old=True),
        "a whole pickled network",
        '"state.pt")\'',
    ),
    "rosinality.pt": (
        lambda _: torch_file({"g_ema": STATE, "args": argparse.Namespace(size=256)}),
        "contains Python objects, which are code (argparse.Namespace)",
        '"state.pt")\'',
    ),
    "studiogan.pth": (
        lambda _: torch_file({"state_dict": STATE, "best_fid": np.float64(3.5)}),
        "contains Python objects, which are code (numpy",
        '"state.pt")\'',
    ),
    "list.pt": (lambda _: torch_file([1, 2]), "holds a list", "save the network's state_dict()"),
    "objects.npz": (
        lambda sprung: npz(w=np.array([Trap(sprung)], dtype=object)),
        "an npz file with arrays of objects or text, which are pickles",
        "save the generator's state_dict()",
    ),
    "page.pt": (
        lambda _: b"<!DOCTYPE html><html><title>Sign in</title></html>",
        "is an HTML page",
        "get the file again from its source",
    ),
    "pointer.safetensors": (
        lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "is a git-lfs pointer",
        "run `git lfs pull`",
    ),
    "empty.pt": (lambda _: b"", "is empty (0 bytes)", "get the file again"),
    "cut.pt": (lambda _: torch_file(STATE)[:-200], "is cut short", "get the file again"),
    "one-bit.pt": (
        lambda _: torch_file(STATE).replace(WEIGHTS, bytes([WEIGHTS[0] ^ 1]) + WEIGHTS[1:]),
        "is damaged: archive/data/0 in it does not match its checksum",
        "get the file again from its source",
    ),
    "cut.safetensors": (
        lambda _: safetensors.torch.save(STATE)[:-9],
        "is damaged, or no state dict (",
        "get the file again",
    ),
    "keras.h5": (
        lambda _: b"\x89HDF\r\n\x1a\n" + bytes(100),
        "is an HDF5 file",
        "export the network as ONNX",
    ),
}  # fmt: skip


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str, str]:
    make, said, remedy = HOSTILE[request.param]
    path = tmp_path / request.param
    path.write_bytes(make(tmp_path / "sprung"))
    return path, said, remedy


def refused(thing: str, **options: Any) -> str:
    """Return the line that refuses a source."""
    with pytest.raises(GanevalError) as caught:
        open_source(thing, policy=DecodePolicy(), generator=options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_hostile_file_is_refused_at_every_entrance(
    hostile: tuple[Path, str, str], tmp_path: Path, ganeval: Command
) -> None:
    path, said, remedy = hostile
    text = f"generator:{path}," + ",".join(f"{name}={one}" for name, one in OPTIONS.items())
    words = [word for name, one in OPTIONS.items() for word in (f"--{name.replace('_', '-')}", one)]
    lines = [refused(text), refused(f"generator:{path}", **OPTIONS | {"latent_size": 8})]
    if path.suffix != ".npz":  # a path to one of these is a source of images or statistics
        lines.append(refused(str(path)))
        found = ganeval("sample", path, "-n", 3, "-o", tmp_path / "out", *words)
        assert found.code == 2
        scored = ganeval("is", path, "--extractor", "random", *words)
        assert scored.code == 2
        lines += [found.error, scored.error]
    for line in lines:
        assert f"{path}: {said}" in line
        assert remedy in line
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["trap.pkl", "trap-in-a-dict.pt", "module.pt", "keras.h5"])
def test_what_a_file_is_called_does_not_matter(name: str, tmp_path: Path) -> None:
    make, said, _ = HOSTILE[name]
    (tmp_path / "weights.bin").write_bytes(make(tmp_path / "sprung"))
    assert said in refused(str(tmp_path / "weights.bin"))
    assert not (tmp_path / "sprung").exists()


def test_the_traps_would_spring(tmp_path: Path) -> None:
    for number, name in enumerate(("trap.pkl", "trap-0.pkl")):
        pickle.loads(HOSTILE[name][0](tmp_path / str(number)))
        assert (tmp_path / str(number)).exists()
    data = HOSTILE["trap-in-a-dict.pt"][0](tmp_path / "sprung")
    torch.load(io.BytesIO(data), weights_only=False)
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["module.pt", "rosinality.pt", "studiogan.pth"])
def test_the_command_that_helps_does_help(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"it's $HOME {name}"
    content = seeded(Example()) if name == "module.pt" else None
    path.write_bytes(HOSTILE[name][0](tmp_path) if content is None else torch_file(content))
    command = refused(f"generator:{path}", **OPTIONS).partition("installed: `")[2].rstrip("`")
    subprocess.run(
        shlex.split(command.replace("python", shlex.quote(sys.executable), 1)),
        check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    options = OPTIONS | {"latent_size": 8, "num_images": 3}
    text = f"generator:{tmp_path / 'state.pt'}"
    assert len(open_source(text, policy=DecodePolicy(), generator=options)) == 3


def test_a_path_to_an_npz_of_objects_is_no_source_of_images(tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    path.write_bytes(HOSTILE["objects.npz"][0](tmp_path / "sprung"))
    assert str(path) in refused(str(path))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("name", "what"), [("model_index.json", "diffusers"), ("saved_model.pb", "TensorFlow")]
)
def test_folders_of_other_libraries_are_named(name: str, what: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text('{"_class_name": "Evil"}')
    for text in (str(tmp_path), f"generator:{tmp_path}"):
        assert what in refused(text)
        assert "write its images to a folder" in refused(text)


def test_numeric_arrays_are_tensors_for_an_entry(tmp_path: Path) -> None:
    (tmp_path / "g.npz").write_bytes(npz(**{name: one.numpy() for name, one in STATE.items()}))
    source = open_source(
        f"generator:{tmp_path / 'g.npz'},latent_size=8,num_images=3",
        policy=DecodePolicy(),
        generator=OPTIONS,
    )
    assert len(source) == 3


def ours(path: Path, **changes: Any) -> bytes:
    """Return the bytes of a checkpoint of ours."""
    write_checkpoint(path, seeded(Conditional()).state_dict(), dataclasses.replace(CARD, **changes))
    return path.read_bytes()


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test's own network be one of the models."""
    monkeypatch.setattr("reference_models.MODELS", {"x": "tests.generators.networks:RECIPE"})


@pytest.mark.usefixtures("listed")
def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    data = ours(path)
    header = 8 + int.from_bytes(data[:8], "little")
    rng = np.random.default_rng(0)
    places = [*range(8), *rng.choice(header, 150, replace=False)]
    places += [header, *rng.choice(np.arange(header, len(data)), 50, replace=False), len(data) - 1]
    unnoticed = []
    for at in places:
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            open_source(f"generator:{path},num_images=3", policy=DecodePolicy())
        except GanevalError as error:
            noticed = str(path) in str(error) and "\n" not in str(error)
        else:
            noticed = False
        if not noticed:
            unnoticed.append(bytes(data[max(0, at - 20) : at + 10]))
    assert unnoticed == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"entry": "os:system"}, "asks for the code 'os:system', which is not one of ganeval's"),
        ({"entry": "reference_models.dcgan:make_game"}, "not one of ganeval's models"),
        ({"norm_mode": "batch"}, "norm_mode 'batch'; needed: one of running, none"),
        ({"kwargs": {"size": 9}}, "tensors are those of another network"),
        ({"kwargs": {"sizes": 8}}, "fails with"),
        ({"num_classes": None}, r"the network fails .*num_classes"),
        ({"num_classes": 50}, r"the network fails"),
        ({"latent_size": 7}, "the network fails"),
        ({"value_range": (0, 1)}, "range, 0 to 1"),
    ],
)
@pytest.mark.usefixtures("listed")
def test_a_card_that_lies(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    ours(path, **changes)
    assert re.search(said, refused(str(path)))


def test_a_card_with_a_header_of_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    for text in ("null", "[]", "{", '{"schema": "ganeval.card/1"}', json.dumps("x")):
        state = {name: one.contiguous() for name, one in STATE.items()}
        path.write_bytes(safetensors.torch.save(state, metadata={"ganeval.card": text}))
        assert "card" in refused(str(path))


def test_a_zip_of_pictures_with_a_pickle_in_it_is_a_zip_of_pictures(
    tmp_path: Path, real: Path
) -> None:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(real / "00000.png", "a/code/0.png")
        archive.writestr("notes.pkl", pickle.dumps(Trap(tmp_path / "sprung")))
    source = open_source(str(path), policy=DecodePolicy())
    assert (source.info.kind, len(source)) == ("zip", 1)
    assert not (tmp_path / "sprung").exists()
