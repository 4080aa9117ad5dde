"""Training runs of the gallery: ours by `ganeval train`, mimicry's in its own environment."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import ganeval
from mimicry_parity.parity import THEIRS
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import settings_of, toml_lines

EXTRACTOR = "efficientnet-lite0"
NUM = 2000  # samples that are scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training run of one of our models.

    Attributes:
        recipe: With its settings, data and steps.
        seed: Of every random choice.
        folder: Of the run.
        every: Steps between two snapshots, the last step among them.
    """

    recipe: Recipe
    seed: int
    folder: Path
    every: int

    def samples(self, step: int, num: int) -> str:
        """Return the source text of what it made after a step."""
        # No other run of a panel has this seed, so that no two share latents.
        return f"generator:{self.snapshot(step)},num_images={num},seed={1000 + self.seed}"

    def snapshot(self, step: int) -> Path:
        """Return the file that is left after a step."""
        return self.folder / "snapshots" / f"{step:06}.safetensors"

    def command(self) -> list[str]:
        """Return the words of the command that trains it."""
        config = self.folder / "gallery.toml"
        config.write_text("\n".join(toml_lines(settings_of(self.recipe))), encoding="utf-8")
        return [
            *(sys.executable, "-m", "ganeval", "train", self.recipe.name),
            *("--config", str(config), "--seed", str(self.seed), "--out", str(self.folder)),
            *("--device", "cpu", "--snapshot-every", str(self.every)),
            *(["--resume"] if (self.folder / "state.pt").exists() else []),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TheirTraining(Training):
    """One training run of mimicry's networks, with the settings of our recipe.

    Attributes:
        python: From nothing to the Python of mimicry's environment, which is made for the first.
    """

    python: Callable[[], Path]

    def samples(self, step: int, num: int) -> str:
        """Return the source text of what it made after a step."""
        return f"npz:{self.snapshot(step)}"

    def snapshot(self, step: int) -> Path:
        """Return the file that is left after a step."""
        return self.folder / f"{step:06}.npz"

    def command(self) -> list[str]:
        """Return the words of the command that trains it."""
        networks, rate = self.recipe.networks, self.recipe.optimizers["D"]
        source = ganeval.open_source(self.recipe.data, policy=ganeval.Settings().decode)
        pictures = [item.picture().pixels for item in source.load(range(len(source)))]
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
            "num_steps": self.recipe.steps,
            "num_first": settings_of(self.recipe)["solver.num_first"],
            "batch_size": self.recipe.batch_size,
            "pixels": torch.from_numpy(np.stack(pictures)),
            "seed": self.seed,
            "save_every": self.every,
            "num_samples": NUM,
        }
        place = self.folder / "request.pt"
        torch.save(request, place)
        return [str(self.python()), str(THEIRS), "fit", str(place), str(self.folder)]


def train(one: Training) -> None:
    """Train one run, unless it was, with one thread; a run that was cut goes on."""
    if one.snapshot(one.recipe.steps).exists():
        return
    print(f"{one.folder} ...", file=sys.stderr, flush=True)
    one.folder.mkdir(parents=True, exist_ok=True)
    with (one.folder / "log").open("w", encoding="utf-8") as log:
        threads = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(one.command(), check=True, stdout=log, stderr=log, env=threads)


def fid(one: Training, step: int, cache: Path) -> float:
    """Return the FID of what a run made after a step, against all pictures."""
    report = ganeval.evaluate(
        sample=one.samples(step, NUM),
        reference=one.recipe.data,
        metrics=["fid"],
        extractor=EXTRACTOR,
        cache_dir=str(cache),
        device="cpu",
    )
    return report["fid"].value
