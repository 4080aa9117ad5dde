"""Whether sums of latents are sums of what one sees: red square - blue square + blue disc."""

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from sklearn.neighbors import KNeighborsClassifier

import ganeval
from reference_models import dcgan
from reference_models.data.shapes import COLOURS, SHAPES, shapes
from reference_models.engine.draw import Draw
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained

STEPS = 1500
NUM_SAMPLES = 4000  # to take examples from
NUM_TRIALS = 300
NUM_EXAMPLES = 3  # for each mean: Radford et al. 2016, section 6.3.2

Labels = npt.NDArray[np.int64]


class Trained:
    """A generator of shapes, samples with what they show, and the reader of that."""

    def __init__(self, seed: int) -> None:
        """Train the generator, and read its samples."""
        real = shapes()
        assert real.labels is not None
        self.generator = trained(dcgan.RECIPE, real, steps=STEPS, seed=seed).average
        self.reader = KNeighborsClassifier(1).fit(real.pixels.reshape(len(real), -1), real.labels)
        size = dcgan.RECIPE.networks["generator"]["latent_size"]
        self.latents = Draw(0, 0).normal("measure", NUM_SAMPLES, size)
        self.labels = self.read(self.latents)

    @torch.inference_mode()
    def read(self, z: torch.Tensor) -> Labels:
        """Return shape and colour of the real picture nearest to each sample, 0 to 11."""
        pixels = (torch.cat([self.generator(part) for part in z.split(250)]) + 1) * 127.5
        found: Labels = self.reader.predict(pixels.flatten(1).numpy())
        return found

    def examples(self, shape: int, colour: int, num: int, rng: np.random.Generator) -> torch.Tensor:
        """Return the latents of some samples that show this, [num, n]."""
        (fitting,) = np.nonzero(self.labels == shape * len(COLOURS) + colour)
        return self.latents[rng.choice(fitting, num, replace=False)]


_trained = functools.lru_cache(maxsize=1)(Trained)  # system and control ask for the same one


def sums_that_hold(num_examples: int) -> Callable[[int], float]:
    """Return what measures how often the result shows the shape of one term, the colour of another.

    Args:
        num_examples: Number of latents in the mean of each term.
    """

    def measure(seed: int) -> float:
        found, rng = _trained(seed), np.random.default_rng(seed)
        results, wanted = [], []
        for _ in range(NUM_TRIALS):
            shape, other_shape = rng.choice(len(SHAPES), 2, replace=False)
            colour, other_colour = rng.choice(len(COLOURS), 2, replace=False)
            terms = ((other_shape, colour), (shape, other_colour), (other_shape, other_colour))
            first, second, less = (found.examples(*one, num_examples, rng) for one in terms)
            results.append(ganeval.latent_arithmetic([first, second], [less]))
            wanted.append(shape * len(COLOURS) + colour)
        return float((found.read(torch.stack(results)) == np.array(wanted)).mean())

    return measure


DCGAN = Experiment(
    model="dcgan",
    criterion="sums of latents (red square - blue square + blue disc) that show what they should",
    better="higher",
    threshold=0.8,
    control_is="one latent for each term instead of the mean of three",
    system=sums_that_hold(NUM_EXAMPLES),
    control=sums_that_hold(1),
)
