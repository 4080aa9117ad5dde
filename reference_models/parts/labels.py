"""What a logistic discriminator is told: smooth, noisy and flipped labels.

D usually learns 1 of real samples and 0 of generated ones. With a label y the loss of a logit l is

    -y log D - (1 - y) log(1 - D) = sp(-l) + (1 - y) l = sp(l) - y l,    D = sigmoid(l),

so what another label adds to the usual loss is a multiple of the logit. Salimans et al., "Improved
Techniques for Training GANs", NeurIPS 2016, section 3.4, smooth the label of real samples alone,
after which D is at its best (1 - smoothing) p / (p + q). Chintala et al., "How to Train a GAN?",
2016 (soumith/ganhacks, tip 6) smooth both, draw labels from a range and flip some.

The loss is linear in y, so random labels have on average the loss of their mean. Noise around a
label changes no gradient but its variance. Flips with probability p are smoothing of both labels by
p (from 1 and 0), and the variance.

Differs from the list: labels are spread evenly around their value, by `label_noise` to both sides.
Its ranges, 0.7 to 1.2 for real samples and 0 to 0.3 for generated ones, have the means of
`label_smoothing` 0.05 and `fake_label` 0.15, with `label_noise` 0.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch

from reference_models.engine.draw import Draw
from reference_models.engine.game import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The settings of this page.

    Attributes:
        label_smoothing: What the label of real samples lacks to be 1.
        fake_label: The label of generated samples.
        label_noise: How far a label is from these at most; evenly spread.
        label_flips: Probability that a sample has the label of the other side.
    """

    label_smoothing: float = 0.0
    fake_label: float = 0.0
    label_noise: float = 0.0
    label_flips: float = 0.0

    @property
    def are_hard(self) -> bool:
        """Whether they are 1 and 0."""
        return self == HARD

    @property
    def tell_apart(self) -> bool:
        """Whether real samples have the higher label on average."""
        return self.label_smoothing + self.fake_label < 1 and self.label_flips < 0.5

    @property
    def said(self) -> str:
        """The settings that are not 0, for messages."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return " and ".join(f"game.{name} {value}" for name, value in given.items() if value)

    def of(self, num: int, draw: Draw, purpose: str, like: torch.Tensor) -> torch.Tensor:
        """Return the labels of `num` samples, float32 [num], "real" or "fake" ones by purpose."""
        own, other = 1 - self.label_smoothing, self.fake_label
        if purpose == "fake":
            own, other = other, own
        flip, noise = draw.uniform(f"labels {purpose}", num, 2, like=like).unbind(1)
        values = torch.where(flip < self.label_flips, other, own)
        return values + self.label_noise * (2 * noise - 1)

    def terms(self, real: torch.Tensor, fake: torch.Tensor, draw: Draw) -> Terms:
        """Return what they add to the loss of labels 1 and 0, by name; nothing if they are these.

        Args:
            real: Logits of real samples, float [B].
            fake: Logits of generated ones, float [B].
            draw: The randomness of the step.
        """
        if self.are_hard:
            return {}
        lack = 1 - self.of(len(real), draw, "real", real)
        excess = self.of(len(fake), draw, "fake", fake)
        return {"labels": (lack * real).mean() - (excess * fake).mean()}


HARD = Labels()
LABELS: Mapping[str, Any] = {one.name: getattr(HARD, one.name) for one in fields(Labels)}
"""Numbers of a game with a logistic discriminator."""


def labels_of(game: Mapping[str, Any]) -> Labels:
    """Return what the numbers of a game ask for; a game that does not offer them has hard ones."""
    return Labels(**{name: game[name] for name in LABELS.keys() & game.keys()})
