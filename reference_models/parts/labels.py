"""The labels that a logistic discriminator learns: smooth, noisy and flipped ones.

D usually learns the label 1 for real samples and 0 for generated ones. With a label y the loss of a
logit l is

    -y log D - (1 - y) log(1 - D) = sp(-l) + (1 - y) l = sp(l) - y l,    D = sigmoid(l),

so another label adds a multiple of the logit to the usual loss. Salimans et al., "Improved
Techniques for Training GANs", NeurIPS 2016, section 3.4, smooth only the label of real samples; the
optimal D is then (1 - smoothing) p / (p + q). Chintala et al., "How to Train a GAN?", 2016
(soumith/ganhacks, tip 6) smooth both labels, draw labels from a range and flip some.

The loss is linear in y, so random labels have on average the loss of their mean. Noise around a
label does not change the mean of a gradient, only its variance. Flips with probability p have the
mean effect of smoothing both labels (1 and 0) by p, and they add variance.

Differs from the list of tips: labels are uniform around their value, up to `label_noise` away. The
ranges in the list are 0.7 to 1.2 for real samples and 0 to 0.3 for generated ones. Their means are
those of `label_smoothing` 0.05 and `fake_label` 0.15, with `label_noise` 0.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch

from reference_models.engine.draw import Draw
from reference_models.engine.game import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The settings of the labels.

    Attributes:
        label_smoothing: 1 minus the label of real samples.
        fake_label: The label of generated samples.
        label_noise: Largest distance of a label from these values; labels are uniform around them.
        label_flips: Probability that a sample gets the label of the other kind.
    """

    label_smoothing: float = 0.0
    fake_label: float = 0.0
    label_noise: float = 0.0
    label_flips: float = 0.0

    @property
    def are_hard(self) -> bool:
        """Whether the labels are 1 and 0, without noise or flips."""
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
        """Return labels float32 [num] for "real" or "fake" samples, as the purpose says."""
        own, other = 1 - self.label_smoothing, self.fake_label
        if purpose == "fake":
            own, other = other, own
        flip, noise = draw.uniform(f"labels {purpose}", num, 2, like=like).unbind(1)
        values = torch.where(flip < self.label_flips, other, own)
        return values + self.label_noise * (2 * noise - 1)

    def terms(self, real: torch.Tensor, fake: torch.Tensor, draw: Draw) -> Terms:
        """Return the term that these labels add to the loss with labels 1 and 0, by name.

        With labels 1 and 0 there is none.

        Args:
            real: Logits of real samples, float [B].
            fake: Logits of generated samples, float [B].
            draw: The random numbers of the step.
        """
        if self.are_hard:
            return {}
        lack = 1 - self.of(len(real), draw, "real", real)
        excess = self.of(len(fake), draw, "fake", fake)
        return {"labels": (lack * real).mean() - (excess * fake).mean()}


HARD = Labels()
LABELS: Mapping[str, Any] = {one.name: getattr(HARD, one.name) for one in fields(Labels)}
"""Settings of a game with a logistic discriminator."""


def labels_of(game: Mapping[str, Any]) -> Labels:
    """Return the labels that a game's settings describe; 1 and 0 if it has no such settings."""
    return Labels(**{name: game[name] for name in LABELS.keys() & game.keys()})
