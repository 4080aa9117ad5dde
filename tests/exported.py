"""One network in the forms that are slow to make."""

import warnings
from pathlib import Path

import torch

from tests.generators.networks import Example, seeded


def write_exported(folder: Path) -> Path:
    """Write one network as `g.onnx` (and `g.onnx.data`), `g.ts` and `g.pt2`."""
    network = seeded(Example()).eval()
    latents = torch.zeros(2, 8, 1, 1)
    batch = torch.export.Dim("batch", min=1, max=4096)
    with torch.no_grad(), warnings.catch_warnings():
        torch.onnx.export(  # as the documentation of torch shows
            network, (latents,), folder / "g.onnx", dynamo=True, dynamic_shapes=({0: "batch"},),
            verbose=False,
        )  # fmt: skip
        program = torch.export.export(network, (latents,), dynamic_shapes=({0: batch},))
        torch.export.save(program, folder / "g.pt2")
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        torch.jit.save(torch.jit.trace(network, (latents,)), folder / "g.ts")
    return folder
