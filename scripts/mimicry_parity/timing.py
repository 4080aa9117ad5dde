"""Interleaved steps of ours, of mimicry's, and of a plain loop, each on one thread."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from mimicry_parity.ours import PEERS, SEED, narrowed, noise, request
from mimicry_parity.parity import THEIRS
from reference_models import dcgan
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.engine.train import begin, one_step

CPU = torch.device("cpu")
PLAIN = with_settings(
    dcgan.RECIPE,
    {"generator.latent_size": 100, "generator.width": 64, "discriminator.width": 64},
)
Step = Callable[[], float]
"""Makes one step and returns the seconds that it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Medians of interleaved steps.

    Attributes:
        work: What a step is of.
        ours: Seconds.
        other: Seconds of the same by the other.
        ratio: Median of the ratios of neighbouring steps, and the quartiles around it.
        most: What the ratio may be.
    """

    work: str
    ours: float
    other: float
    ratio: tuple[float, float, float]
    most: float


def timings(python: Path, *, rounds: int) -> list[Timing]:
    """Return the timings of SN-GAN and WGAN-GP beside mimicry's, of DCGAN beside a plain loop."""
    found = []
    for name, divisor, batch in [
        *(("sngan", 4, 16), ("wgan-gp", 4, 16)),
        *(("sngan", 1, 4), ("wgan-gp", 1, 4)),
    ]:
        peer = PEERS[name]
        recipe = narrowed(peer.recipe, divisor, batch_size=batch, steps=1000)
        widths = [recipe.networks[one]["width"] for one in ("generator", "discriminator")]
        work = f"{name} beside mimicry, widths {widths[0]} and {widths[1]}, batch {batch}"
        print(f"{work} ...", file=sys.stderr, flush=True)
        asked = request(peer, recipe, size=32, dtype=torch.float32, steps=1)
        with tempfile.TemporaryDirectory() as folder:
            question = Path(folder, "request.pt")
            torch.save({**asked, "threads": torch.get_num_threads()}, question)
            with other_process(python, question) as theirs:
                found.append(interleaved(work, engine(recipe), theirs, rounds, most=1.0))
    work = "dcgan beside a plain loop, 32 x 32, widths 64, batch 64"
    found.append(interleaved(work, engine(PLAIN), plain_loop(PLAIN), 3 * rounds, most=1.1))
    return found


def interleaved(work: str, ours: Step, other: Step, rounds: int, *, most: float) -> Timing:
    """Let both make steps in turn; the first of each warms up."""
    ours(), other()
    pairs = []
    for number in range(rounds):
        first, second = (ours, other) if number % 2 else (other, ours)
        seconds = {first: first(), second: second()}
        pairs.append((seconds[ours], seconds[other]))
    lower, middle, upper = statistics.quantiles([one / two for one, two in pairs], n=4)
    return Timing(
        work=work,
        ours=statistics.median(one for one, _ in pairs),
        other=statistics.median(two for _, two in pairs),
        ratio=(lower, middle, upper),
        most=most,
    )


def engine(recipe: Recipe) -> Step:
    """Return a step as `ganeval train` makes it, with its batches, random numbers and average."""
    data = noise(32, 256)
    run = begin(recipe, data, seed=SEED, device=CPU)

    def step() -> float:
        start = time.perf_counter()
        one_step(run, recipe, data, seed=SEED, device=CPU)
        return time.perf_counter() - start

    return step


@contextmanager
def other_process(python: Path, question: Path) -> Iterator[Step]:
    """Yield a step of mimicry's in a process of its own, batches ready in memory."""
    command = [str(python), str(THEIRS), "time", str(question)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answered = process.stdin, process.stdout

        def step() -> float:
            print(file=asked, flush=True)
            return float(answered.readline())

        yield step
        asked.close()


def plain_loop(recipe: Recipe) -> Step:
    """Return a step of the loop that most tutorials have, on the same networks.

    As the DCGAN of pytorch/examples: D learns from a real batch and from a generated one, in two
    backward passes; the same generated batch then goes through D again for G. Batches and labels
    are in memory; three losses are read, and there is no average.
    """
    game = recipe.build(noise(32), torch.Generator().manual_seed(SEED))
    networks: list[nn.Module] = [
        game.get_submodule(name) for name in ("generator", "discriminator")
    ]
    generator, discriminator = networks
    move_g, move_d = (
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999)) for network in networks
    )
    real = noise(32, 256).batch(SEED, 0, recipe.batch_size)["real"]
    ones, zeros = torch.ones(recipe.batch_size), torch.zeros(recipe.batch_size)

    def step() -> float:
        start = time.perf_counter()
        discriminator.zero_grad()
        loss_real = F.binary_cross_entropy_with_logits(discriminator(real), ones)
        torch.autograd.backward(loss_real)
        fake = generator(torch.randn(recipe.batch_size, 100))
        loss_fake = F.binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros)
        torch.autograd.backward(loss_fake)
        move_d.step()
        generator.zero_grad()
        loss = F.binary_cross_entropy_with_logits(discriminator(fake), ones)
        torch.autograd.backward(loss)
        move_g.step()
        _ = loss_real.item(), loss_fake.item(), loss.item()
        return time.perf_counter() - start

    return step
