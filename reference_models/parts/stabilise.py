"""Keep D from becoming too sure: penalties on its slope, and noise on its inputs.

* R1 and R2: gamma / 2 E |grad f(x)|^2 at real and at generated samples. Mescheder, Geiger and
  Nowozin, "Which Training Methods for GANs do actually Converge?", ICML 2018, equations 9 and 10.
* DRAGAN: lambda E (|grad f(x + delta)| - 1)^2 around real samples. Kodali et al., "On Convergence
  and Stability of GANs", 2017.
* Lazy penalties: a penalty is computed only in every N-th step, and multiplied by N. Karras et al.,
  "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020, appendix B.
* Instance noise: real and generated samples get Gaussian noise, which falls to 0. Arjovsky and
  Bottou, "Towards Principled Methods for Training Generative Adversarial Networks", ICLR 2017,
  section 3.

All are settings of a game and off by default. A recipe offers those that make sense for it.
Penalties use D's inputs after augmentation and noise.

Differs from the papers: the N of a lazy penalty counts steps of all players, and the optimizer's
rate is not adapted to it. The delta of DRAGAN is normal, and its standard deviation is a fraction
of the batch's standard deviation, as in the paper's code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch

from reference_models.engine.draw import Draw
from reference_models.engine.game import Terms
from reference_models.engine.recipe import Recipe
from reference_models.parts.penalties import Critic, around_penalty, r1_penalty


@dataclass(frozen=True, slots=True, kw_only=True)
class Stabiliser:
    """The settings of penalties and noise.

    Attributes:
        r1_weight: Gamma of R1.
        r2_weight: Gamma of R2.
        dragan_weight: Lambda of DRAGAN.
        dragan_spread: Standard deviation of DRAGAN's delta, divided by the batch's.
        penalty_every: N: penalties are computed in every N-th step, and multiplied by N.
        noise_std: Standard deviation of the instance noise in the first step.
        noise_images: Images over which the noise falls linearly to 0.
    """

    r1_weight: float = 0.0
    r2_weight: float = 0.0
    dragan_weight: float = 0.0
    dragan_spread: float = 0.5
    penalty_every: int = 1
    noise_std: float = 0.0
    noise_images: int = 100_000

    @property
    def penalises(self) -> bool:
        """Whether a penalty is on."""
        return max(self.r1_weight, self.r2_weight, self.dragan_weight) > 0

    def noisy(self, samples: torch.Tensor, draw: Draw, purpose: str) -> torch.Tensor:
        """Return samples [B, ...] with the instance noise of their step and purpose."""
        std = self.noise_std * max(1 - images_before(len(samples), draw) / self.noise_images, 0.0)
        if std == 0:
            return samples
        return samples + std * draw.normal(
            f"instance noise {purpose}", *samples.shape, like=samples
        )

    def penalties(
        self, critic: Critic, real: torch.Tensor, fake: torch.Tensor, draw: Draw
    ) -> Terms:
        """Return the weighted penalties of this step, by name.

        Args:
            critic: Maps float [B, ...] to logits [B].
            real: Real samples as D sees them, float32 [B, ...].
            fake: Generated samples as D sees them, float32 [B, ...].
            draw: The random numbers of the step.
        """
        if not self.penalises or draw.step % self.penalty_every:
            return {}
        terms: Terms = {}
        if self.r1_weight:
            terms["r1"] = self.r1_weight * r1_penalty(critic, real)
        if self.r2_weight:
            terms["r2"] = self.r2_weight * r1_penalty(critic, fake)
        if self.dragan_weight:
            delta = self.dragan_spread * real.std() * draw.normal("dragan", *real.shape, like=real)
            terms["dragan"] = self.dragan_weight * around_penalty(critic, real + delta)
        return {name: self.penalty_every * term for name, term in terms.items()}


def images_before(num: int, draw: Draw) -> int:
    """Return how many images all processes saw before a step; this one has `num` per batch."""
    return draw.step * num * draw.size


OFF = Stabiliser()
NOISE: Mapping[str, Any] = {name: getattr(OFF, name) for name in ("noise_std", "noise_images")}
"""Settings of a game that can have instance noise."""
STABILISE: Mapping[str, Any] = {one.name: getattr(OFF, one.name) for one in fields(Stabiliser)}
"""Settings of a game that can have penalties and noise."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "r1": {"game.r1_weight": 10.0},
    "dragan": {"game.dragan_weight": 10.0},
    "instance-noise": {"game.noise_std": 0.5},
}
"""Presets for a recipe without BatchNorm in D; R1 and DRAGAN have the papers' weights."""


def stabiliser_of(recipe: Recipe) -> Stabiliser:
    """Return the settings of a recipe's game; settings that it does not offer are off."""
    names = {one.name for one in fields(Stabiliser)}
    return Stabiliser(**{name: recipe.game[name] for name in names & recipe.game.keys()})
