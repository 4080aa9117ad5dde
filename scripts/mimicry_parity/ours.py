"""Our side: the recipes, the names of mimicry's weights, and the same steps on the same numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from reference_models import dcgan, projection, sngan, wgan_gp
from reference_models.data.pictures import Pictures
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import preset_of, with_settings
from reference_models.engine.solvers import Alternating

Weights = dict[str, torch.Tensor]
SEED = 0
CHANNELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A model of ours and the networks of mimicry that it must equal.

    Attributes:
        recipe: Ours, as published.
        nets: The module in mimicry's `nets`.
        prefix: What the names of its classes begin with.
        suffix: What they end with where it is not the size.
        loss: Another loss than the networks' own; see the page for DCGAN.
    """

    recipe: Recipe
    nets: str
    prefix: str
    suffix: str | None = None
    loss: str | None = None


def published(recipe: Recipe) -> Recipe:
    """Return a recipe with the preset of mimicry's scores."""
    return with_settings(recipe, preset_of(recipe, "cifar10"))


PEERS = {
    "sngan": Peer(recipe=published(sngan.RECIPE), nets="sngan", prefix="SNGAN"),
    "wgan-gp": Peer(recipe=published(wgan_gp.RECIPE), nets="wgan_gp", prefix="WGANGP"),
    "dcgan": Peer(
        recipe=published(dcgan.RECIPE), nets="dcgan", prefix="DCGAN", suffix="CIFAR", loss="gan"
    ),
    "projection": Peer(recipe=published(projection.RECIPE), nets="cgan_pd", prefix="CGANPD"),
}


class ExactDraw(Draw):
    """A draw whose numbers have the precision of the network they are for."""

    def _rows(self, draw: Any, purpose: str, shape: Any, like: Any) -> torch.Tensor:
        rows = Draw._rows(self, draw, purpose, shape, like)
        return rows if like is None else rows.to(like.dtype)


def narrowed(recipe: Recipe, divisor: int, *, batch_size: int, steps: int) -> Recipe:
    """Return a recipe with narrower networks, small batches and few steps."""
    widths = {
        f"{name}.width": recipe.networks[name]["width"] // divisor
        for name in ("generator", "discriminator")
    }
    return with_settings(recipe, {**widths, "batch_size": batch_size, "steps": steps})


def request(
    peer: Peer, recipe: Recipe, *, size: int, dtype: torch.dtype, steps: int
) -> dict[str, Any]:
    """Return what mimicry is to build and to train on; the numbers are those that ours draws."""
    assert isinstance(recipe.solver, Alternating)
    num_first = recipe.solver.num_first
    num, options = recipe.batch_size, recipe.networks["generator"]
    moves = [
        [Draw(SEED, step).move(part) for part in range(num_first + 1)] for step in range(steps)
    ]
    like = torch.zeros((), dtype=dtype)

    def drawn(purpose: str, *shape: int, uniform: bool = True) -> torch.Tensor:
        draw = Draw.uniform if uniform else Draw.normal
        rows = [torch.stack([draw(one, purpose, num, *shape) for one in step]) for step in moves]
        return torch.stack(rows)

    coarse = drawn("real", CHANNELS, 4, 4)[:, :num_first].to(like)
    real = 2 * F.interpolate(coarse.flatten(0, 2), size=(size, size), mode="bilinear") - 1
    real = real.reshape(*coarse.shape[:3], *real.shape[1:])
    growth = 16 if size > 32 else 1  # mimicry counts from the other end
    classes = options.get("num_classes")
    return {
        "nets": peer.nets,
        "prefix": peer.prefix,
        "suffix": peer.suffix or str(size),
        "loss": peer.loss,
        "num_classes": classes,
        "latent_size": options["latent_size"],
        "ngf": options["width"] * growth,
        "ndf": recipe.networks["discriminator"]["width"] * growth,
        "dtype": dtype,
        "lr": recipe.optimizers["D"].lr,
        "betas": recipe.optimizers["D"].betas,
        "decay": {"linear": "linear"}.get(recipe.optimizers["D"].decay),
        "num_steps": recipe.steps,
        "steps": steps,
        "z": drawn("z", options["latent_size"], uniform=False).to(like),
        "labels": (drawn("labels") * (classes or 1)).long(),
        "mix": drawn("mix")[:, :num_first].to(like),
        "real": (real + 1) / 2 if peer.suffix == "CIFAR" else real,
        "real_labels": (drawn("real labels") * (classes or 1)).long()[:, :num_first],
    }


