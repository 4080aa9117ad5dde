"""BiGAN and ALI: an encoder learns with the generator, and D judges pairs of sample and latent.

Donahue, Kraehenbuehl and Darrell, "Adversarial Feature Learning", ICLR 2017, section 3, and
Dumoulin et al., "Adversarially Learned Inference", ICLR 2017, section 2, have the same objective:

    min_{G,E} max_D  E log D(x, E(x)) + E log(1 - D(G(z), z))

As both papers advise, G and E minimise the loss of D with swapped labels:

    D minimises      -E log D(x, E(x)) - E log(1 - D(G(z), z))
    G, E minimise    -E log(1 - D(x, E(x))) - E log D(G(z), z)

What is special: one player owns two networks, the generator G and the encoder E. At the optimum
both kinds of pairs have the same distribution, so E inverts G. In BiGAN E is a function (`RECIPE`).
In ALI E is random: E(x) = mu(x) + sigma(x) * noise is a sample of a Gaussian, and mu and sigma
depend on x (`ALI`).

Differs from the papers: 8 latents and Adam(1e-3), where BiGAN has 50 uniform ones on digits and
2e-4, and ALI has 64 to 256 and 1e-4. The joint discriminator maps a sample to features; further
layers take these and the latent.
"""

from collections.abc import Mapping

import torch
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.weights import init_uniform

Generator = generator_for


class Encoder(nn.Module):
    """Maps samples to latents, by a function or by a Gaussian whose mean is a function."""

    def __init__(
        self, *, shape: tuple[int, ...], latent_size: int, width: int, stochastic: bool
    ) -> None:
        """Build the network; a stochastic one has a log-variance for every mean."""
        super().__init__()
        self.latent_size, self.stochastic = latent_size, stochastic
        num_outputs = 2 * latent_size if stochastic else latent_size
        self.network = discriminator_for(shape, width=width, num_outputs=num_outputs)

    def forward(self, x: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Return latents float32 [B, latent_size].

        Args:
            x: Samples.
            noise: Standard normal [B, latent_size], for a stochastic encoder; without it the result
                is the mean.
        """
        outputs: torch.Tensor = self.network(x)
        mean, log_variance = outputs.tensor_split([self.latent_size], dim=1)
        if not self.stochastic or noise is None:
            return mean
        return mean + (0.5 * log_variance).exp() * noise


class JointDiscriminator(nn.Module):
    """Tells pairs (x, E(x)) from pairs (G(z), z)."""

    def __init__(self, *, shape: tuple[int, ...], latent_size: int, width: int) -> None:
        """Build a network from samples to features, and layers on features and latent together."""
        super().__init__()
        num_features = 4 * width
        self.features = discriminator_for(shape, width=width, num_outputs=num_features)
        self.head = nn.Sequential(
            nn.Linear(num_features + latent_size, 8 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(8 * width, 8 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(8 * width, 1),
        )

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Return logits float32 [B] for samples and latents [B, latent_size]."""
        logits: torch.Tensor = self.head(torch.cat([self.features(x), z], dim=1))
        return logits.squeeze(1)


class Bidirectional(Game):
    """The game of generator and encoder, as one player, against the joint discriminator."""

    players: Mapping[str, tuple[str, ...]] = {
        "D": ("discriminator",),
        "G": ("generator", "encoder"),
    }

    def __init__(
        self,
        generator: nn.Module,
        encoder: Encoder,
        discriminator: JointDiscriminator,
        objective: Objective,
    ) -> None:
        """Take the three networks and the objective."""
        super().__init__()
        self.generator, self.encoder = generator, encoder
        self.discriminator, self.objective = discriminator, objective

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the term of D, or the term of G and E, which has swapped labels."""
        num, size = batch.size, self.encoder.latent_size
        z = draw.latents("z", num, size, prior=self.prior, like=batch["real"])
        encoded = self.encoder(
            batch["real"], draw.normal("encoding", num, size, like=batch["real"])
        )
        of_real = self.discriminator(batch["real"], encoded)
        of_fake = self.discriminator(self.generator(z), z)
        discriminator = self.objective.discriminator
        if player == "D":
            return {"adversarial": discriminator(of_real, of_fake)}
        return {"adversarial": discriminator(of_fake, of_real)}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Bidirectional:
    """Return the game with its first weights."""
    generator = recipe.networks["generator"]
    latent_size = generator["latent_size"]
    game = Bidirectional(
        Generator(data.shape, **generator),
        Encoder(shape=data.shape, latent_size=latent_size, **recipe.networks["encoder"]),
        JointDiscriminator(
            shape=data.shape, latent_size=latent_size, **recipe.networks["discriminator"]
        ),
        objective_of(recipe),
    )
    init_uniform(game, randomness)
    return game


def _recipe(name: str, *, stochastic: bool, variant: str) -> Recipe:
    """Return the recipe with one of the two encoders."""
    return Recipe(
        name=name,
        make_game=make_game,
        exported={"generator": Exported("reference_models.bigan:Generator")},
        networks={
            "generator": {"latent_size": 8, "width": 32},
            "encoder": {"width": 32, "stochastic": stochastic},
            "discriminator": {"width": 32},
        },
        game={"objective": "non-saturating"},
        solver=Alternating(),
        optimizers={player: OptimizerSpec(lr=1e-3, betas=(0.5, 0.999)) for player in ("D", "G")},
        variant=variant,
    )


RECIPE = _recipe("bigan", stochastic=False, variant="BiGAN: the encoder is a function")
ALI = _recipe("ali", stochastic=True, variant="ALI: the encoder is a Gaussian")
