"""DCGAN: the convolutional networks that made GANs of images train.

Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", ICLR 2016. The objective is the non-saturating one of `gan.py`:

    D minimises   -E log D(x) - E log(1 - D(G(z)))        G minimises   -E log D(G(z))

What is special: the networks (section 3) and the training (section 4). The networks have strided
convolutions instead of pooling, and no hidden fully connected layers. BatchNorm follows every layer
except G's last, D's first and D's last. G has ReLU, and tanh at the end; D has LeakyReLU(0.2).
Weights are drawn from N(0, 0.02), and both networks learn with Adam(2e-4, 0.5).

`--preset cifar10` is the residual DCGAN of Kurach et al., "A Large-Scale Study on Regularization
and Normalization in GANs", ICML 2019, as in mimicry (`dcgan_cifar`): D has no norm and sees images
from 0 to 1; D moves five times for each move of G; 200,000 steps without decay (kwotsin/mimicry#8).
Published: FID 28.95 +- 0.42 with 10,000 real and 10,000 generated images (mimicry's README, which
names no split). `--preset ttur` has the rates for CIFAR-10 of Heusel et al., "GANs Trained by a Two
Time-Scale Update Rule Converge to a Local Nash Equilibrium", NeurIPS 2017: D 1e-4, G 5e-4 (from
their code).

The tips of Chintala et al., "How to Train a GAN?", 2016 (soumith/ganhacks), are settings:
`docs/ganhacks.md` lists them, and `docs/measured/ganhacks.md` says which of them helped here.

Differs from the paper: 64 normal latents, a batch of 64 and 32 channels before the last layer,
where it has 100 uniform ones, 128 and 128 (`--preset paper`).
"""

import itertools

import torch
from torch import nn

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe, image_options
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.cifar10 import CIFAR10, RESIDUAL
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.ffhq64 import FFHQ64
from reference_models.parts.labels import LABELS
from reference_models.parts.objectives import objective_of
from reference_models.parts.pool import Pool
from reference_models.parts.residual import (
    ResidualDiscriminator,
    ResidualGenerator,
    init_residual,
    is_residual,
)
from reference_models.parts.sizes import doublings
from reference_models.parts.stabilise import PRESETS, STABILISE, stabiliser_of
from reference_models.parts.unconditional import Unconditional


