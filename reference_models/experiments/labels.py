"""Ten labels for each class: does a discriminator learn from unlabelled digits?"""

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reference_models import dcgan, gan, semi_supervised
from reference_models.data.digits import digits
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained
from reference_models.parts.classes import known_labels
from reference_models.parts.discriminator import Discriminator

SUBSETS = (1, 2, 3)
SIZE = 8  # pixels of the digits for the semi-supervised classifier
STEPS = 2000

_SMALL = with_settings(semi_supervised.RECIPE, {"generator.width": 16})


@functools.lru_cache(maxsize=8)
def errors_of(weight: float, seed: int) -> int:
    """Return the errors of the averaged classifier on held-out digits, over three label subsets."""
    data, held_out = digits(size=SIZE), digits(size=SIZE, split="test")
    test = held_out.batch(0, 0, len(held_out))
    wrong = 0
    for subset in SUBSETS:
        changes = {"game.subset": subset, "game.unlabelled_weight": weight}
        run = trained(with_settings(_SMALL, changes), data, steps=STEPS, seed=seed)
        with torch.inference_mode():
            found = run.averages["discriminator"](test["real"]).argmax(dim=1)
        wrong += int((found != test["labels"]).sum())
    return wrong


def to_labels_alone(weight: float, *, other_weights: int) -> Callable[[int], float]:
    """Return a function that divides the errors by the errors of training on labels only.

    Args:
        weight: Weight of the unlabelled term.
        other_weights: Added to the seed, to compare training on labels only with itself from other
            first weights.
    """
    return lambda seed: errors_of(weight, seed + other_weights) / errors_of(0.0, seed)


SEMI_SUPERVISED = Experiment(
    model="semi-supervised",
    criterion="errors of the classifier from 100 labels, divided by those of the same net on "
    "labels alone",
    better="lower",
    threshold=0.8,
    control_is="labels alone, from other first weights",
    system=to_labels_alone(semi_supervised.RECIPE.game["unlabelled_weight"], other_weights=0),
    control=to_labels_alone(0.0, other_weights=100),
)


def probe_of(recipe: Recipe, *, steps: int) -> Callable[[int], float]:
    """Return a function that compares D's features with raw pixels by a linear classifier.

    The classifier learns from three sets of 100 labelled digits and is tested on the held-out ones.
    The number is the errors with features, divided by the errors with pixels. In such short runs
    the convolutions make the difference and not the training: before its first step, the D of dcgan
    has an equally low ratio.
    """

    def measure(seed: int) -> float:
        data, held_out = digits(), digits(split="test")
        run = trained(recipe, data, steps=steps, seed=seed)
        judge = run.game.get_submodule("discriminator").eval()
        assert isinstance(judge, Discriminator)
        test = held_out.batch(0, 0, len(held_out))
        errors = {"features": 0, "pixels": 0}
        for subset in SUBSETS:
            known, labels = known_labels(data, num_classes=10, per_class=10, subset=subset)
            for name, see in (("features", judge.features), ("pixels", _flat)):
                with torch.inference_mode():
                    seen, tested = (see(x).numpy() for x in (known, test["real"]))
                errors[name] += _errors(seen, labels.numpy(), tested, test["labels"].numpy())
        return errors["features"] / errors["pixels"]

    return measure


def _flat(x: torch.Tensor) -> torch.Tensor:
    """Return the pixels of pictures, flattened."""
    return x.flatten(1)


def _errors(
    seen: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    tested: npt.NDArray[np.float32],
    expected: npt.NDArray[np.int64],
) -> int:
    """Return the errors of a linear classifier on standardised features."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return int((classifier.fit(seen, labels).predict(tested) != expected).sum())


DCGAN = Experiment(
    model="dcgan",
    criterion="errors of a linear probe on D's features from 100 labels, divided by those on "
    "raw pixels",
    better="lower",
    threshold=0.9,
    control_is="the discriminator of gan, which has no convolutions",
    system=probe_of(dcgan.RECIPE, steps=300),
    control=probe_of(gan.RECIPE, steps=300),
)
