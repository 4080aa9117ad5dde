"""SN-GAN on real colour pictures, ours and mimicry's, and the page `docs/measured/gallery.md`.

    .venv/bin/python scripts/gallery.py

Both sides train the same residual networks on the pictures of `emoji/` (see scripts/emoji.py) with
the same settings, each with random numbers of its own, several seeds each. Their samples are scored
alike. What is in the folder already is not trained again. Mimicry (kwotsin/mimicry) is installed
into an environment of its own, and its metrics are not imported.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import scipy.stats
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import ganeval  # noqa: E402
from mimicry import ENVIRONMENT, environment  # noqa: E402
from mimicry_parity.parity import THEIRS  # noqa: E402
from ratios import Values, ratio  # noqa: E402
from reference_models import sngan  # noqa: E402
from reference_models.engine.settings import preset_of, settings_of, toml_lines, with_settings  # noqa: E402
from reference_models.tour.sheet import write_sheet  # noqa: E402
from suite import when_and_where  # noqa: E402

SOURCE = "folder:emoji/,size=32"
SETTINGS = {
    "generator.width": 64,
    "discriminator.width": 32,
    "batch_size": 32,
    "solver.num_first": 1,
    "optimizers.D.lr": 2e-4,
}
"""What differs from the preset cifar10: what two cores can train."""

SEEDS = (0, 1, 2, 3)
POINTS = 4  # of the curve
NUM = 2000  # samples that are scored
EXTRACTOR = "efficientnet-lite0"
SIDES = {"ours": "#0072B2", "mimicry": "#D55E00"}  # Okabe and Ito: safe for the colour-blind
PAGE = ROOT / "docs" / "measured" / "gallery.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training run, by its side and its seed."""

    side: str
    seed: int
    folder: Path

    def samples(self, step: int, num: int) -> str:
        """Return the source text of what it made after a step."""
        if self.side == "mimicry":
            return f"npz:{self.folder}/{step:06}.npz"
        # No other run of this page has this seed, so that no two share latents.
        checkpoint = self.folder / "snapshots" / f"{step:06}.safetensors"
        return f"generator:{checkpoint},num_images={num},seed={1000 + self.seed}"


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("runs/gallery"))
@click.option("--steps", default=1000, show_default=True, help="Steps of each training.")
@click.option("--jobs", default=os.cpu_count(), help="Trainings at a time, a thread each.")
@click.option(
    "--environment",
    "mimicry_folder",
    type=click.Path(path_type=Path),
    default=ENVIRONMENT,
    show_default=True,
    help="Mimicry's; made if it is not there.",
)
def gallery(folder: Path, steps: int, jobs: int, mimicry_folder: Path) -> None:
    """Train what is missing, score everything and write the page."""
    if not Path("emoji").is_dir():
        raise click.ClickException("emoji: not there; `./scripts/emoji emoji --tones` lays it out")
    trainings = [
        Training(side=side, seed=seed, folder=folder / f"{side}-{seed}")
        for seed in SEEDS
        for side in SIDES
    ]
    source = ganeval.open_source(SOURCE, policy=ganeval.Settings().decode)
    pictures = torch.from_numpy(
        np.stack([item.picture().pixels for item in source.load(range(len(source)))])
    )
    with ThreadPoolExecutor(jobs) as pool:
        python = environment(mimicry_folder)
        list(pool.map(lambda one: train(one, steps, pictures, python), trainings))
    at = [steps * point // POINTS for point in range(1, POINTS + 1)]
    scores = {
        (one.side, one.seed, step): fid(one.samples(step, NUM), folder / "cache")
        for one in trainings
        for step in at
    }
    values = {
        side: np.array([[scores[side, seed, step] for step in at] for seed in SEEDS])
        for side in SIDES
    }
    draw_curves(PAGE.with_name("gallery-curves.png"), values, at)
    draw_samples(PAGE.with_name("gallery-samples.png"), trainings, steps)
    PAGE.write_text(page(values, at, len(pictures)), encoding="utf-8")
    click.echo(PAGE.read_text(encoding="utf-8"))


def train(one: Training, steps: int, pictures: torch.Tensor, python: Path) -> None:
    """Train one run, unless it was; its folder then holds samples or snapshots of each point."""
    every = steps // POINTS
    last = one.folder / ("snapshots" if one.side == "ours" else "") / f"{steps:06}"
    if any(last.parent.glob(f"{last.name}.*")):
        return
    one.folder.mkdir(parents=True, exist_ok=True)
    recipe = with_settings(sngan.RECIPE, preset_of(sngan.RECIPE, "cifar10"))
    recipe = with_settings(recipe, {**SETTINGS, "data": SOURCE, "steps": steps})
    if one.side == "ours":
        config = one.folder / "gallery.toml"
        config.write_text("\n".join(toml_lines(settings_of(recipe))), encoding="utf-8")
        words = [sys.executable, "-m", "ganeval", "train", "sngan", "--config", str(config)]
        words += ["--seed", str(one.seed), "--out", str(one.folder), "--device", "cpu"]
        words += ["--snapshot-every", str(every)]
        words += ["--resume"] if (one.folder / "state.pt").exists() else []
    else:
        networks, rate = recipe.networks, recipe.optimizers["D"]
        request = {
            "nets": "sngan",
            "prefix": "SNGAN",
            "suffix": "32",
            "loss": None,
            "num_classes": None,
            "latent_size": networks["generator"]["latent_size"],
            "ngf": networks["generator"]["width"],
            "ndf": networks["discriminator"]["width"],
            "lr": rate.lr,
            "betas": rate.betas,
            "decay": rate.decay,
            "num_steps": steps,
            "num_first": SETTINGS["solver.num_first"],
            "batch_size": recipe.batch_size,
            "pixels": pictures,
            "seed": one.seed,
            "save_every": every,
            "num_samples": NUM,
        }
        torch.save(request, one.folder / "request.pt")
        words = [str(python), str(THEIRS), "fit"]
        words += [str(one.folder / "request.pt"), str(one.folder)]
    click.echo(f"{one.side}, seed {one.seed} ...", err=True)
    with (one.folder / "log").open("w", encoding="utf-8") as log:
        threads = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(words, check=True, stdout=log, stderr=log, env=threads)


def fid(samples: str, cache: Path) -> float:
    """Return the FID of samples against all pictures."""
    report = ganeval.evaluate(
        sample=samples,
        reference=SOURCE,
        metrics=["fid"],
        extractor=EXTRACTOR,
        cache_dir=str(cache),
        device="cpu",
    )
    return report["fid"].value


def interval(values: Values) -> tuple[float, float]:
    """Return the 95 % interval of a mean over training runs, by Student's t."""
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values)
    return values.mean() - half, values.mean() + half


