"""Estimate how many different pictures a generator makes: the birthday test.

Arora and Zhang, "Do GANs actually learn the distribution? An empirical study", 2017: among s
samples of a uniform distribution over N pictures, two are likely to be the same if s^2 is about N
or more. If samples repeat so early, the generator makes only about N different pictures, however
real each of them looks. Arora et al., "Generalization and Equilibrium in Generative Adversarial
Nets", ICML 2017, show that a discriminator of limited size cannot prevent this.

The authors look for the first repetition by eye. Here all pairs are counted. Two samples are the
same if their distance is at most `reach`; with N equally likely pictures this has the probability
1/N. The metric `birthday` of ganeval does the same with features of a network, and has an interval.
"""

from collections.abc import Callable

import torch

from reference_models import gan
from reference_models.data.digits import digits
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import points, trained

NUM_SAMPLES = 1000
SIZE = 8
STEPS = 2000


def support(samples: torch.Tensor, *, reach: float) -> float:
    """Return the number of equally likely pictures that would repeat as often as samples [N, ...].

    It is the number of pairs divided by the number of repetitions. If there are none, one is
    assumed, and the result is a lower bound.

    Args:
        samples: At least two samples.
        reach: Largest distance at which two samples are the same; 0 for exact copies.
    """
    distances = torch.pdist(samples.flatten(1).double())
    return len(distances) / max(int((distances <= reach).sum()), 1)


def nearest_pair(samples: torch.Tensor) -> float:
    """Return the smallest distance between two of the samples [N, ...], N at least 2."""
    return float(torch.pdist(samples.flatten(1).double()).min())


def support_after(recipe: Recipe) -> Callable[[int], float]:
    """Return a function that trains on digits and estimates the support from 1,000 samples.

    No two digits of the data are the same. So two samples count as the same if they are at least as
    near to each other as the nearest two of 1,000 digits.
    """

    def measure(seed: int) -> float:
        data = digits(size=SIZE)
        run = trained(recipe, data, steps=STEPS, seed=seed)
        reach = nearest_pair(data.batch(seed, 0, NUM_SAMPLES)["real"])
        return support(points(run, NUM_SAMPLES), reach=reach)

    return measure


GAN = Experiment(
    model="gan",
    criterion="different pictures that a generator of digits makes, by the birthday test",
    better="higher",
    threshold=100.0,
    control_is="100 times the learning rate of G",
    system=support_after(gan.RECIPE),
    control=support_after(with_settings(gan.RECIPE, {"optimizers.G.lr": 5e-2})),
)
