"""The Inception network on other engines: onnxruntime, and OpenVINO where it is installed."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from benchmarks.timing import Figure, alternate
from ganeval.extractors.base import ExtractorRequest
from ganeval.extractors.inception import Inception
from ganeval.extractors.inception_network import fid_inception
from ganeval.extractors.inference import fold_batch_norms
from ganeval.flow.workspace import MICRO_BATCH
from ganeval.machine.memory import keep_freed_memory

SIZE = MICRO_BATCH["cpu"]


def engine_figures(folder: Path, weights: Path, rounds: int) -> Iterator[Figure]:
    """Yield the rate of each engine beside ours, on as many threads."""
    keep_freed_memory()
    images = torch.rand(SIZE, 3, 299, 299, generator=torch.Generator().manual_seed(0)) * 2 - 1
    path = folder / "inception.onnx"
    _export(weights, path, images)
    request = ExtractorRequest(weights_path=weights, device="cpu", offline=True)
    calls: dict[str, Callable[[], Any]] = {
        "ganeval": partial(Inception.from_request(request), images, ["pool"]),
        "onnxruntime": _onnxruntime(path, images),
    }
    if find_spec("openvino") is not None:
        calls["OpenVINO"] = _openvino(path, images)
    best = alternate(calls, rounds + 2)  # the first call of each engine prepares it
    ours = SIZE / best.pop("ganeval")
    for name, seconds in best.items():
        yield Figure(
            work=f"Inception, float32, {SIZE} images at a time, images/s",
            ours=f"{ours:.2f}",
            other=f"{name} {SIZE / seconds:.2f}",
            ratio=f"{ours * seconds / SIZE:.2f} x",
        )


def _export(weights: Path, path: Path, images: torch.Tensor) -> None:
    """Write the folded network as an ONNX file."""
    network = fid_inception()
    network.load_state_dict(torch.load(weights, weights_only=True))
    fold_batch_norms(network)
    program = torch.onnx.export(network[:-1].eval(), (images,), dynamo=True, verbose=False)
    assert program is not None
    program.save(path)


def _onnxruntime(path: Path, images: torch.Tensor) -> Callable[[], Any]:
    """Return a call of onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return partial(session.run, None, {session.get_inputs()[0].name: images.numpy()})


def _openvino(path: Path, images: torch.Tensor) -> Callable[[], Any]:
    """Return a call of OpenVINO."""
    import openvino

    options = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",
    }
    return partial(openvino.Core().compile_model(path, "CPU", options), [images.numpy()])
