"""Estimate how many different pictures a generator makes: the birthday test.

Arora and Zhang, "Do GANs actually learn the distribution? An empirical study", 2017: among s
samples of a uniform distribution over N pictures, two are likely to be the same once s^2 is about
N. A generator whose samples repeat so early cannot have learned data of more pictures, however real
each of them looks; Arora et al., "Generalization and Equilibrium in Generative Adversarial Nets",
ICML 2017, show that a discriminator of limited size cannot forbid it.

The authors look for the first repetition by eye. Here all pairs are counted: a pair repeats if it
is no farther apart than `reach`, and one of N equally likely pictures does so with probability 1/N.
The metric `birthday` of ganeval does the same with the features of a network, and has an interval.
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
    """Return how many equally likely pictures would repeat as often as samples [N, ...] do.

    That is the number of pairs divided by the number of repetitions; without a repetition, one is
    assumed, which gives a lower bound.

    Args:
        samples: N at least 2.
        reach: Distance up to which two are the same; 0 for copies.
    """
    distances = torch.pdist(samples.flatten(1).double())
    return len(distances) / max(int((distances <= reach).sum()), 1)


def nearest_pair(samples: torch.Tensor) -> float:
    """Return the smallest distance of two samples [N, ...], N at least 2."""
    return float(torch.pdist(samples.flatten(1).double()).min())


def support_after(recipe: Recipe) -> Callable[[int], float]:
    """Return a function that trains on digits and tests as many samples as real ones set the reach.

    No two digits of the data are the same, so two samples count as the same if they are nearer to
    each other than any two of 1,000 digits.
    """

    def measure(seed: int) -> float:
        data = digits(size=SIZE)
        run = trained(recipe, data, steps=STEPS, seed=seed)
        reach = nearest_pair(data.batch(seed, 0, NUM_SAMPLES)["real"])
        return support(points(run, NUM_SAMPLES), reach=reach)

    return measure


GAN = Experiment(
    model="gan",
    criterion="different pictures among samples after training on digits, by the birthday test",
    better="higher",
    threshold=100.0,
    control_is="the learning rate of G a hundredfold",
    system=support_after(gan.RECIPE),
    control=support_after(with_settings(gan.RECIPE, {"optimizers.G.lr": 5e-2})),
)
