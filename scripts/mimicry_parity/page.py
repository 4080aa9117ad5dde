"""The page with the published scores, what was compared, and the medians of steps."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mimicry_parity.parity import BATCH, DIVISOR, Drift, Parity
from mimicry_parity.timing import Timing

TRAIN, TESTED = "50,000 of the training split", "mimicry's README, CIFAR-10"
SAME = "the same, Reproducibility"
PUBLISHED = [
    ("`sngan`", "16.77 +- 0.04", TRAIN, "50,000", TESTED),
    ("as in its paper", "23.90 +- 0.20 (paper: 21.7 +- 0.21)", "10,000", "5,000", SAME),
    ("`wgan-gp`", "22.29 +- 0.06", TRAIN, "50,000", TESTED),
    ("at the steps of a paper", "26.08 +- 0.12 (paper: 29.3)", "50,000", "50,000", SAME),
    ("`projection`", "10.84 +- 0.03", TRAIN, "50,000", TESTED),
    ("as in its paper", "17.84 +- 0.17 (paper: 17.5)", "10,000", "5,000", SAME),
    ("`dcgan`", "28.95 +- 0.42 (paper: 28.12)", "10,000", "10,000", SAME),
]
"""Recipe, FID, numbers of real and of generated images, source."""

SOURCES = """\
Each is `ganeval train MODEL --preset cifar10`. From the README of
[kwotsin/mimicry](https://github.com/kwotsin/mimicry), "CIFAR-10" and "Reproducibility":
TensorFlow's Inception network of 2015; +- is the standard deviation over three draws of images
from one trained network. Nobody has trained these recipes here: a run takes a GPU and days of a
CPU's. What is shown below is that they are the same networks, first weights, losses and moves. A
score depends on the sample sizes beside it (SN-GAN: 16.77 and 23.90).

Settings: Adam(2e-4, 0, 0.9), the rate falling to 0 over 100,000 steps, each of five moves of D
and one of G, batches of 64, no average of G. DCGAN's row is of mimicry's `dcgan_cifar`, which has
settings of its own ([kwotsin/mimicry#8](https://github.com/kwotsin/mimicry/issues/8)): betas 0.5
and 0.999, 200,000 steps without decay, images from 0 to 1. Ours makes and reads [-1, 1] like
every generator here: it stretches the sigmoid and lets D see (x + 1) / 2, which is the same
function.
"""

BEFORE = """\
Both sides have the weights that mimicry drew, mapped name by name and shape by shape. Whole
networks (of 32 x 32 pixels with 256 and 128 channels, of 64 x 64 with up to 1,024), float64:
|ours - mimicry's| over |mimicry's|, the largest. First weights are drawn by each side for itself
and compared tensor by tensor with the test of Kolmogorov and Smirnov: the least p of so many
tensors, to be read times their number. Tensors that are constant are equal.
"""

AFTER = """\
After {steps} steps (five moves of D and one of G each) on the same latents, labels, mixing
weights and batches, the rate falling to half where it falls, with widths divided by {divisor}
and batches of {batch} (whole networks would take hours): the largest relative difference of a
parameter. Idle biases are those of G's convolutions before a BatchNorm, which takes them away
again: their gradient is 0 but for rounding, and Adam makes steps of the rounding.
"""

LEFT = """\
In float64 nothing is left but rounding; in float32 it is the same rounding, grown over the steps as
between any two float32 trainings. The rows with another loss or iteration show that a difference in
kind would be seen. DCGAN's rows without a remark have mimicry's loss `gan`; its published score is
of `ns`, whose 1e-8 within the logarithm counts where D is all but sure that an image is generated,
as it soon is on these small batches. Ours has no such bound.
"""

NOTES = """\
What mimicry does that its comments or the papers do not say, and our networks do too:

* ReLU works in place in D, so the shortcut of a block gets the rectified input, not the input.
* Upsampling is bilinear.
* WGAN-GP has no LayerNorm in the critic, averages its last maps where the others add them up, and
  draws shortcuts and G's last layer as PyTorch does by default.
* "ns" and "gan" are one loss of G, up to a 1e-8 within the logarithm; ours has none.
* Spectral norm makes one power iteration in every pass of D (two in a move of D, one in a move of
  G), as algorithm 1 has it; ours under `game.refine=false`. In cGAN-PD the last layer and the class
  vectors have mimicry's own spectral norm, the other layers PyTorch's: one function.
"""

MEDIANS = """\
Medians of {rounds} interleaved steps ({many} beside the plain loop) on one thread, float32,
pictures of 32 x 32. A step is five moves of D and one of G; of DCGAN one and one. The ratio is
the median of those of neighbouring steps. With whole networks a step of a batch of 64 takes this
CPU about a minute, so widths or batches are smaller.
"""

SAVED = """\
What ours does not do, and mimicry does: gradients of D's weights while G moves; the graph of G
while D moves; the 1 x 1 convolutions of shortcuts on four times as many pixels as they need (they
commute with interpolation and averaging); sigmoids of the logits for the log. What ours does and
mimicry's side does not within the time that is measured: it makes its batches from bytes, draws
latents from a generator for each step and purpose, keeps the average of G, and refuses a loss
that is not finite. The plain loop makes one batch of generated images for both moves, ours one
for each.
"""


def page(found: Sequence[Parity], timed: Sequence[Timing], *, steps: int, rounds: int) -> str:
    """Return the page."""
    names = ("torch", "numpy", "scipy")
    versions = ", ".join(f"{name} {version(name)}" for name in ("ganeval", *names))
    parts = [
        "# The recipes of CIFAR-10 beside mimicry",
        f"`./scripts/mimicry --steps {steps} --rounds {rounds} -o docs/measured/mimicry.md`, "
        f"{datetime.now(UTC):%Y-%m-%d}, {processor()} ({os.cpu_count()} cores, shared with other "
        f"work), one thread, Python {platform.python_version()}, {versions}, torch-mimicry "
        f"{pinned()} in an environment of its own; its metrics are not imported.",
        "## Published scores",
        "\n".join(
            [
                "| recipe | FID | real images | generated | published in |",
                "|---|---|---|---|---|",
                *(f"| {' | '.join(line)} |" for line in PUBLISHED),
            ]
        ),
        SOURCES.strip(),
    ]
    if found:
        parts += ["## The same networks, first weights, losses and moves", *parity(found, steps)]
    if timed:
        parts += ["## Seconds of a step", *timing(timed, rounds)]
    return "\n\n".join(parts)


def parity(found: Sequence[Parity], steps: int) -> list[str]:
    """Return the tables of parity."""
    whole = [one for one in found if one.after is not None]
    shapes = [
        "| model | parameters of G | of D | images and logits | losses | first weights: least p |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        losses = "-" if one.losses is None else f"{one.losses:.1e}"
        p = "-" if one.least_p is None else f"{one.least_p[0]:.3f} of {one.least_p[1]}"
        numbers = " | ".join(f"{number:,}" for number in one.parameters)
        shapes.append(f"| {one.name} | {numbers} | {one.outputs:.1e} | {losses} | {p} |")
    after = [
        "| model | numbers | weights | idle biases | images | the steps moved weights by |",
        "|---|---|---|---|---|---|",
    ]
    for one in whole:
        drifts = {"float64": one.after, "float32": one.after_single}
        drifts |= {f"float64, {what}": drift for what, drift in one.others.items()}
        after += [row(one.name, what, drift) for what, drift in drifts.items() if drift]
    return [
        BEFORE.strip(),
        "\n".join(shapes),
        AFTER.format(steps=steps, divisor=DIVISOR, batch=BATCH).strip(),
        "\n".join(after),
        LEFT.strip(),
        NOTES.strip(),
    ]


def row(name: str, what: str, drift: Drift) -> str:
    """Return a row of the table of drifts."""
    figures = (drift.weights, drift.idle, drift.images)
    return f"| {name} | {what} | {' | '.join(f'{x:.1e}' for x in figures)} | {drift.moved:.1%} |"


def timing(timed: Sequence[Timing], rounds: int) -> list[str]:
    """Return the table of steps."""
    lines = [
        "| step of | ours | other | ratio [quartiles] | at most |",
        "|---|---|---|---|---|",
    ]
    for one in timed:
        lower, middle, upper = one.ratio
        lines.append(
            f"| {one.work} | {one.ours:.3f} | {one.other:.3f} "
            f"| {middle:.2f} [{lower:.2f}, {upper:.2f}] | {one.most:.2f} |"
        )
    return [
        MEDIANS.format(rounds=rounds, many=3 * rounds).strip(),
        "\n".join(lines),
        SAVED.strip(),
    ]


def processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def pinned() -> str:
    """Return the version of mimicry."""
    constraints = Path(__file__).parents[1] / "constraints.txt"
    lines = constraints.read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("torch-mimicry=="))
