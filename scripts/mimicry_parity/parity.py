"""What is compared: shapes, outputs, first weights, losses, and weights after some steps."""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from scipy.stats import ks_2samp

from mimicry_parity.ours import PEERS, Peer, game_with, narrowed, noise, ours_of, request, train
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.parts.objectives import objective_of

THEIRS = Path(__file__).with_name("theirs.py")
DIVISOR, BATCH = 16, 4  # of widths, and images a batch, for training
FORWARD_BATCH = 2


# What G's BatchNorms take away again: the gradient is 0 but for rounding.
IDLE = re.compile(r"blocks\.\d\.(conv\d|shortcut)\.bias")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far two trainings are apart: the largest relative difference of a tensor.

    Attributes:
        weights: Largest difference of all parameters except the idle biases.
        idle: Largest difference of biases that a BatchNorm cancels.
        images: Images of G's images of one batch of latents.
        moved: How far the steps moved the parameters, over their length.
    """

    weights: float
    idle: float
    images: float
    moved: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far a model of ours is from mimicry's; relative differences, the largest of each kind.

    Attributes:
        name: The model, with its size where it is not 32.
        parameters: Numbers of G and D, equal on both sides.
        outputs: Outputs of images and logits of the whole networks in float64.
        least_p: The smallest p of Kolmogorov and Smirnov's test of two sets of first weights, with
            the number of tensors that it was made of.
        losses: Largest difference of the losses of the same logits.
        after: After the steps in float64.
        after_single: After the steps in float32.
        others: The same in float64 where something is not as published, by what it is.
    """

    name: str
    parameters: tuple[int, int]
    outputs: float
    least_p: tuple[float, int] | None = None
    losses: float | None = None
    after: Drift | None = None
    after_single: Drift | None = None
    others: dict[str, Drift] = field(default_factory=dict)


