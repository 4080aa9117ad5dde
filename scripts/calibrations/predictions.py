"""Laws of predicted classes, whose Inception Score is a closed form.

An image has a class y, and its probabilities are drawn from a Dirichlet distribution with the
parameters a/C for each of C classes and `trust` more for y. The Dirichlet distribution has closed
forms for E p and E p log p, and log IS is the difference of their entropies.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.special

Rows = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """A law of logits.

    Attributes:
        num_classes: C.
        doubt: a, which is spread over all classes.
        trust: What the class of the image has more.
        used: The share of classes that images are of.
    """

    num_classes: int
    doubt: float
    trust: float
    used: float = 1.0

    @property
    def prior(self) -> Array:
        """How frequent the classes are, the first one twice the last used one, float64 [C]."""
        num = max(round(self.used * self.num_classes), 2)
        prior = np.zeros(self.num_classes)
        prior[:num] = np.linspace(2, 1, num)
        return np.asarray(prior / prior.sum())

    def draw(self, num: int, rng: np.random.Generator) -> Rows:
        """Draw logits of independent images, float32 [num, C].

        They are logarithms of gamma variates. Those of a small shape are too small for their type,
        so Gamma(a) is drawn as Gamma(a + 1) U^(1/a).
        """
        shape = self.doubt / self.num_classes
        size = (num, self.num_classes)
        logits = np.log(rng.standard_gamma(shape + 1, size, dtype=np.float32))
        logits -= rng.standard_exponential(size, dtype=np.float32) / np.float32(shape)
        classes = rng.choice(self.num_classes, num, p=self.prior)
        logits[np.arange(num), classes] = np.log(rng.standard_gamma(shape + self.trust, num))
        return np.asarray(logits - logits.max(axis=1, keepdims=True), dtype=np.float32)

    @property
    def score(self) -> float:
        """The Inception Score of infinitely many images."""
        shape, total = self.doubt / self.num_classes, self.doubt + self.trust
        shapes = np.array([shape, shape + self.trust])
        # E p log p of one class, of Dirichlet's parameter s in a sum t: s/t (psi(s+1) - psi(t+1)).
        digamma = scipy.special.digamma
        each = shapes / total * (digamma(shapes + 1) - digamma(total + 1))
        mean = (shape + self.trust * self.prior) / total
        within = float(each @ [self.num_classes - 1, 1])
        return float(np.exp(within - np.sum(mean * np.log(mean))))


PREDICTIONS: Mapping[str, Predictions] = {
    f"{name}{num_classes}": Predictions(
        num_classes=num_classes, doubt=doubt, trust=trust, used=used
    )
    for num_classes in (10, 100, 1000)
    for name, doubt, trust, used in (
        ("confident", 1.0, 9.0, 1.0),
        ("diffuse", 8.0, 2.0, 1.0),
        ("wavering", num_classes, 0.1 * num_classes, 1.0),
        ("collapsed", 1.0, 9.0, 0.1),
    )
}
