"""Files of networks: safetensors, their card, PyTorch's checkpoints and ONNX."""

import copy
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.torch
import torch

from ganeval.generators.card import METADATA_KEY
from scripts.fuzzing.case import FAST, Case
from scripts.fuzzing.mutation import (
    JSON_VALUES,
    NUMBERS,
    json_text,
    mutate_bytes,
    mutate_json,
    mutate_records,
)
from scripts.fuzzing.originals import (
    NETWORK,
    REAL,
    npz_of,
    onnx_file,
    own_network,
    state,
    tensors_file,
    torch_file,
    write_pair,
)


def drawing(rng: Random, name: str, options: list[str]) -> Case:
    """Return a command that draws samples of a network's file."""
    kind = rng.randrange(4)
    if kind == 0:
        words = ["sample", name, "-n", "3", "-o", "out", *options]
        return Case(words=words, writes=("out",))
    if kind == 1:
        return Case(words=["is", *FAST, *options, "--num-images", "12", name])
    if kind == 2:
        return Case(words=["doctor", *options, "--num-images", "12", REAL, f"generator:{name}"])
    return Case(words=["fid", *FAST, *options, REAL, f"generator:{name},num_images=12"])


def tensors(rng: Random, folder: Path) -> Case:
    """Safetensors of a network that is not ours."""
    write_pair(folder)
    data = tensors_file()
    if rng.random() < 0.7:
        end = 8 + int.from_bytes(data[:8], "little")
        header = mutate_json(rng, json.loads(data[8:end]))
        if isinstance(header, dict) and rng.random() < 0.3:
            name = rng.choice([key for key in header if key != "__metadata__"] or ["a"])
            header[name] = {
                "dtype": rng.choice(("F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3", "X", "U8")),
                "shape": rng.choice(([], [0], [-1], [8, 8, 4, 4], [2**62, 4], ["a"], [1.5], None)),
                "data_offsets": rng.choice(([0, 4], [4, 0], [0, 2**63], [0, 10**9], [-4, 0], [])),
            }
        text = json_text(rng, header)
        data = len(text).to_bytes(8, "little") + text + data[end:]
    if rng.random() < 0.4:
        data = mutate_bytes(rng, data, front=700)
    return drawing(rng, _write(folder, "g.safetensors", data), NETWORK)


def cards(rng: Random, folder: Path) -> Case:
    """Our own checkpoint with another card, sealed again so that its fields are looked at."""
    write_pair(folder)
    own, card = own_network()
    fields = mutate_json(rng, card)
    if rng.random() < 0.3:
        fields = copy.deepcopy(card)
        fields["kwargs"][rng.choice(("latent_size", "width", "shape", "a"))] = rng.choice(
            (*JSON_VALUES, [3, 16, 16], [1, 2, 4], [3, 0, 16], [3, 10**6, 10**6], 10**9, -4, 10**5)
        )
    if isinstance(fields, dict) and rng.random() < 0.9:
        fields.pop("seal", None)
        text = json.dumps(fields, sort_keys=True)
        fields["seal"] = hashlib.sha256(text.encode()).hexdigest()
    text = json.dumps(fields, sort_keys=True)
    if rng.random() < 0.1:
        text = json_text(rng, fields).decode("utf-8", "replace")
    try:
        data = safetensors.torch.save(dict(own), metadata={METADATA_KEY: text})
    except UnicodeEncodeError:  # a lone surrogate is not a text there
        data = safetensors.torch.save(dict(own), metadata={METADATA_KEY: "{}"})
    return drawing(rng, _write(folder, "own.safetensors", data), [])


def checkpoints(rng: Random, folder: Path) -> Case:
    """What torch.save writes, changed; nothing here opens the pickle in it."""
    write_pair(folder)
    kind = rng.randrange(6)
    if kind == 0:
        data = mutate_bytes(rng, torch_file(old=True), front=400)
    elif kind == 1:
        data = mutate_bytes(rng, torch_file(), front=400)
    elif kind == 2:
        data = _torch_file(_content(rng))
    elif kind == 3:
        data = npz_of(**{name: values.numpy() for name, values in state().items()})
        data = mutate_bytes(rng, data, front=300)
        return drawing(rng, f"generator:{_write(folder, 'g.npz', data)}"[10:], NETWORK)
    else:
        data = mutate_records(rng, torch_file())
    return drawing(rng, _write(folder, "g.pt", data), NETWORK)


