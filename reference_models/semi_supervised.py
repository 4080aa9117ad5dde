"""Semi-supervised GAN: D is a classifier that learns from unlabelled and generated samples too.

Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section 5. D is a classifier
of K classes with logits l_k. Generated samples are class K + 1. The logit of this class can be
fixed at 0, because a softmax does not change if a number is added to all logits. So a sample is
real with probability

    D(x) = Z(x) / (Z(x) + 1),    Z(x) = sum_k exp l_k(x)

which is the sigmoid of log Z. With the classes y of a few labelled samples and the features f of D:

    D minimises   -E_labelled log p(y | x, y <= K) + w (-E log D(x) - E log(1 - D(G(z))))
    G minimises   |E f(x) - E f(G(z))|^2                         as in `feature_matching.py`

What is special: a few labels name the classes, and the unlabelled samples help to separate them.
The tested classifier is the moving average of D, as in the paper's code. During training D has
Gaussian noise before every layer, as the code has on MNIST. Without noise D soon memorises all
samples, and then it learns nothing more from the unlabelled ones.

`game.per_class` labels of each class are used: those of the first pictures in a shuffled order,
which `game.subset` selects. No other label is used. w = 0 trains the same network on the labels
alone.

Published: 93 +- 6.5 errors on MNIST's 10,000 test digits from 100 labels (table 1), 18.63 +- 2.32 %
on CIFAR-10 from 4,000 labels (table 2).

Differs from the paper: three layers of 128 in D without weight norm, where its code has five of 250
to 1,000; G as in `dcgan.py`, and three times as fast as D; the average has a half-life in images,
where the code moves it by 1e-4 a step; w = 1/2 as in the code, where the equations have no w.
"""

import itertools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Options, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.feature_matching import FeatureMatching
from reference_models.parts.augment import AUGMENT, Augment, augment_of
from reference_models.parts.classes import check_classes, known_labels
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.networks import generator_for
from reference_models.parts.objectives import OBJECTIVES, Objective
from reference_models.parts.weights import init_uniform

Generator = generator_for

Noise = Callable[[int, torch.Tensor], torch.Tensor]
"""Function of a layer's number and its input [B, n] that returns the input with noise."""


class Classifier(Discriminator):
    """A multi-layer perceptron from pictures to the logits of K classes."""

    def __init__(self, *, shape: tuple[int, ...], num_classes: int, width: int, depth: int) -> None:
        """Build `depth` hidden layers."""
        super().__init__()
        sizes = [math.prod(shape), *[width] * depth]
        self.num_features = width
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))
        self.last = nn.Linear(width, num_classes)

    def features(self, x: torch.Tensor, noise: Noise | None = None) -> torch.Tensor:
        """Return the last hidden layer; `noise`, if given, is added before each layer."""
        h = x.flatten(1)
        for number, layer in enumerate(self.hidden):
            h = F.leaky_relu(layer(h if noise is None else noise(number, h)), 0.2)
        return h

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits [B, num_classes] of features."""
        logits: torch.Tensor = self.last(features)
        return logits

    def forward(self, x: torch.Tensor, noise: Noise | None = None) -> torch.Tensor:
        """Return the logits of pictures."""
        h = self.features(x, noise)
        return self.logits(h if noise is None else noise(len(self.hidden), h))


class SemiSupervised(FeatureMatching):
    """The game of a classifier against a generator, whose samples are class K + 1.

    Attributes:
        labelled: Buffer, float32 [N, C, H, W]: the labelled pictures.
        labels: Buffer, int64 [N]: their classes.
    """

    averaged = ("generator", "discriminator")
    discriminator: Classifier
    labelled: torch.Tensor
    labels: torch.Tensor

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Classifier,
        objective: Objective,
        augment: Augment,
        options: Options,
        known: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Take the parts of `Unconditional`, and the labelled pictures with their classes.

        The objective gives the loss of D as a function of the logits log Z.
        """
        super().__init__(generator, discriminator, objective, augment, options=options)
        self.register_buffer("labelled", known[0])
        self.register_buffer("labels", known[1])

    def judged(self, samples: torch.Tensor, draw: Draw, purpose: str) -> torch.Tensor:
        """Return D's logits [B, K] of samples, with augmentation and with noise in every layer."""

        def noise(number: int, h: torch.Tensor) -> torch.Tensor:
            std: float = self.options["noise_of_layers" if number else "noise_of_input"]
            return h + std * draw.normal(f"noise {purpose} {number}", *h.shape, like=h)

        logits: torch.Tensor = self.discriminator(self.augment(samples, draw, purpose), noise)
        return logits

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the terms of D with and without labels, or the squared distance for G."""
        if player == "G":
            return super().loss(player, batch, draw)
        weight = self.options["unlabelled_weight"]
        places = draw.uniform("labelled", batch.size, like=self.labelled) * len(self.labelled)
        chosen = places.long()
        logits = self.judged(self.labelled[chosen], draw, "labelled")
        terms = {"labelled": F.cross_entropy(logits, self.labels[chosen])}
        if weight > 0:
            real = self.judged(batch["real"], draw, "real")
            fake = self.judged(self.sample(batch.size, draw), draw, "fake")
            log_z = real.logsumexp(dim=1), fake.logsumexp(dim=1)
            terms["unlabelled"] = weight * self.objective.discriminator(*log_z)
        return terms


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights and its labelled pictures.

    Raises:
        GanevalError: The data and D have different numbers of classes, or a class has too few
            pictures.
    """
    num_classes = recipe.networks["discriminator"]["num_classes"]
    check_classes(data, num_classes, setting="discriminator.num_classes")
    numbers = recipe.game
    game = SemiSupervised(
        Generator(**recipe.generator_options(data.shape)),
        Classifier(shape=data.shape, **recipe.networks["discriminator"]),
        OBJECTIVES["minimax"],  # for D; G matches features
        augment_of(recipe, data),
        numbers,
        known_labels(
            data, num_classes=num_classes, per_class=numbers["per_class"], subset=numbers["subset"]
        ),
    )
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="semi-supervised",
    make_game=make_game,
    exported={"generator": Exported("reference_models.semi_supervised:Generator")},
    reads=("real", "labels"),
    kinds=("pictures",),
    networks={
        "generator": {"latent_size": 64, "width": 32},
        "discriminator": {"num_classes": 10, "width": 128, "depth": 3},
    },
    game={
        "per_class": 10,
        "subset": 1,
        "unlabelled_weight": 0.5,
        "noise_of_input": 0.3,
        "noise_of_layers": 0.5,
        **AUGMENT,
    },
    solver=Alternating(),
    optimizers={"D": OptimizerSpec(lr=1e-3), "G": OptimizerSpec(lr=3e-3)},
)
