"""What discriminator and generator minimise, as functions of the discriminator's logits.

`real` and `fake` are logits, float [B, ...] of any shape; every function returns a mean, a scalar.
With sp = softplus and D = sigmoid(logit): -log D = sp(-logit) and -log(1 - D) = sp(logit).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

import ganeval
from reference_models.engine.data import unknown
from reference_models.engine.recipe import Recipe

Logits = torch.Tensor

SMOOTHING: Mapping[str, Any] = {"label_smoothing": 0.0}
"""Number of a game with a logistic discriminator: what the label of real samples lacks to be 1."""


@dataclass(frozen=True, slots=True)
class Objective:
    """The losses of both players.

    Attributes:
        discriminator: Of the logits of real and of generated images.
        generator: Of the same two; where it does not see the real ones, it gets None for them.
        generator_sees_real: Whether it does.
    """

    discriminator: Callable[[Logits, Logits], torch.Tensor]
    generator: Callable[[Logits | None, Logits], torch.Tensor]
    generator_sees_real: bool = False


def logistic_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Return -E log D(x) - E log(1 - D(G(z))): Goodfellow et al. 2014, equation 1, negated."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def smoothed_discriminator(real: Logits, fake: Logits, *, smoothing: float) -> torch.Tensor:
    """Return the same where real samples have the label 1 - smoothing, and generated ones 0 still.

    Salimans et al. 2016, section 3.4: at its best D(x) = (1 - smoothing) p(x) / (p(x) + q(x)). The
    new term is smoothing (log D(x) - log(1 - D(x))), which is smoothing times the logit.
    """
    return logistic_discriminator(real, fake) + smoothing * real.mean()


def minimax_generator(real: Logits | None, fake: Logits) -> torch.Tensor:
    """Return E log(1 - D(G(z))): Goodfellow et al. 2014, equation 1; vanishes where D is sure."""
    return -F.softplus(fake).mean()


def non_saturating_generator(real: Logits | None, fake: Logits) -> torch.Tensor:
    """Return -E log D(G(z)): Goodfellow et al. 2014, section 3; the same fixed point."""
    return F.softplus(-fake).mean()


def wasserstein_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Return E f(G(z)) - E f(x): Arjovsky et al. 2017, equation 2, negated; minus the distance."""
    return fake.mean() - real.mean()


def wasserstein_generator(real: Logits | None, fake: Logits) -> torch.Tensor:
    """Return -E f(G(z)): Arjovsky et al. 2017, theorem 3."""
    return -fake.mean()


def hinge_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Return E max(0, 1 - f(x)) + E max(0, 1 + f(G(z))): Miyato et al. 2018, equation 16."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


OBJECTIVES: dict[str, Objective] = {
    "minimax": Objective(logistic_discriminator, minimax_generator),
    "non-saturating": Objective(logistic_discriminator, non_saturating_generator),
    "wasserstein": Objective(wasserstein_discriminator, wasserstein_generator),
    "hinge": Objective(hinge_discriminator, wasserstein_generator),
}


def objective_of(recipe: Recipe) -> Objective:
    """Return the objective that a recipe's game names, its labels smoothed if the game says so.

    Raises:
        GanevalError: There is none of that name, or labels of an objective that has none.
    """
    name = recipe.game["objective"]
    if name not in OBJECTIVES:
        raise unknown("objective", name, OBJECTIVES)
    objective, smoothing = OBJECTIVES[name], recipe.game.get("label_smoothing", 0.0)
    if not smoothing:
        return objective
    if smoothing >= 1 or objective.discriminator is not logistic_discriminator:
        raise ganeval.GanevalError(
            f"game.label_smoothing {smoothing} with objective {name}",
            "a number below 1, with a logistic discriminator",
            "leave it at 0",
        )
    return replace(objective, discriminator=partial(smoothed_discriminator, smoothing=smoothing))
