"""What two processes do in one test, under torchrun: `processes.py FOLDER`."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

import ganeval
from reference_models import MODELS, gan, unrolled
from reference_models.engine.data import Batch, open_data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.parallel import TrainingTeam, join_team
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.session import find_recipe
from reference_models.engine.solvers import Alternating, Simultaneous
from reference_models.engine.train import Run, train

SIMULTANEOUS = replace(gan.RECIPE, solver=Simultaneous())
DATA = open_data("digits")
STEPS = 4


class Growing(Game):
    """Two layers; the second takes part from the third step on."""

    players: Mapping[str, tuple[str, ...]] = {"G": ("generator",)}

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        self.grown = False

    def before_step(self, num_images: int) -> None:
        self.grown = num_images >= 2 * gan.RECIPE.batch_size

    def loss(self, player: str, batch: Any, draw: Draw) -> Terms:
        made = self.generator[0](draw.normal("z", batch.size, 4))
        return {"size": (self.generator(made) if self.grown else made).square().mean()}


def growing(recipe: Recipe, shape: tuple[int, ...], randomness: torch.Generator) -> Game:
    game = Growing()
    with torch.no_grad():
        for parameter in game.parameters():
            parameter.normal_(generator=randomness)
    return game


GROWING = replace(gan.RECIPE, make_game=growing, optimizers={"G": OptimizerSpec()})


ONES = {"gan": gan.RECIPE, "simultaneous": SIMULTANEOUS, "growing": GROWING}
FIRST_ORDER = [
    name
    for name in sorted(MODELS)
    if isinstance(find_recipe(name).solver, Alternating | Simultaneous)
]


class Blinded:
    """Digits of which the second half of a batch has no number in it in the third step."""

    name, digest, shape = "blinded", "", DATA.shape
    kind, names, num_classes = DATA.kind, DATA.names, DATA.num_classes
    source_of = DATA.source_of

    def batch(self, seed: int, position: int, size: int) -> Batch:
        batch = DATA.batch(seed, position, size)
        half = gan.RECIPE.batch_size // 2
        is_second_of_third = position == 2 * gan.RECIPE.batch_size + half
        return Batch({"real": batch["real"] * torch.nan}) if is_second_of_third else batch


def work(folder: Path, team: TrainingTeam) -> dict[str, Any]:
    """Return what this process found, by name."""

    def trained(recipe: Recipe, name: str, steps: int = STEPS, **options: Any) -> Run:
        return train(recipe, DATA, folder / name, steps=steps, team=team, **options)

    def error_of(call: Callable[[], object]) -> str:
        try:
            call()
        except ganeval.GanevalError as error:
            return str(error)
        return "none"

    found: dict[str, Any] = {}
    for name, recipe in ONES.items():
        found[name] = trained(recipe, name).game.state_dict()
    for name in FIRST_ORDER:
        recipe = replace(find_recipe(name), batch_size=8)
        run = train(recipe, open_data(recipe.data), folder / f"every-{name}", steps=2, team=team)
        found[f"every-{name}"] = dict(run.game.named_parameters())
    trained(gan.RECIPE, "resumed", steps=2)
    found["resumed"] = trained(gan.RECIPE, "resumed", resume=True).game.state_dict()
    odd = replace(gan.RECIPE, batch_size=9)
    found["odd batch"] = error_of(lambda: trained(odd, "odd"))
    found["second order"] = error_of(lambda: trained(unrolled.RECIPE, "unrolled"))
    seeds = error_of(lambda: trained(gan.RECIPE, "seeds", seed=team.rank))
    found["other seeds"] = seeds
    again = error_of(lambda: trained(gan.RECIPE, "gan"))
    found["again"] = again
    found["not finite"] = error_of(
        lambda: train(gan.RECIPE, Blinded(), folder / "blinded", steps=9, team=team)
    )
    return found


if __name__ == "__main__":
    with join_team(torch.device("cpu")) as (own_team, _):
        torch.save(
            work(Path(sys.argv[1]), own_team), Path(sys.argv[1]) / f"found{own_team.rank}.pt"
        )
