"""Which of the tips of soumith/ganhacks help DCGAN here, and the page `docs/measured/ganhacks.md`.

    .venv/bin/python scripts/ganhacks.py

DCGAN is trained as it stands and with each tip switched, one at a time, several seeds each, on the
digits and on the colour pictures of `emoji/` (see scripts/emoji.py). What is in the file of numbers
already is not trained again; the page has the data that the file has.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import ganeval  # noqa: E402
from ganeval.scores.multiplicity import format_p_value, holm_adjusted  # noqa: E402
from ratios import Ratio, ratio  # noqa: E402
from reference_models import dcgan  # noqa: E402
from reference_models.engine.data import training_data  # noqa: E402
from reference_models.engine.kinds.pictures import as_source  # noqa: E402
from reference_models.engine.recipe import Recipe  # noqa: E402
from reference_models.engine.settings import with_settings  # noqa: E402
from reference_models.experiments.measure import trained  # noqa: E402
from suite import when_and_where  # noqa: E402

PAGE = ROOT / "docs" / "measured" / "ganhacks.md"
RUNS = ROOT / "runs" / "ganhacks"  # for the statistics of references
NUM_SEEDS = 5
NUM_BASELINE = 10  # seeds of what everything is compared with
STEPS = 300
ALPHA = 0.05
Settings = Mapping[str, Any]
Numbers = dict[str, dict[str, Any]]
"""By the run: its `fid`, its `seconds`, and `where` it ran and when."""


@dataclass(frozen=True, slots=True)
class Hack:
    """A tip, and what turns it on, or off where the baseline has it.

    Attributes:
        tip: Its number in the list.
        said: What it advises, in a few words.
        settings: What of the baseline is changed.
        of_baseline: Whether the baseline has it, so that the settings turn it off.
    """

    tip: int
    said: str
    settings: Settings
    of_baseline: bool = False


HACKS = {
    "non-saturating": Hack(
        2, "G maximises log D, not minimises log(1 - D)", {"game.objective": "minimax"}, True
    ),
    "normal-prior": Hack(3, "normal latents, not uniform ones", {"prior": "uniform"}, True),
    "batches-apart": Hack(
        4, "real and generated samples in batches of their own", {"game.mixed_batches": True}, True
    ),
    "batch-norm-d": Hack(4, "BatchNorm in D", {"discriminator.batch_norm": False}, True),
    "batch-norm-g": Hack(4, "BatchNorm in G", {"generator.batch_norm": False}, True),
    "leaky-d": Hack(5, "LeakyReLU in D", {"discriminator.slope": 0.0}, True),
    "leaky-g": Hack(5, "LeakyReLU in G", {"generator.slope": 0.2}),
    "smooth-real": Hack(6, "label 0.9 of real samples", {"game.label_smoothing": 0.1}),
    "smooth-both": Hack(
        6, "labels 0.9 and 0.1", {"game.label_smoothing": 0.1, "game.fake_label": 0.1}
    ),
    "soft": Hack(
        6,
        "labels from 0.75 to 1.15 and from -0.05 to 0.35",
        {"game.label_smoothing": 0.05, "game.fake_label": 0.15, "game.label_noise": 0.2},
    ),
    "flips": Hack(6, "one label of twenty flipped", {"game.label_flips": 0.05}),
    "replay": Hack(8, "D sees an earlier sample in place of one of ten", {"game.replay": 0.1}),
    "sgd-d": Hack(
        9,
        "SGD for D, Adam for G",
        {
            "optimizers.D.name": "sgd",
            "optimizers.D.lr": 0.001,
            "optimizers.D.momentum": 0.9,
        },
    ),
    "noise": Hack(
        13,
        "noise on what D sees, of std 0.1, falling to 0",
        {"game.noise_std": 0.1, "game.noise_images": 64 * STEPS},
    ),
    "more-d": Hack(14, "two moves of D for each of G", {"solver.num_first": 2}),
    "dropout": Hack(17, "dropout in G, in sampling too", {"generator.dropout": True}),
}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Data to train on, and how samples are scored.

    Attributes:
        title: In the page.
        settings: Of the baseline.
        extractor: Whose features FID has.
        num: Samples that are scored.
        reference: What they are compared with.
        said: What the page says of all this.
    """

    title: str
    settings: Settings
    extractor: str
    num: int
    reference: str
    said: str


def all_pictures(emoji: Path) -> dict[str, Pictures]:
    """Return the data by name; the colour pictures are in a folder."""
    colour = f"folder:{emoji},size=32"
    return {
        "digits": Pictures(
            "Digits",
            {"data": "digits"},
            "random",
            360,
            "data:digits,split=test,size=16",
            "Digits of 16 x 16 pixels, networks of width 32. FID compares 360 samples with the 360 "
            "held-out digits, features of ganeval's extractor `random`.",
        ),
        "colour": Pictures(
            "Colour pictures",
            {"data": colour, "generator.width": 16, "discriminator.width": 16},
            "efficientnet-lite0",
            1000,
            colour,
            "Twemoji (CC-BY 4.0, `./scripts/emoji emoji --tones`) of 32 x 32 pixels, on white, "
            "networks of width 16. FID compares 1,000 samples with all pictures, features of "
            "`efficientnet-lite0`. 300 steps are the beginning of a training here: after 2,000 of "
            "batches of 32 the FID of DCGAN is near 220 ([gallery.md](gallery.md)), on 2,000 "
            "samples.",
        ),
    }


