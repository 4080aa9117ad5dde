"""What the gallery compares: each panel has systems, and several training runs of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galleries.trainings import TheirTraining, Training
from reference_models.engine.session import find_recipe
from reference_models.engine.settings import preset_of, with_settings

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One recipe on a panel.

    Attributes:
        model: Its name in the table of models.
        preset: Settings that belong together; "": none.
        settings: What differs from these.
        theirs: Whether mimicry trains it.
    """

    model: str
    settings: Settings
    preset: str = ""
    theirs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Training runs that are compared with each other.

    Attributes:
        name: Of its folder and its pictures.
        title: Of its part of the page.
        text: What is trained.
        size: Of the pictures, in pixels.
        systems: By the name that stands in its table.
        seeds: Of the training runs of each system.
        steps: Of each training, where the system's settings have none of their own.
        points: How often a training is scored, after equal parts of it.
        finding: What one sees on its samples.
    """

    name: str
    title: str
    text: str
    size: int
    systems: Mapping[str, System]
    seeds: tuple[int, ...]
    steps: int
    points: int
    finding: str

    def trainings(self, folder: Path, python: Callable[[], Path]) -> dict[str, list[Training]]:
        """Return the training runs of each system.

        Args:
            folder: Of the gallery's runs.
            python: From nothing to the Python of mimicry's environment.
        """
        runs: dict[str, list[Training]] = {}
        for name, system in self.systems.items():
            recipe = find_recipe(system.model)
            if system.preset:
                recipe = with_settings(recipe, preset_of(recipe, system.preset))
            common = {"data": f"folder:emoji/,size={self.size}", "steps": self.steps}
            recipe = with_settings(recipe, {**common, **system.settings})
            runs[name] = []
            for seed in self.seeds:
                options: dict[str, Any] = {
                    "recipe": recipe,
                    "seed": seed,
                    "folder": folder / self.name / f"{name}-{seed}",
                    "every": recipe.steps // self.points,
                }
                runs[name].append(
                    TheirTraining(**options, python=python)
                    if system.theirs
                    else Training(**options)
                )
        return runs


FAST_CRITIC = {
    "batch_size": 32,
    "flip": True,
    "optimizers.D.lr": 4e-4,
    "optimizers.G.lr": 2e-4,
}
"""Two time scales: D learns twice as fast as G."""

SMALL_RESIDUAL = {
    "generator.width": 64,
    "discriminator.width": 32,
    "batch_size": 32,
    "solver.num_first": 1,
    "optimizers.D.lr": 2e-4,
}
"""What differs from the preset cifar10: what two cores can train."""

SHORT = {"batch_size": 32, "flip": True}
FIVE_MOVES = {**SHORT, "steps": 400}  # of the critic for one of G: as long as the others

PANELS = (
    Panel(
        name="sngan-64",
        title="SN-GAN at 64 pixels",
        text="The plain networks of SN-GAN at the width of the default recipe, 32.",
        size=64,
        systems={"sngan": System(model="sngan", settings=FAST_CRITIC)},
        seeds=(0, 1, 2),
        steps=6000,
        points=3,
        finding="Faces with eyes and a mouth, people with hair and clothes, hands and buildings "
        "can be told; finer things are smears, and none is a clean emoji. FID falls to the end.",
    ),
    Panel(
        name="sngan-32",
        title="SN-GAN at 32 pixels",
        text="The same networks with one layer less.",
        size=32,
        systems={"sngan": System(model="sngan", settings=FAST_CRITIC)},
        seeds=(0, 1, 2),
        steps=6000,
        points=3,
        finding="Faces and people with hats and coats can be told; the dots of transposed "
        "convolutions lie on many. The short residual runs of the last panel have FIDs as low and "
        "no shape that one could name: FID of this network weighs textures, so look at the "
        "pictures too.",
    ),
    Panel(
        name="systems",
        title="Systems of the lecture",
        text="Each recipe with its own networks, rates and losses, and batches of 32. Those with "
        "five moves of the critic for one of the generator have fewer steps, so that all trainings "
        "take about as long.",
        size=32,
        systems={
            "dcgan": System(model="dcgan", settings=SHORT),
            "feature-matching": System(model="feature-matching", settings=SHORT),
            "minibatch": System(model="minibatch", settings=SHORT),
            "infogan": System(model="infogan", settings=SHORT),
            "bigan": System(model="bigan", settings=SHORT),
            "mmd-gan": System(model="mmd-gan", settings=FIVE_MOVES),
            "wgan-gp": System(model="wgan-gp", settings=FIVE_MOVES),
            "sngan": System(model="sngan", settings=SHORT),
        },
        seeds=(0, 1, 2),
        steps=2000,
        points=1,
        finding="The outlines of people, faces and hats on white can be told in the rows of "
        "`dcgan`, `feature-matching`, `bigan` and `sngan`; none is a clean emoji, and these "
        "four are not told apart by FID. `bigan` has the smoothest shapes and differs most from "
        "seed to seed. Dots of transposed convolutions lie on most samples, and thickest on "
        "those of `minibatch` and `infogan`. With five moves of the critic for one of the "
        "generator, 400 steps are few: `mmd-gan` has blobs of many colours, `wgan-gp` blobs of "
        "two. The table says what each gives after a short training of about equal length, and "
        "not which is better in the end.",
    ),
    Panel(
        name="mimicry",
        title="SN-GAN, ours and mimicry's",
        text="Both sides have the residual networks of SN-GAN (`--preset cifar10`), and random "
        "numbers of their own. That the networks, losses and moves are the same to rounding is "
        "shown in [mimicry.md](mimicry.md); here whole trainings are compared. torch-mimicry is in "
        "an environment of its own.",
        size=32,
        systems={
            "ours": System(model="sngan", preset="cifar10", settings=SMALL_RESIDUAL),
            "mimicry": System(
                model="sngan", preset="cifar10", settings=SMALL_RESIDUAL, theirs=True
            ),
        },
        seeds=(0, 1, 2, 3),
        steps=1000,
        points=4,
        finding="These trainings are short: the samples have the colours of emoji on white, and "
        "few of their shapes.",
    ),
)
