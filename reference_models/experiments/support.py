"""How many different pictures a generator makes: the birthday test.

Arora and Zhang, "Do GANs actually learn the distribution? An empirical study", 2017: of s samples
of a distribution that is uniform over N pictures some two are likely to be the same once s^2 is
about N. A generator whose samples repeat so early cannot have learned data of more pictures,
however real each of them looks; Arora et al., "Generalization and Equilibrium in Generative
Adversarial Nets", ICML 2017, show that a discriminator of limited size cannot forbid it.

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

    That is the number of pairs by that of repetitions; without any it is a lower bound, as if there
    were one.

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
    """Return what trains on digits and tests as many samples as it takes real ones for the reach.

    No two digits of the data are the same, so two samples are if they are nearer to each other than
    any two of 1,000 digits.
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