def draw_curves(path: Path, values: dict[str, Values], at: Sequence[int]) -> None:
    """Draw the mean FID of each side by the step, with its interval, and each run."""
    figure = Figure(figsize=(7, 4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for (side, runs), shift in zip(values.items(), (-1, 1), strict=True):
        places = [step + shift * at[0] / 60 for step in at]
        axes.plot(places, runs.T, color=SIDES[side], linewidth=0.6, alpha=0.5)
        ends = np.array([interval(column) for column in runs.T])
        mean = runs.mean(axis=0)
        axes.errorbar(
            places,
            mean,
            yerr=np.abs(ends.T - mean),
            color=SIDES[side],
            marker="o",
            markersize=4,
            capsize=4,
            label=side,
        )
    axes.set_title("SN-GAN on emoji: mean FID over runs, 95 % intervals", fontsize=11, loc="left")
    axes.set_xlabel("training step")
    axes.set_ylabel(f"FID ({EXTRACTOR}; lower is better)")
    axes.set_xticks(at)
    axes.set_ylim(bottom=0)
    axes.grid(color="#E5E5E5")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Software": None})


def draw_samples(path: Path, trainings: Sequence[Training], steps: int) -> None:
    """Write a row of real pictures and one of each run."""
    num = 12
    places = {"real": SOURCE}
    for one in sorted(trainings, key=lambda one: (list(SIDES).index(one.side), one.seed)):
        places[f"{one.side} {one.seed}"] = one.samples(steps, num)
    rows = {}
    for name, place in places.items():
        source = ganeval.open_source(place, policy=ganeval.Settings().decode, generator={})
        chosen = np.random.default_rng(0).permutation(len(source))[:num].tolist()
        rows[name] = [item.picture().pixels for item in source.load(chosen)]
    write_sheet(path, rows)


def page(values: dict[str, Values], at: Sequence[int], num: int) -> str:
    """Return the page."""
    settings = ", ".join(f"`{name}={value}`" for name, value in SETTINGS.items())
    lines = ["| step | ours | mimicry | ratio of means |", "|---:|---:|---:|---:|"]
    for column, step in enumerate(at):
        cells = []
        for runs in values.values():
            low, high = interval(runs[:, column])
            cells.append(f"{runs[:, column].mean():.2f} [{low:.2f}, {high:.2f}]")
        found = ratio(values["ours"][:, column], values["mimicry"][:, column])
        said = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
        lines.append(f"| {step:,} | {' | '.join(cells)} | {said} |")
    single = ["| run | " + " | ".join(f"step {step:,}" for step in at) + " |"]
    single.append("|---|" + "---:|" * len(at))
    for side, runs in values.items():
        for seed, row in zip(SEEDS, runs, strict=True):
            single.append(f"| {side} {seed} | {' | '.join(f'{value:.2f}' for value in row)} |")
    return "\n\n".join(
        [
            "# SN-GAN on real colour pictures, ours and mimicry's",
            f"`./scripts/gallery --steps {at[-1]}`, {when_and_where()} torch-mimicry is "
            "in an environment of its own.",
            f"The pictures are {num:,} of Twemoji (CC-BY 4.0, `./scripts/emoji emoji --tones`), 32 "
            "pixels, on white. Both sides have the residual networks of SN-GAN "
            "(`--preset cifar10`) "
            f"with {settings}, and {len(SEEDS)} training runs each with random numbers of their "
            "own. That the networks, losses and moves are the same to rounding is shown in "
            "[mimicry.md](mimicry.md); here whole trainings are compared.",
            "## FID",
            f"FID is that of {EXTRACTOR}, {NUM:,} generated pictures against all {num:,}. It is "
            "not that of the Inception network: compare it within this page only. "
            "Intervals are of 95 %, by Student's t over the runs; that of the ratio is by the "
            "delta method on its logarithm, with Welch's degrees of freedom.",
            "\n".join(lines),
            # `found` is that of the last step.
            f"After {at[-1]:,} steps the two are "
            + ("not told apart" if found.low <= 1 <= found.high else "told apart")
            + ". These trainings are short: the samples have the colours of emoji on white, "
            "and few of their shapes.",
            "![FID by step](gallery-curves.png)",
            "\n".join(single),
            "## Samples",
            "The first row is real; then 12 samples of each run after the last step, chosen by "
            "nobody.",
            "![Samples](gallery-samples.png)",
            "Other models on these pictures: [benchmark-colour.md](benchmark-colour.md).\n",
        ]
    )


if __name__ == "__main__":
    gallery()
