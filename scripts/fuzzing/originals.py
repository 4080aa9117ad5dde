"""Valid files, small, that the doors change: each is made once and kept as bytes."""

import contextlib
import functools
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import PIL.Image
import safetensors.torch
import torch

from ganeval.cli.main import main
from ganeval.generators.card import Card, tensors_sha256
from reference_models.gan import Generator
from scripts.fuzzing.case import CACHE, FAST
from scripts.fuzzing.play import no_network, own_process_state
from tests.generators.networks import Example, seeded
from tests.pictures import blobs

NUM = 12
REAL, FAKE = "real.npz", "fake.npz"
NETWORK = [
    *("--entry", "tests.generators.networks:Example", "--latent-size", "8"),
    *("--latent-layout", "map", "--value-range", "-1,1"),
]
"""What the network of the files that are not ours is built with."""


@functools.cache
def pictures(seed: int, num: int = NUM) -> Any:
    """Return pictures, uint8 [num, 16, 16, 3]."""
    return blobs(num, seed=seed, height=16, width=16, shift=12.0 * seed)


@functools.cache
def npz(seed: int) -> bytes:
    """Return pictures as an .npz."""
    return npz_of(arr_0=pictures(seed))


def npz_of(**arrays: Any) -> bytes:
    """Return arrays as an .npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy_of(array: Any) -> bytes:
    """Return an array as an .npy."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@functools.cache
def encoded(seed: int, kind: str = "PNG") -> tuple[bytes, ...]:
    """Return pictures as files of a format."""
    return tuple(encode(PIL.Image.fromarray(pixels), kind) for pixels in pictures(seed))


def encode(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as a file of a format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write_pair(folder: Path) -> None:
    """Write a reference and a sample that nothing is wrong with."""
    (folder / REAL).write_bytes(npz(1))
    (folder / FAKE).write_bytes(npz(2))


def run(*words: str) -> None:
    """Run a command of ganeval that has to succeed, quietly."""
    nothing = io.StringIO()
    with (
        own_process_state(),
        no_network(),
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
    ):
        try:
            main([*words])
        except SystemExit as end:
            if end.code != 0:
                raise RuntimeError(f"{words}: {nothing.getvalue()}") from end


@functools.cache
def scored() -> Mapping[str, bytes]:
    """Return the files of a run and its baseline, and of its cache, by name."""
    with _folder() as folder:
        write_pair(folder)
        run("eval", REAL, FAKE, *FAST, "-m", "fid,kid,pr", "-o", "run.json")
        run("compare", REAL, FAKE, REAL, *FAST, "-m", "kid,fid", "-o", "pairs.json")
        run("baseline", "accept", "run.json", "-o", "base.json")
        run("stats", "make", REAL, *FAST, "-o", "stats.npz")
        return _files(folder)


@functools.cache
def trained() -> Mapping[str, bytes]:
    """Return the files of a training run of two steps, and its source of images."""
    with _folder() as folder:
        write_pair(folder)
        words = ("--data", f"npz:{REAL}", "--steps", "2", "--out", "run", "--eval-every", "1")
        run("train", "gan", *words, "--eval-extractor", "random", "--eval-images", "8")
        return {name: data for name, data in _files(folder).items() if CACHE not in name}


@functools.cache
def state() -> Mapping[str, torch.Tensor]:
    """Return the tensors of a network that is not ours."""
    return dict(seeded(Example()).state_dict())


@functools.cache
def torch_file(*, old: bool = False) -> bytes:
    """Return those tensors as torch.save writes them."""
    buffer = io.BytesIO()
    torch.save(dict(state()), buffer, _use_new_zipfile_serialization=not old)
    return buffer.getvalue()


@functools.cache
def tensors_file() -> bytes:
    """Return those tensors as safetensors."""
    return safetensors.torch.save(dict(state()), metadata={"format": "pt"})


@functools.cache
def own_network() -> tuple[Mapping[str, torch.Tensor], Mapping[str, Any]]:
    """Return the tensors of a reference model, and the fields of its card."""
    kwargs = {"latent_size": 4, "shape": [3, 16, 16], "width": 8}
    tensors = dict(seeded(Generator(**kwargs)).state_dict())  # type: ignore[arg-type]
    card = Card(
        model="gan", entry="reference_models.gan:Generator", kwargs=kwargs, prior="normal",
        latent_size=4, num_classes=None, value_range=(-1, 1), image_size=16, channels=3,
        norm_mode="none", ema=True, step=2, seed=0, data={"name": "npz:real.npz"},
        versions={"torch": "2"}, sha256=tensors_sha256(tensors),
    )  # fmt: skip
    return tensors, json.loads(card.text())


@functools.cache
def onnx_file() -> bytes:
    """Return a small network as ONNX: z [B, 8] -> tanh(z W) as [B, 3, 8, 8]."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).standard_normal((8, 192)).astype(np.float32)
    shape = np.array([-1, 3, 8, 8])
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["z", "w"], ["flat"]),
            helper.make_node("Tanh", ["flat"], ["bounded"]),
            helper.make_node("Reshape", ["bounded", "shape"], ["images"]),
        ],
        "g",
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(shape, "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder to work in, with a cache of its own."""
    with (
        tempfile.TemporaryDirectory() as name,
        contextlib.chdir(name),
        mock.patch.dict(os.environ, {"GANEVAL_CACHE": CACHE}),
    ):
        yield Path(name)


def _files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
