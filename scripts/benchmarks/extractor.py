"""The Inception network: images per second, beside pytorch-fid's and the machine's limit.

Each network runs in a process of its own, as its users run it, and the processes take turns.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.timing import Figure, seconds_of
from ganeval.extractors.base import ExtractorRequest
from ganeval.extractors.inception import Inception
from ganeval.extractors.inception_network import fid_inception
from ganeval.extractors.inference import DTYPES
from ganeval.flow.workspace import MICRO_BATCH
from ganeval.machine.memory import keep_freed_memory

NUM_IMAGES = 48
PEER = "pytorch-fid"
Network = Callable[[torch.Tensor], torch.Tensor]

_network: Network  # of this process


def extractor_figures(weights: Path, rounds: int) -> Iterator[Figure]:
    """Yield the rates in float32 and bfloat16."""
    best: dict[str, float] = {}
    limits: dict[str, float] = {}
    with ExitStack() as stack:
        pools = {
            name: stack.enter_context(
                ProcessPoolExecutor(1, get_context("spawn"), _prepare, (name, weights))
            )
            for name in (PEER, "float32", "bfloat16")
        }
        features = {name: pool.submit(_features).result() for name, pool in pools.items()}
        for _ in range(rounds):
            for name, pool in pools.items():
                seconds = pool.submit(_timed).result()
                best[name] = max(best.get(name, 0.0), NUM_IMAGES / seconds)
            for precision, dtype in DTYPES.items():
                limits[precision] = max(limits.get(precision, 0.0), product_rate(dtype))
    flop = flop_per_image()
    error = _relative(features["float32"], features[PEER])
    wanted = {"float32": (">= 2.3 x", ">= 75 %"), "bfloat16": (">= 4.5 x", "")}
    for precision in DTYPES:
        note = f" (features differ by {error:.0e} at most)" if precision == "float32" else ""
        yield Figure(
            work=f"Inception, {precision}, images/s{note}",
            ours=f"{best[precision]:.2f}",
            other=f"{PEER} {best[PEER]:.2f}",
            ratio=f"{best[precision] / best[PEER]:.2f} x",
            wanted=wanted[precision][0],
        )
        reached = best[precision] * flop
        yield Figure(
            work=f"Inception, {precision}, GFLOP/s at {flop / 1e9:.1f} GFLOP an image",
            ours=f"{reached / 1e9:.0f}",
            other=f"matrix product {limits[precision] / 1e9:.0f}",
            ratio=f"{reached / limits[precision]:.0%}",
            wanted=wanted[precision][1],
        )


def product_rate(dtype: torch.dtype) -> float:
    """Return the rate of the fastest product of matrices at hand, torch's or numpy's, in FLOP/s."""
    num = 4096
    tensor = torch.rand(num, num, generator=torch.Generator().manual_seed(0)).to(dtype)
    seconds = seconds_of(lambda: tensor @ tensor)
    if dtype is torch.float32:
        matrix = tensor.numpy()
        seconds = min(seconds, seconds_of(lambda: matrix @ matrix))
    return 2 * num**3 / seconds


def flop_per_image() -> float:
    """Return the floating-point operations of the network's convolutions for one image."""
    with torch.device("meta"):
        network, images = fid_inception().eval(), torch.empty(1, 3, 299, 299)
    with FlopCounterMode(display=False) as counter:
        network[:-1](images)
    return float(counter.get_total_flops())


def _prepare(name: str, weights: Path) -> None:
    """Load a network in its own process."""
    global _network
    if name == PEER:
        from pytorch_fid.inception import InceptionV3

        os.environ["TORCH_HOME"] = str(weights.parents[2])
        network = InceptionV3([3]).eval()
        _network = lambda images: network((images + 1) / 2)[0][:, :, 0, 0]  # noqa: E731
        return
    keep_freed_memory()
    request = ExtractorRequest(
        weights_path=weights,
        device="cpu",
        precision=name,  # type: ignore[arg-type]
        offline=True,
    )
    extractor, size = Inception.from_request(request), MICRO_BATCH["cpu"]
    _network = lambda images: torch.cat(  # noqa: E731
        [extractor(batch, ["pool"])["pool"] for batch in torch.split(images, size)]
    )


def _features() -> torch.Tensor:
    """Return the features of random images, float32 [NUM_IMAGES, 2048]."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(NUM_IMAGES, 3, 299, 299, generator=generator) * 2 - 1
    with torch.inference_mode():
        return _network(images).clone()


def _timed() -> float:
    """Return the seconds of one pass."""
    return seconds_of(_features)


def _relative(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest difference in units of the largest feature."""
    return float((one - other).abs().max() / other.abs().max())