@click.command()
@click.argument("names", metavar="[digits] [colour]", nargs=-1)
@click.option("--numbers", type=click.Path(path_type=Path), default=PAGE.with_suffix(".json"))
@click.option("--page", "page_file", type=click.Path(path_type=Path), default=PAGE)
@click.option("--emoji", type=click.Path(path_type=Path), default=Path("emoji"))
@click.option("--processes", default=os.cpu_count(), show_default=True)
def ganhacks(
    names: tuple[str, ...], numbers: Path, page_file: Path, emoji: Path, processes: int
) -> None:
    """Train what is missing of the data with these NAMES, or of both, and write the page."""
    pictures = all_pictures(emoji)
    for name in names:
        if name not in pictures:
            raise click.UsageError(f"no data '{name}'; there are {', '.join(pictures)}")
    names = names or tuple(pictures)
    if "colour" in names and not emoji.is_dir():
        raise click.ClickException(
            f"{emoji}: not there; `./scripts/emoji emoji --tones` lays it out"
        )
    known: Numbers = json.loads(numbers.read_text(encoding="utf-8")) if numbers.exists() else {}
    jobs = {
        key(name, hack, seed): (recipe_of(pictures[name], hack), seed, pictures[name])
        for name in names
        for hack in ("", *HACKS)
        for seed in range(NUM_SEEDS if hack else NUM_BASELINE)
    }
    missing = {one: job for one, job in jobs.items() if one not in known}
    references = {
        name: statistics_of(pictures[name], RUNS / f"{name}.npz")
        for name in names
        if any(one.startswith(f"{name} ") for one in missing)
    }
    with ProcessPoolExecutor(processes, initializer=_one_thread) as pool:
        running = {
            pool.submit(measure, *job, references[one.split(" ")[0]]): one
            for one, job in missing.items()
        }
        for done in as_completed(running):
            known[running[done]] = done.result()
            numbers.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            click.echo(f"{running[done]}: {known[running[done]]}", err=True)
    page_file.write_text(page(known, pictures), encoding="utf-8")


def key(name: str, hack: str, seed: int) -> str:
    """Return the name of a run in the file; the name of the baseline has no hack."""
    return f"{name} {hack or 'baseline'} {seed}"


def recipe_of(pictures: Pictures, hack: str) -> Recipe:
    """Return the baseline on some data, with a hack switched; "" for none."""
    changes = HACKS[hack].settings if hack else {}
    return with_settings(dcgan.RECIPE, {**pictures.settings, **changes})


