"""InfoGAN: some latents are codes that can be recovered from the image.

Chen et al., "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative
Adversarial Nets", NeurIPS 2016, equation 6. c are the codes and z the other latents. Q(c | x) is a
distribution of the codes that a network predicts from x. L_I is a lower bound on the mutual
information I of codes and sample (equation 5). H(c) is the entropy of the codes, a constant:

    min_{G,Q} max_D  V(D, G) - lambda L_I(G, Q)
    L_I(G, Q) = E log Q(c | G(z, c)) + H(c)  <=  I(c; G(z, c))

    D minimises   -E log D(x) - E log(1 - D(G(z, c))) - lambda L_I
    G minimises   -E log D(G(z, c)) - lambda L_I

What is special: Q is a second head on the layers of D (section 6), so L_I is in the losses of both
players. It trains G, the shared layers and the head. There is one categorical code, which the
checkpoints here call the label. The other codes are continuous and uniform from -1 to 1; for them Q
is a Gaussian with standard deviation 1.

Differs from the paper: one lambda for all codes, where the paper has a smaller one for continuous
codes; networks of `dcgan.py` without BatchNorm in D.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.weights import init_uniform


class Generator(nn.Module):
    """Makes a sample from noise, continuous codes and a categorical code."""

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        latent_size: int,
        num_classes: int,
        num_continuous: int,
        width: int,
    ) -> None:
        """Build the network; the last `num_continuous` latents hold the continuous codes."""
        super().__init__()
        self.latent_size, self.num_classes = latent_size, num_classes
        self.num_continuous = num_continuous
        self.network = generator_for(
            tuple(shape), latent_size=latent_size + num_classes, width=width
        )

    def codes(self, z: torch.Tensor) -> torch.Tensor:
        """Return the continuous codes [B, n] that the last latents hold, uniform on [-1, 1].

        Latents are standard normal here, and erf(z / sqrt(2)) of a standard normal z is uniform.
        """
        return torch.erf(z[:, self.latent_size - self.num_continuous :] / math.sqrt(2))

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return samples for latents [B, latent_size] and categorical codes int64 [B]."""
        noise = z[:, : self.latent_size - self.num_continuous]
        categories = F.one_hot(labels, self.num_classes).to(z.dtype)
        samples: torch.Tensor = self.network(torch.cat([noise, self.codes(z), categories], dim=1))
        return samples


class InfoGan(Game):
    """The game of G against D, which has the second head Q."""

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",), "G": ("generator",)}

    def __init__(
        self,
        generator: Generator,
        discriminator: nn.Module,
        objective: Objective,
        weight: float,
    ) -> None:
        """Take the networks, the objective and lambda.

        Args:
            generator: As above.
            discriminator: Maps samples to [B, 1 + num_classes + num_continuous]: the logit of D,
                the logits of the categorical code, the means of the continuous codes.
            objective: Objective of V.
            weight: Lambda.
        """
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.weight = objective, weight

    def information(
        self, outputs: torch.Tensor, labels: torch.Tensor, codes: torch.Tensor
    ) -> torch.Tensor:
        """Return L_I in nats, up to the constant entropy of the continuous codes.

        Args:
            outputs: Outputs of the discriminator for generated samples.
            labels: Their categorical codes, int64 [B].
            codes: Their continuous codes, float32 [B, n].
        """
        logits, means = outputs[:, 1:].tensor_split([self.generator.num_classes], dim=1)
        entropy = math.log(self.generator.num_classes)
        density = -0.5 * ((codes - means).square() + math.log(2 * math.pi)).sum(dim=1)
        return entropy - F.cross_entropy(logits, labels) + density.mean()

    def reads(self, player: str) -> bool:
        """Return whether a player uses real samples; only D does."""
        return player == "D"

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the adversarial term of a player, and -lambda L_I, which both players have."""
        num, like = batch.size, next(self.generator.parameters())
        z = draw.normal("z", num, self.generator.latent_size, like=like)
        labels = (draw.uniform("code", num, like=like) * self.generator.num_classes).long()
        outputs = self.discriminator(self.generator(z, labels))
        if player == "G":
            adversarial = self.objective.generator(None, outputs[:, 0])
        else:
            real = self.discriminator(batch["real"])[:, 0]
            adversarial = self.objective.discriminator(real, outputs[:, 0])
        information = self.information(outputs, labels, self.generator.codes(z))
        return {"adversarial": adversarial, "information": -self.weight * information}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> InfoGan:
    """Return the game with its first weights.

    Raises:
        GanevalError: The prior is not normal, so that the codes would not be uniform, or there are
            more continuous codes than latents.
    """
    if recipe.prior != "normal":
        raise ganeval.GanevalError(
            f"prior {recipe.prior} for infogan",
            "normal latents, from which its codes are computed",
            "leave prior=normal",
        )
    options = recipe.networks["generator"]
    if options["num_continuous"] > options["latent_size"]:
        raise ganeval.GanevalError(
            f"{options['num_continuous']} continuous codes in {options['latent_size']} latents",
            "at least as many latents as continuous codes",
            "change generator.num_continuous or generator.latent_size",
        )
    generator = Generator(**recipe.generator_options(data.shape))
    num_codes = generator.num_classes + generator.num_continuous
    game = InfoGan(
        generator,
        discriminator_for(
            data.shape, num_outputs=1 + num_codes, **recipe.networks["discriminator"]
        ),
        objective_of(recipe),
        recipe.game["weight"],
    )
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="infogan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.infogan:Generator")},
    networks={
        "generator": {"latent_size": 64, "num_classes": 10, "num_continuous": 2, "width": 32},
        "discriminator": {"width": 32},
    },
    game={"objective": "non-saturating", "weight": 1.0},
    solver=Alternating(),
    optimizers={"D": OptimizerSpec(lr=2e-4), "G": OptimizerSpec(lr=1e-3)},
)
