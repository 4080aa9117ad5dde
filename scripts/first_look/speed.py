"""Images per second: the network alone, decoding alone, and both as a run has them."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

import ganeval
from scripts.first_look.network import Network, open_network
from scripts.first_look.pictures import Pictures
from scripts.first_look.sheet import Line

LEAST_SECONDS = 1.0  # of a measurement


def speed_lines(pictures: Pictures, device: str) -> Iterator[Line]:
    """Yield the rates of each extractor in both precisions; a small look is content with float32.

    End to end counts the pictures of a larger run less those of a smaller one, over the difference
    of their times: loading the network is in both.
    """
    num = len(list(pictures.large.iterdir()))
    sizes, cores = (4,) if pictures.small else (64, 256), os.cpu_count() or 1
    for extractor, weights in pictures.extractors.items():
        decoding: dict[int, float] = {}
        for precision in ("float32",) if pictures.small else ("float32", "bfloat16"):
            network = open_network(extractor, weights, device, precision)
            rates = network_rates(network, device, sizes, once=pictures.small)
            yield Line(
                work=f"{extractor}, {precision}: network alone, images/s",
                seen=f"{rates['resident'][sizes[0]]:.0f} at {sizes[0]} a batch",
                beside=", ".join(
                    f"{rate:.0f} at {size} {where}"
                    for where, by_size in rates.items()
                    for size, rate in by_size.items()
                    if (where, size) != ("resident", sizes[0])
                ),
                numbers=rates,
            )
            if not decoding:
                decoding = {
                    threads: decoding_rate(pictures.large, network, threads, share)
                    for threads, share in ((1, num // 8), (cores, num))
                }
                yield Line(
                    work=f"{extractor}: decoding {num} PNG of 256 pixels alone, images/s",
                    seen=f"{decoding[cores]:.0f} on {cores} threads",
                    beside=f"{decoding[1]:.0f} on one",
                    numbers=decoding,
                )
            if pictures.small and extractor == "inception":  # which takes long on a CPU
                continue

            score = partial(
                _score,
                pictures.large,
                extractor=extractor,
                weights=weights,
                precision=precision,
                device=device,
            )
            if pictures.small:  # too short a time for a difference
                seconds = {0: 0.0, num: seconds_of(partial(score, num))}
            else:
                score(num // 4)  # the first run chooses kernels
                seconds = {many: seconds_of(partial(score, many)) for many in (num // 4, num)}
            few = min(seconds)
            rate = (num - few) / (seconds[num] - seconds[few])
            slower = min(rates["from pinned memory"][sizes[0]], max(decoding.values()))
            yield Line(
                work=f"{extractor}, {precision}: end to end, images/s",
                seen=f"{rate:.0f}",
                beside=f"{rate / slower:.0%} of the slower of network and decoding; "
                f"{num} images with loading in {seconds[num]:.1f} s",
                numbers={"images_per_second": rate, "seconds": seconds},
            )


def _score(folder: Path, num_images: int, **options: object) -> None:
    """Run the network over some pictures of a folder, as a command does."""
    ganeval.evaluate(
        sample=folder, metrics=["is"], num_images=num_images, cache=False, offline=True, **options
    )


def network_rates(
    network: Network, device: str, sizes: tuple[int, ...], *, once: bool
) -> dict[str, dict[int, float]]:
    """Return images per second by batch size, of batches on the device and in pinned memory."""
    rates: dict[str, dict[int, float]] = {"resident": {}, "from pinned memory": {}}
    for size in sizes:
        batch = torch.zeros(size, 3, network.size, network.size)
        if device != "cpu":
            batch = batch.pin_memory()
        for where, images in zip(rates, (batch.to(device), batch), strict=True):
            network.run(images)
            _wait(device)
            begin, turns = time.perf_counter(), 0
            while turns == 0 or (not once and time.perf_counter() - begin < LEAST_SECONDS):
                for _ in range(1 if device == "cpu" else 8):  # a GPU is given work ahead
                    network.run(images)
                    turns += 1
                _wait(device)
            rates[where][size] = turns * size / (time.perf_counter() - begin)
    return rates


def decoding_rate(folder: Path, network: Network, threads: int, num: int) -> float:
    """Return pictures per second from file to the network's input."""
    source = ganeval.open_source(folder, policy=ganeval.Settings().decode)

    def decode(item: Any) -> None:
        network.prepare(item.picture())

    def read_and_decode() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(decode, source.load(range(num))))

    return num / seconds_of(read_and_decode)


def seconds_of(function: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _wait(device: str) -> None:
    """Wait until the device has done all that it was given."""
    if device != "cpu":
        torch.cuda.synchronize(device)