def statistics_of(pictures: Pictures, file: Path) -> str:
    """Return stored statistics of the reference, made if they are not there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "ganeval", "stats", "make", pictures.reference]
        words += ["-o", str(file), "--extractor", pictures.extractor, "--quiet"]
        words += ["--device", "cpu"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(words, check=True, env=environment)
    return str(file)


def _one_thread() -> None:
    """The processes are what runs in parallel; one thread makes the same bits on any machine."""
    import torch

    torch.set_num_threads(1)


def measure(recipe: Recipe, seed: int, pictures: Pictures, reference: str) -> dict[str, Any]:
    """Train once and return FID, the seconds of processor time for all of it, and where."""
    begun = time.process_time()
    data = training_data(recipe)
    run = trained(recipe, data, steps=STEPS, seed=seed)
    report = ganeval.evaluate(
        sample=as_source(run.average, recipe, data, num_images=pictures.num, seed=seed),
        reference=reference,
        metrics=["fid"],
        extractor=pictures.extractor,
        device="cpu",
        cache=False,
    )
    return {
        "fid": float(report["fid"].value),
        "seconds": time.process_time() - begun,
        "where": when_and_where(),
    }


def fids(known: Numbers, name: str, hack: str) -> list[float]:
    """Return the FIDs of a row, of the seeds that there are."""
    num = NUM_SEEDS if hack else NUM_BASELINE
    keys = [key(name, hack, seed) for seed in range(num)]
    return [known[one]["fid"] for one in keys if one in known]


def compared(known: Numbers, name: str) -> dict[str, Ratio]:
    """Return FID with each hack over FID without, by the hack; those with too few runs are out."""
    usual = fids(known, name, "")
    found = {}
    for hack, one in HACKS.items():
        switched = fids(known, name, hack)
        if min(len(switched), len(usual)) >= NUM_SEEDS:
            sides = (usual, switched) if one.of_baseline else (switched, usual)
            found[hack] = ratio(*(np.array(side) for side in sides))
    return found


def verdict(found: Ratio, p_value: float) -> str:
    """Return what a ratio says, its p-value adjusted."""
    if p_value >= ALPHA:
        return "can't be told"
    return "**helped**" if found.value < 1 else "**hurt**"


def page(known: Numbers, pictures: Mapping[str, Pictures]) -> str:
    """Return the text of the page, of the numbers that are there."""
    ratios = {(name, hack): one for name in pictures for hack, one in compared(known, name).items()}
    adjusted = dict(
        zip(ratios, holm_adjusted([one.p_value for one in ratios.values()]), strict=True)
    )
    sections: list[str] = []
    for name, one in pictures.items():
        rows = []
        for hack, each in HACKS.items():
            if (name, hack) not in ratios:
                continue
            found, p_value = ratios[name, hack], adjusted[name, hack]
            assert p_value is not None
            said = verdict(found, p_value)
            usual, switched = summary(fids(known, name, "")), summary(fids(known, name, hack))
            on, off = (usual, switched) if each.of_baseline else (switched, usual)
            rows.append(
                f"| {each.tip} | {each.said} | {on} | {off} "
                f"| {found.value:.2f} [{found.low:.2f}, {found.high:.2f}] "
                f"| {format_p_value(p_value)} | {said} |"
            )
        if rows:
            told = statistics.median(
                found.high / found.value for (of, _), found in ratios.items() if of == name
            )
            runs = [run for of, run in known.items() if of.startswith(f"{name} ")]
            minutes = sum(run["seconds"] for run in runs) / 60
            sections += [
                f"## {one.title}",
                f"`./scripts/ganhacks {name}`, {' '.join(sorted({run['where'] for run in runs}))} "
                f"{minutes:.0f} minutes of processor time, one thread for each run.",
                f"{one.said} Half of the intervals reach no farther than by a factor of "
                f"{told:.2f}: what a tip changes by much less cannot be seen here.",
                "\n".join([HEAD, *rows]),
            ]
    settings = "\n".join(
        f"| {each.tip} | {'off' if each.of_baseline else 'on'} "
        f"| {', '.join(f'`{name}={_toml(value)}`' for name, value in each.settings.items())} |"
        for each in HACKS.values()
    )
    return TEXT.format(
        steps=STEPS,
        seeds=NUM_SEEDS,
        baseline=NUM_BASELINE,
        num=len(ratios),
        sections="\n\n".join(sections),
        settings=settings,
    )


def _toml(value: Any) -> str:
    """Return a value as `--set` takes it."""
    return value if isinstance(value, str) else json.dumps(value)


def summary(values: list[float]) -> str:
    """Return mean and standard deviation as text."""
    return f"{statistics.mean(values):.3g} +- {statistics.stdev(values):.2g}"


HEAD = """\
| tip | what it advises | FID with | FID without | with / without | p (Holm) | verdict |
|---:|---|---:|---:|---|---:|---|"""

TEXT = """\
# The tips of ganhacks, tested

"How to Train a GAN? Tips and tricks to make GANs work" (Chintala, Denton, Arjovsky and Mathieu, 2016, [soumith/ganhacks](https://github.com/soumith/ganhacks)) is the list that many trainings of GANs start from. It says of itself that it is no longer maintained, and that its author was not sure in 2020 how relevant it still is. [ganhacks.md](../ganhacks.md) says which setting each tip is. Here each that DCGAN can have is switched on its own.

**Read it for what it is.** The trainings are short, {steps} steps of a batch of 64, and the networks small. A tip that keeps a long training from collapsing has no chance to show it. The settings of a tip are one choice of many, and none was tuned but the rate of SGD (see below). The tips are switched one at a time, from a baseline that has seven of the sixteen; together they may do what none does alone. So *hurt* means that it hurt here, and *can't be told* does not mean that it does nothing.

The baseline is `ganeval train dcgan`, the networks and optimizers of Radford et al. 2016 at a smaller width. {baseline} seeds of it and {seeds} of each switch; FID with +- the standard deviation over seeds. The ratio is that of FID with the tip to FID without it, whichever of the two is the baseline: below 1 the tip helped. Its interval is of 95 %, by the delta method on the logarithm with Welch's degrees of freedom, for that row alone. The verdict goes by p, which Holm's method has adjusted for all {num} rows of this page: with 95 % probability no verdict is wrong by chance. Runs of a switch and of the baseline share seeds, which makes the intervals wider than they need be, if anything. Compare FID within one table only.

{sections}

## Settings

Each is `ganeval train dcgan --set NAME=VALUE`; *off* where the baseline has the tip, and the setting turns it off.

| tip | turns it | settings |
|---:|---|---|
{settings}

SGD needs other rates than Adam. The rates 0.0001, 0.0003, 0.001, 0.01 and 0.1, all with momentum 0.9, were tried in one training each, with another seed: 0.001 had the lowest FID on digits.

The loss is linear in the label. So flips have on average the loss of smoothing both labels, and noise around a label adds nothing but variance: see `reference_models/parts/labels.py`.
"""  # noqa: E501 (prose of a page)


if __name__ == "__main__":
    ganhacks()