def _content(rng: Random) -> Any:
    """Return what is nearly a dictionary of tensors."""
    content: dict[Any, Any] = dict(state())
    for name in rng.sample(list(content), rng.randint(1, 3)):
        values = content[name]
        changes: tuple[Callable[[], Any], ...] = (
            lambda values=values: values * float("nan"),
            lambda values=values: values.to(
                rng.choice((torch.float16, torch.complex64, torch.bool, torch.bfloat16))
            ),
            lambda values=values: values.reshape(-1)[: rng.choice((0, 1, 5))],
            lambda values=values: rng.choice((None, 1, "a", [values], {"a": values})),
            lambda values=values: values.to_sparse(),
            lambda values=values: values.to("meta"),
        )
        if rng.random() < 0.7:
            content[name] = rng.choice(changes)()
        else:
            other = rng.choice((f"module.{name}", f"a\n{name}", "", 1, (1, 2), "\udcff"))
            content[other] = content.pop(name)
    wrapped: tuple[Any, ...] = (
        content, content, {"g_ema": content}, {"state_dict": content, "epoch": 3},
        {"a": {"b": {"c": content}}}, {"g": content, "g_ema": content}, [content], {}, 1, None, "a",
        {"g_ema": list(content.values())}, {"a": torch.zeros(3)}, (content, content),
    )  # fmt: skip
    chosen = rng.choice(wrapped)
    if rng.random() < 0.1:
        circle: dict[str, Any] = {"a": chosen}
        circle["b"] = circle
        return circle
    return chosen


def _torch_file(content: object) -> bytes:
    """Return an object as torch.save writes it."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def onnx(rng: Random, folder: Path) -> Case:
    """ONNX, as changed messages and as changed bytes."""
    write_pair(folder)
    data = mutate_bytes(rng, onnx_file(), front=200) if rng.random() < 0.4 else _changed_model(rng)
    options = ["--value-range", rng.choice(("-1,1", "-1,1", "0,1"))]
    if rng.random() < 0.2:
        options += ["--latent-size", rng.choice(("8", "7", str(rng.choice(NUMBERS))))]
    return drawing(rng, _write(folder, "g.onnx", data), options)


def _changed_model(rng: Random) -> bytes:
    """Return an ONNX file of which one field has another value."""
    from onnx import TensorProto, load_model_from_string, numpy_helper

    model = load_model_from_string(onnx_file())
    graph = model.graph
    first, weights, shape = graph.input[0].type.tensor_type, *graph.initializer
    kind = rng.choice(("field", "field", "field", "external", "shape", "missing"))
    if kind == "field":
        holder, name, values = rng.choice(
            (
                (graph.node[0], "op_type", ("Loop", "", "MatMulX", "Add", "If", "a\nb")),
                (first.shape.dim[rng.randrange(2)], "dim_value", (0, 1, 7, 2**62, -1)),
                (first, "elem_type", (TensorProto.DOUBLE, TensorProto.STRING, 0, 99)),
                (model.opset_import[0], "version", (0, -1, 1, 99, 2**62)),
                (model, "ir_version", (0, -1, 99, 2**62)),
                (graph.output[0], "name", ("", "z", "none", "flat", "a\nb")),
                (weights, "data_type", (0, 99, TensorProto.STRING, TensorProto.INT8)),
            )
        )
        setattr(holder, name, rng.choice(values))
    elif kind == "external":
        weights.data_location = TensorProto.EXTERNAL
        weights.ClearField("raw_data")
        for key, texts in (
            ("location", ("../real.npz", "real.npz", "/etc/passwd", "g.onnx", "", "a\nb", ".")),
            ("offset", ("0", "-1", "x", "9" * 20)),
            ("length", ("6144", "-1", "x", "9" * 20)),
        ):
            weights.external_data.add(key=key, value=rng.choice(texts))
    elif kind == "shape":
        sizes = rng.choice(([-1, 3, 8, 9], [-1, -1, 8, 8], [0], [2**40, 3, 8, 8], [-1, 3, 64]))
        shape.CopyFrom(numpy_helper.from_array(np.array(sizes), "shape"))
        weights.dims[rng.randrange(2)] = rng.choice((8, 192, 0, 2**40, -1, 9))
    else:
        del rng.choice((graph.node, graph.input, graph.output, graph.initializer))[0]
    data: bytes = model.SerializeToString()
    return data


def _write(folder: Path, name: str, data: bytes) -> str:
    """Write a file and return its name."""
    (folder / name).write_bytes(data)
    return name
