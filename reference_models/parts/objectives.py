"""The losses of discriminator and generator, as functions of the discriminator's logits.

`real` and `fake` are logits, float [B, ...] of any shape. Every function returns a mean, a scalar.
With D = sigmoid(logit), -log D = softplus(-logit) and -log(1 - D) = softplus(logit).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

import ganeval
from reference_models.engine.data import unknown
from reference_models.engine.recipe import Recipe
from reference_models.parts.labels import HARD, Labels, labels_of

Logits = torch.Tensor


@dataclass(frozen=True, slots=True)
class Objective:
    """The losses of both players.

    Attributes:
        discriminator: Loss of D, a function of the logits of real and of generated samples.
        generator: Loss of G, a function of the same two. The first is None if the loss does not use
            it.
        generator_sees_real: Whether the loss of G uses the logits of real samples.
        labels: The labels that D learns; only a logistic D can have labels other than 1 and 0.
    """

    discriminator: Callable[[Logits, Logits], torch.Tensor]
    generator: Callable[[Logits | None, Logits], torch.Tensor]
    generator_sees_real: bool = False
    labels: Labels = HARD


def logistic_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Return -E log D(x) - E log(1 - D(G(z))): Goodfellow et al. 2014, equation 1, negated."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def minimax_generator(real: Logits | None, fake: Logits) -> torch.Tensor:
    """Return E log(1 - D(G(z))): Goodfellow et al. 2014, equation 1; flat where D is sure."""
    return -F.softplus(fake).mean()


def non_saturating_generator(real: Logits | None, fake: Logits) -> torch.Tensor:
    """Return -E log D(G(z)): Goodfellow et al. 2014, section 3; it has the same fixed point."""
    return F.softplus(-fake).mean()


def wasserstein_discriminator(real: Logits, fake: Logits) -> torch.Tensor:
    """Return E f(G(z)) - E f(x): Arjovsky et al. 2017, equation 2, negated."""
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
    """Return the objective that a recipe's game names, with its labels.

    Raises:
        GanevalError: There is no objective of that name, or it has no labels but a label setting is
            given, or the labels do not tell real from generated samples.
    """
    name, labels = recipe.game["objective"], labels_of(recipe.game)
    if name not in OBJECTIVES:
        raise unknown("objective", name, OBJECTIVES)
    objective = OBJECTIVES[name]
    if labels.are_hard:
        return objective
    if objective.discriminator is not logistic_discriminator:
        raise ganeval.GanevalError(
            f"{labels.said} with objective {name}",
            "an objective with a logistic discriminator, which has labels",
            "leave these settings at 0, or set game.objective to non-saturating",
        )
    if not labels.tell_apart:
        raise ganeval.GanevalError(
            labels.said,
            "labels of real samples that are higher on average than those of generated ones",
            "lower these settings",
        )
    return replace(objective, labels=labels)