def _numbered(first: int, block: re.Match[str]) -> str:
    """Return the name of a block, which mimicry numbers from `first`."""
    return f"blocks.{int(block[1]) - first}"


def ours_of(theirs: Mapping[str, torch.Tensor], player: str, *, conditional: bool) -> Weights:
    """Return mimicry's weights under our names."""
    found: Weights = {}
    inside = "body." if player == "D" and conditional else ""
    for name, values in theirs.items():
        if name.endswith(("weight_v", "sn_sigma")):  # ours computes them from the left vector
            continue
        layer, _, kind = name.rpartition(".")
        if f"{layer}.sn_u" in theirs and kind in ("weight", "sn_u"):  # its own class, in cGAN-PD
            name = f"{layer}.weight_{'orig' if kind == 'weight' else 'u'}"
            values = values.reshape(-1) if kind == "sn_u" else values
        first = 2 if player == "G" else 1
        name = re.sub(r"^block(\d)", partial(_numbered, first), name)
        name = re.sub(r"^l1(?=\.)", "first" if player == "G" else "l1", name)
        name = re.sub(r"^l_y", "classes", name)
        name = re.sub(r"^[cl]\d", "last", name)
        name = re.sub(r"^b\d", "norm", name)
        name = name.replace(".c_sc", ".shortcut").replace(".bn.", ".norm.")
        name = re.sub(r"\.c(\d)", r".conv\1", name)
        name = re.sub(r"\.b(\d)", r".norm\1", name)
        name = name.replace("weight_orig", "parametrizations.weight.original")
        name = name.replace("weight_u", "parametrizations.weight.0.left")
        name = name if name.startswith("classes") else inside + name
        if name.endswith("embed.weight"):
            half = values.shape[1] // 2
            found[name.replace("embed", "scale")] = values[:, :half]
            found[name.replace("embed", "shift")] = values[:, half:]
        else:
            found[name] = values
    return found


def noise(size: int, num: int = 1) -> Pictures:
    """Return pictures of noise in ten classes, of the shape of CIFAR-10's if the size is 32."""
    draw = np.random.default_rng(SEED)
    return Pictures(
        name="noise",
        pixels=draw.integers(0, 256, (num, CHANNELS, size, size), np.uint8),
        labels=np.arange(num) % 10,
    )


def game_with(recipe: Recipe, theirs: dict[str, Any], size: int, dtype: torch.dtype) -> Game:
    """Return our game with mimicry's weights; every name and shape must be there on both sides."""
    game = recipe.build(noise(size), torch.Generator().manual_seed(1)).to(dtype)
    for player, name in {"G": "generator", "D": "discriminator"}.items():
        weights = ours_of(theirs[player], player, conditional=recipe.name == "projection")
        game.get_submodule(name).load_state_dict(weights, strict=True)
    return game


def train(game: Game, recipe: Recipe, asked: dict[str, Any]) -> list[dict[str, float]]:
    """Make the steps of a request; return the terms of each."""
    optimizers = {
        player: recipe.optimizers[player].build(game.parameters_of(player).values())
        for player in game.players
    }
    log = []
    for step, (real, labels) in enumerate(zip(asked["real"], asked["real_labels"], strict=True)):
        for player, optimizer in optimizers.items():
            optimizer.param_groups[0]["lr"] = recipe.optimizers[player].rate_at(step, recipe.steps)

        batches = iter(zip(real, labels, strict=True))

        def feed(reads: bool, batches: Any = batches) -> Batch:
            if not reads:
                return Batch({}, size=recipe.batch_size)
            pictures, classes = next(batches)
            pictures = 2 * pictures - 1 if recipe.name == "dcgan" else pictures
            return Batch({"real": pictures, "labels": classes})

        log.append(recipe.solver.step(game, optimizers, feed, ExactDraw(SEED, step)))
    return log