def ask(python: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Return mimicry's answer."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "request.pt"), Path(folder, "answer.pt")
        torch.save(asked, question)
        subprocess.run([str(python), str(THEIRS), "train", str(question), str(answer)], check=True)
        found: dict[str, Any] = torch.load(answer, weights_only=True)
        return found


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Return |ours - theirs| / |theirs|, Euclidean norms."""
    difference, norm = (ours - theirs).norm(), theirs.norm()
    return float(difference / norm) if norm > 0 else float(difference)


def parity_of(python: Path, *, steps: int) -> list[Parity]:
    """Return what is found of each model, of 32 and of 64 pixels."""
    found = []
    for name, peer in PEERS.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        found.append(whole(python, name, peer, steps))
    for name in ("sngan", "wgan-gp"):
        print(f"{name} of 64 pixels ...", file=sys.stderr, flush=True)
        found.append(only_forward(python, name, PEERS[name]))
    return found


def forward(
    python: Path, peer: Peer, recipe: Recipe, size: int
) -> tuple[Game, dict[str, Any], float]:
    """Return our game with mimicry's weights, mimicry's answer, and how far the outputs differ."""
    asked = request(peer, recipe, size=size, dtype=torch.float64, steps=1)
    asked["steps"] = 0
    theirs = ask(python, asked)
    game = game_with(recipe, theirs["first"], size, torch.float64)
    labels = () if asked["num_classes"] is None else (asked["labels"][0][0],)
    unit = peer.suffix == "CIFAR"
    with torch.no_grad():
        images = game.get_submodule("generator")(asked["z"][0][0], *labels)
        judge, real = game.get_submodule("discriminator"), asked["real"][0][0]
        logits = judge(images, *labels), judge(2 * real - 1 if unit else real, *labels)
    images = (images + 1) / 2 if unit else images
    differences = [relative(images, theirs["images"])]
    for mine, other in zip(logits, theirs["logits"], strict=True):
        differences.append(relative(mine, other.squeeze(1)))
    return game, theirs, max(differences)


def only_forward(python: Path, name: str, peer: Peer) -> Parity:
    """Compare shapes and outputs of 64 pixels, the published widths there, in float64."""
    widths = {"generator.width": 64, "discriminator.width": 64, "batch_size": 2}
    game, _, outputs = forward(python, peer, with_settings(peer.recipe, widths), 64)
    return Parity(name=f"{name}, 64 x 64", parameters=counts(game), outputs=outputs)


def whole(python: Path, name: str, peer: Peer, steps: int) -> Parity:
    """Compare all there is of a model of 32 pixels."""
    recipe = with_settings(peer.recipe, {"batch_size": FORWARD_BATCH})
    game, theirs, outputs = forward(python, peer, recipe, 32)
    small = narrowed(peer.recipe, DIVISOR, batch_size=BATCH, steps=2 * steps)
    others = {}
    if name == "dcgan":
        usual = replace(peer, loss=None)
        others["mimicry's log(sigmoid + 1e-8) in its loss of G"] = trained(
            python, usual, small, steps, torch.float64
        )
    if name == "sngan":
        refined = with_settings(small, {"game.refine": True})
        others["`game.refine=true`, our default elsewhere"] = trained(
            python, peer, refined, steps, torch.float64
        )
    return Parity(
        name=name,
        parameters=counts(game),
        outputs=outputs,
        least_p=first_weights(recipe, theirs["first"]),
        losses=loss_difference(recipe, theirs),
        after=trained(python, peer, small, steps, torch.float64),
        after_single=trained(python, peer, small, steps, torch.float32),
        others=others,
    )


def counts(game: Game) -> tuple[int, int]:
    """Return the numbers of parameters of G and of D."""
    return tuple(  # type: ignore[return-value]
        sum(one.numel() for one in game.parameters_of(player).values()) for player in ("G", "D")
    )


def loss_difference(recipe: Recipe, theirs: dict[str, Any]) -> float:
    """Return how far the losses of mimicry's logits are from ours, a critic's penalty apart."""
    fake, real = (one.squeeze(1) for one in theirs["logits"])
    objective = objective_of(recipe)
    ours = {"D": objective.discriminator(real, fake), "G": objective.generator(None, fake)}
    return max(relative(ours[player], theirs["losses"][player]) for player in ours)


def first_weights(recipe: Recipe, theirs: dict[str, Any]) -> tuple[float, int]:
    """Return the smallest p over all tensors that are drawn, whole networks; equal if constant."""
    game = recipe.build(noise(32), Draw(0, 0).generator("first weights")).double()
    least, num = 1.0, 0
    for player, name in {"G": "generator", "D": "discriminator"}.items():
        weights = ours_of(theirs[player], player, conditional=recipe.name == "projection")
        for key, ours in game.get_submodule(name).named_parameters():
            if ours.min() == ours.max() and ours.numel() > 1:
                assert torch.equal(ours, weights[key]), key
                continue
            mine, other = ours.detach().flatten().numpy(), weights[key].flatten().numpy()
            least = min(least, float(ks_2samp(mine, other, method="auto").pvalue))
            num += 1
    return least, num


def trained(python: Path, peer: Peer, recipe: Recipe, steps: int, dtype: torch.dtype) -> Drift:
    """Return how far weights and images are apart after so many steps of both."""
    asked = request(peer, recipe, size=32, dtype=dtype, steps=steps)
    theirs = ask(python, asked)
    game = game_with(recipe, theirs["first"], 32, dtype)
    before = {key: one.detach().clone() for key, one in game.named_parameters()}
    train(game, recipe, asked)
    apart: dict[bool, list[float]] = {True: [0.0], False: [0.0]}
    for player, name in {"G": "generator", "D": "discriminator"}.items():
        weights = ours_of(theirs["final"][player], player, conditional=recipe.name == "projection")
        for key, ours in game.get_submodule(name).named_parameters():
            idle = player == "G" and IDLE.fullmatch(key) is not None
            apart[idle].append(relative(ours.detach(), weights[key]))
    labels = () if asked["num_classes"] is None else (asked["labels"][0][0],)
    with torch.no_grad():
        images = game.get_submodule("generator")(asked["z"][0][0], *labels)
    images = (images + 1) / 2 if peer.suffix == "CIFAR" else images
    after = {key: one.detach() for key, one in game.named_parameters()}
    moved = torch.stack([(after[key] - one).norm() for key, one in before.items()]).norm()
    return Drift(
        weights=max(apart[False]),
        idle=max(apart[True]),
        images=relative(images, theirs["last_images"]),
        moved=float(moved / torch.stack([one.norm() for one in before.values()]).norm()),
    )