class ConvGenerator(nn.Module):
    """Strided transposed convolutions from a 4 x 4 map upwards: section 3.

    Attributes:
        latent_size: Size of the whole latent vector; with dropout, its last part holds the masks.
    """

    def __init__(
        self,
        *,
        latent_size: int,
        image_size: int,
        channels: int,
        width: int = 64,
        batch_norm: bool = True,
        slope: float = 0.0,
        dropout: bool = False,
    ) -> None:
        """Build a stage for every doubling.

        Args:
            latent_size: Size of the latents that the first layer takes.
            image_size: Height and width.
            channels: Number of channels of an image.
            width: Channels before the last layer.
            batch_norm: Whether the layers have BatchNorm.
            slope: Slope of the activation below 0; 0 is ReLU.
            dropout: Whether every stage drops half of its channels, both in training and in
                sampling. Additional latents select them, so that a sample depends only on its own
                latent.
        """
        super().__init__()
        num = doublings(image_size)
        widths = [width * 2 ** (num - 1 - stage) for stage in range(num)]
        self.sizes = [latent_size, *widths] if dropout else [latent_size]
        self.latent_size, self.shape = sum(self.sizes), (channels, image_size, image_size)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise([latent_size, *widths]):
            stride, padding = (2, 1) if layers else (1, 0)
            layers.append(
                nn.ConvTranspose2d(before, after, 4, stride, padding, bias=not batch_norm)
            )
            layers += [nn.BatchNorm2d(after)] if batch_norm else []
            layers.append(nn.LeakyReLU(slope) if slope else nn.ReLU())
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return images float32 [B, C, H, W] in [-1, 1] for latents [B, latent_size].

        With dropout, a channel is kept if its latent is positive, as half of the latents are.
        """
        first, *masks = torch.split(z, self.sizes, dim=1)
        x = first[:, :, None, None]
        for layer in self.layers:
            x = layer(x)
            if masks and isinstance(layer, nn.ReLU | nn.LeakyReLU):
                # Kept channels are doubled, so that the mean is the same as without dropout.
                x = x * (2.0 * (masks.pop(0) > 0))[:, :, None, None]
        return x


class ConvDiscriminator(Discriminator):
    """Strided convolutions down to a 4 x 4 map and one logit: section 3."""

    def __init__(
        self,
        *,
        image_size: int,
        channels: int,
        width: int = 64,
        num_outputs: int = 1,
        batch_norm: bool = True,
        slope: float = 0.2,
    ) -> None:
        """Build a stage for every halving; as in the paper, the first has no BatchNorm.

        `slope` is the slope of the activation below 0; 0 is ReLU.
        """
        super().__init__()
        num = doublings(image_size)
        layers: list[nn.Module] = []
        before = channels
        for stage in range(num):
            after = width * 2**stage
            normed = batch_norm and stage > 0
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not normed))
            layers += [nn.BatchNorm2d(after)] if normed else []
            layers.append(nn.LeakyReLU(slope))
            before = after
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, num_outputs, 4))
        self.num_features = before * 4 * 4

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last 4 x 4 map, flattened."""
        maps: torch.Tensor = self.layers[:-1](x)
        return maps.flatten(1)

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits of features."""
        logits: torch.Tensor = self.layers[-1](features.reshape(len(features), -1, 4, 4))
        return logits.flatten(1).squeeze(1)


@torch.no_grad()
def init_dcgan(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights from N(0, 0.02) and the scales of BatchNorm from N(1, 0.02): section 4."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.weight.normal_(0.0, 0.02, generator=generator)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1.0, 0.02, generator=generator)
            module.bias.zero_()


def Generator(  # noqa: N802 (what checkpoints name as their entry)
    *,
    latent_size: int,
    image_size: int,
    channels: int,
    width: int = 64,
    body: str = "plain",
    batch_norm: bool = True,
    slope: float = 0.0,
    dropout: bool = False,
) -> nn.Module:
    """Return the paper's network, or a residual one that ends in a stretched sigmoid.

    Raises:
        GanevalError: A residual body was combined with an option that only the paper's network has.
    """
    if not is_residual(body):
        return ConvGenerator(
            latent_size=latent_size,
            image_size=image_size,
            channels=channels,
            width=width,
            batch_norm=batch_norm,
            slope=slope,
            dropout=dropout,
        )
    if slope or dropout or not batch_norm:
        raise ganeval.GanevalError(
            "a residual generator with a slope, with dropout or without BatchNorm",
            "a plain body for these options",
            "use `--set generator.body=plain`, or leave these options at their defaults",
        )
    return ResidualGenerator(
        latent_size=latent_size, image_size=image_size, channels=channels, width=width, unit=True
    )


def make_discriminator(
    *, image_size: int, channels: int, width: int, batch_norm: bool, slope: float, body: str
) -> Discriminator:
    """Return the paper's network, or a residual one that sees images from 0 to 1.

    Only the paper's network uses `batch_norm` and `slope`. Penalties on D's slope need a D without
    BatchNorm.
    """
    if is_residual(body):
        return ResidualDiscriminator(
            image_size=image_size, channels=channels, width=width, unit=True
        )
    return ConvDiscriminator(
        image_size=image_size, channels=channels, width=width, batch_norm=batch_norm, slope=slope
    )


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    size, swap = recipe.game["replay_size"], recipe.game["replay"]
    game = Unconditional(
        Generator(**recipe.generator_options(data.shape)),
        make_discriminator(**image_options(data.shape), **recipe.networks["discriminator"]),
        objective_of(recipe),
        augment_of(recipe, data),
        stabiliser_of(recipe),
        replay=Pool(shape=data.shape, size=size, swap=swap) if swap > 0 else None,
        mixed_batches=recipe.game["mixed_batches"],
    )
    for name, options in recipe.networks.items():
        init = init_residual if is_residual(options["body"]) else init_dcgan
        init(game.get_submodule(name), randomness)
    return game


RECIPE = Recipe(
    name="dcgan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.dcgan:Generator")},
    of_shape=image_options,
    kinds=("pictures",),
    networks={
        "generator": {
            **{"latent_size": 64, "width": 32, "body": "plain"},
            **{"batch_norm": True, "slope": 0.0, "dropout": False},
        },
        "discriminator": {"width": 32, "batch_norm": True, "slope": 0.2, "body": "plain"},
    },
    game={
        **{"objective": "non-saturating", "mixed_batches": False},
        **{"replay": 0.0, "replay_size": 1000},
        **LABELS,
        **AUGMENT,
        **STABILISE,
    },
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=2e-4, betas=(0.5, 0.999)) for player in ("D", "G")},
    presets={
        "paper": {
            "batch_size": 128,
            "prior": "uniform",
            "generator.latent_size": 100,
            "generator.width": 128,
            "discriminator.width": 128,
        },
        **{name: {**one, "discriminator.batch_norm": False} for name, one in PRESETS.items()},
        "ttur": {"optimizers.D.lr": 1e-4, "optimizers.G.lr": 5e-4},
        "ffhq64": FFHQ64,
        "cifar10": {
            **CIFAR10,
            **RESIDUAL,
            "steps": 200_000,
            "optimizers.D.betas": [0.5, 0.999],
            "optimizers.G.betas": [0.5, 0.999],
            "optimizers.D.decay": "none",
            "optimizers.G.decay": "none",
        },
    },
)
