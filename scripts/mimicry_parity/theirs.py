"""Mimicry's networks and train steps, run by the Python of an environment with mimicry.

    python theirs.py train REQUEST.pt ANSWER.pt
    python theirs.py time REQUEST.pt
    python theirs.py fit REQUEST.pt FOLDER

Nothing of ganeval is imported, and of mimicry only its networks, schedule and log: the package
itself would import its metrics, and with them TensorFlow.
"""

import copy
import importlib
import importlib.util
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch


def opened() -> None:
    """Let parts of mimicry be imported without what its packages' `__init__` import."""
    found = importlib.util.find_spec("torch_mimicry")
    assert found is not None
    assert found.submodule_search_locations is not None
    (root,) = found.submodule_search_locations
    for name, folder in {
        "torch_mimicry": root,
        "torch_mimicry.training": f"{root}/training",
    }.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [folder]


def pair(request: dict[str, Any]) -> tuple[Any, Any]:
    """Return generator and discriminator as a request names them."""
    nets = importlib.import_module(f"torch_mimicry.nets.{request['nets']}")
    classes = {} if request["num_classes"] is None else {"num_classes": request["num_classes"]}
    loss = {} if request["loss"] is None else {"loss_type": request["loss"]}
    generator = getattr(nets, f"{request['prefix']}Generator{request['suffix']}")
    discriminator = getattr(nets, f"{request['prefix']}Discriminator{request['suffix']}")
    return (
        generator(nz=request["latent_size"], ngf=request["ngf"], **classes, **loss),
        discriminator(ndf=request["ndf"], **classes, **loss),
    )


def feed(request: dict[str, Any], generator: Any) -> None:
    """Let mimicry use the latents, labels and mixing weights of a request instead of its own."""

    def moves(name: str) -> Iterator[torch.Tensor]:
        for step in request[name]:
            yield from step

    latents, labels = moves("z"), moves("labels")
    if request["num_classes"] is None:
        generator.generate_images = lambda num_images, device=None: generator(next(latents))
    else:

        def with_labels(num_images: int, c: Any = None, device: Any = None) -> tuple[Any, Any]:
            chosen = next(labels)
            return generator(next(latents), chosen), chosen

        generator.generate_images_with_labels = with_labels
    if request["nets"] == "wgan_gp":
        mixes = moves("mix")
        torch.rand = lambda num, one: next(mixes).reshape(num, one)  # type: ignore[assignment]


class Training:
    """What mimicry's Trainer does in a step, apart from fetching data and writing logs."""

    def __init__(self, request: dict[str, Any], generator: Any, discriminator: Any) -> None:
        """Make the optimizers and the schedule."""
        scheduler = importlib.import_module("torch_mimicry.training.scheduler")
        self.log = importlib.import_module("torch_mimicry.training.metric_log").MetricLog
        self.generator, self.discriminator = generator, discriminator
        self.optimizers = [
            torch.optim.Adam(net.parameters(), request["lr"], betas=request["betas"])
            for net in (discriminator, generator)
        ]
        self.schedule = scheduler.LRScheduler(
            request["decay"], *self.optimizers, num_steps=request["num_steps"]
        )
        self.done = 0

    def step(self, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, float]:
        """Move D on each batch, then G, and let the rates decay; return the losses."""
        log = self.log()
        for batch in batches:
            log = self.discriminator.train_step(
                real_batch=batch,
                netG=self.generator,
                optD=self.optimizers[0],
                log_data=log,
                global_step=self.done,
                device=torch.device("cpu"),
                scaler=None,
            )
        log = self.generator.train_step(
            real_batch=batch,
            netD=self.discriminator,
            optG=self.optimizers[1],
            log_data=log,
            global_step=self.done,
            device=torch.device("cpu"),
            scaler=None,
        )
        self.done += 1
        self.schedule.step(log_data=log, global_step=self.done)
        return {name: log.metrics_dict[name]["value"] for name in ("errD", "errG")}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the first weights, what the networks make of them, and all after some steps."""
    torch.set_default_dtype(request["dtype"])
    torch.manual_seed(0)
    generator, discriminator = pair(request)
    first = copy.deepcopy({"G": generator.state_dict(), "D": discriminator.state_dict()})
    conditions = () if request["num_classes"] is None else (request["labels"][0][0],)
    made, judge = copy.deepcopy((generator, discriminator))
    with torch.no_grad():
        images = made(request["z"][0][0], *conditions)
        logits = judge(images, *conditions), judge(request["real"][0][0], *conditions)
        losses = {
            "D": discriminator.compute_gan_loss(output_fake=logits[0], output_real=logits[1]),
            "G": generator.compute_gan_loss(logits[0]),
        }
    feed(request, generator)
    training = Training(request, generator, discriminator)
    log = [
        training.step(list(zip(request["real"][step], request["real_labels"][step], strict=True)))
        for step in range(request["steps"])
    ]
    with torch.no_grad():
        last = generator(request["z"][0][0], *conditions)
    return {
        "first": first,
        "images": images,
        "logits": logits,
        "losses": losses,
        "log": log,
        "final": {"G": generator.state_dict(), "D": discriminator.state_dict()},
        "last_images": last,
    }


def time_steps(request: dict[str, Any]) -> None:
    """Make a step for each line that comes in, and print the seconds that it took."""
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    training = Training(request, *pair(request))
    batches = list(zip(request["real"][0], request["real_labels"][0], strict=True))
    for _ in sys.stdin:
        begin = time.perf_counter()
        training.step(batches)
        print(time.perf_counter() - begin, flush=True)


def fit(request: dict[str, Any], folder: Path) -> None:
    """Train on pictures with mimicry's own random numbers; leave samples at some steps.

    The pictures come in a new order in each epoch. Samples are made as mimicry makes them for its
    scores, in evaluation mode, and become uint8 [N, H, W, 3] in `FOLDER/000500.npz`.
    """
    torch.set_num_threads(1)
    torch.manual_seed(request["seed"])
    training = Training(request, *pair(request))
    pixels = request["pixels"]

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = torch.empty(0, dtype=torch.int64)
        while True:
            while len(order) < request["batch_size"]:
                order = torch.cat([order, torch.randperm(len(pixels))])
            chosen, order = order[: request["batch_size"]], order[request["batch_size"] :]
            yield pixels[chosen].float() / 127.5 - 1, torch.zeros(len(chosen), dtype=torch.int64)

    stream = batches()
    for step in range(1, request["num_steps"] + 1):
        training.step([next(stream) for _ in range(request["num_first"])])
        if step % request["save_every"]:
            continue
        made = []
        training.generator.eval()
        with torch.no_grad():
            for first in range(0, request["num_samples"], 100):
                num = min(100, request["num_samples"] - first)
                images = training.generator.generate_images(num, device=torch.device("cpu"))
                made.append(((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8))
        training.generator.train()
        begun = folder / "begun.npz"
        np.savez(begun, torch.cat(made).permute(0, 2, 3, 1).numpy())
        begun.rename(folder / f"{step:06}.npz")


if __name__ == "__main__":
    opened()
    task, asked, *rest = sys.argv[1:]
    wanted = torch.load(asked, weights_only=True)
    if task == "time":
        time_steps(wanted)
    elif task == "fit":
        fit(wanted, Path(rest[0]))
    else:
        torch.save(answer(wanted), rest[0])
