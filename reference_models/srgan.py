"""SRGAN: a small picture becomes a large one that looks real, but is less exact.

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017, section 2.2. y are large pictures, x are the same pictures at a small size, and
phi are the features of a trained network:

    D minimises   -E log D(y) - E log(1 - D(G(x)))
    G minimises   E |phi(y) - phi(G(x))|^2 - 0.001 E log D(G(x))

What is special: many large pictures have the same small picture. The mean squared error of pixels
is smallest at their mean, which is blurred. So pictures are compared by their features phi, and D
makes G choose one of the pictures instead of their mean. G is SRResNet: residual blocks on the
small picture, then sub-pixel convolutions (pixel shuffle), each of which doubles its size. G learns
in two stages (section 3.2): first it minimises the squared error of pixels, E |y - G(x)|^2; then it
plays the game.

phi learns in the first stage, from the large pictures alone, and is fixed in the second
(`parts/perceiver.py`). It belongs to a third player, P. A picture is turned by some quarter turns,
and P minimises the cross-entropy of predicting their number. So phi needs no labels. With `--preset
pixels` the second stage, too, has the squared error of pixels in place of the features.

Published, for Set14 from a quarter of height and width: SRResNet has 28.49 dB of PSNR and a mean
opinion score of 2.98 of 5, SRGAN has 26.02 dB and 3.72.

Differs from the paper: phi is not VGG-19 trained on ImageNet, and its features have unit length at
each place, where the paper has a factor; 32 channels and 4 blocks where it has 64 and 16;
Adam(1e-3) where it has 1e-4 (`--preset paper`); the rate falls linearly to 0, where it falls once,
half-way through the game, to a tenth; the small picture is in [-1, 1], where it has [0, 1], and
tanh keeps the large one there.
"""

from collections.abc import Mapping

import torch
from torch import nn

import ganeval
from reference_models.engine.data import Batch, Data, unknown
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Options, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.perceiver import Perceiver, turns_loss
from reference_models.parts.sizes import check_conditions, doublings
from reference_models.parts.weights import init_uniform

CONDITION_CHANNELS = 3
CONTENTS = ("features", "pixels")


class Residual(nn.Module):
    """Two convolutions with BatchNorm, whose output is added to their input."""

    def __init__(self, width: int) -> None:
        """Build both."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.PReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps of the same shape."""
        out: torch.Tensor = x + self.layers(x)
        return out


class Generator(nn.Module):
    """SRResNet, the generator of figure 4; it takes pictures of any size."""

    latent_size = None

    def __init__(self, *, channels: int, width: int, num_blocks: int, num_doublings: int) -> None:
        """Build the blocks on the small picture, then one sub-pixel convolution a doubling."""
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(CONDITION_CHANNELS, width, 9, padding=4), nn.PReLU())
        self.blocks = nn.Sequential(
            *(Residual(width) for _ in range(num_blocks)),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
        )
        # Four maps of the small picture become the 2 x 2 pixels of each place in the large one.
        self.enlarge = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()
                )
                for _ in range(num_doublings)
            )
        )
        self.last = nn.Conv2d(width, channels, 9, padding=4)

    def forward(self, condition: torch.Tensor) -> torch.Tensor:
        """Return large pictures, float32 in [-1, 1], for small RGB ones [B, 3, h, w]."""
        x = self.first(condition)
        pictures: torch.Tensor = self.last(self.enlarge(x + self.blocks(x))).tanh()
        return pictures


class Discriminator(nn.Module):
    """The discriminator of figure 4: convolutions down to 4 x 4 pixels, then two dense layers."""

    def __init__(self, *, image_size: int, channels: int, width: int) -> None:
        """Build two convolutions for each halving; the channels double, up to 8 times `width`."""
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for number in range(doublings(image_size)):
            after = width * min(2**number, 8)
            for stride in (1, 2):
                layers.append(nn.Conv2d(before, after, 3, stride, padding=1))
                is_first = number == 0 and stride == 1
                layers.append(nn.Identity() if is_first else nn.BatchNorm2d(after))
                layers.append(nn.LeakyReLU(0.2))
                before = after
        self.layers = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(16 * before, 16 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(16 * width, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits float32 [B]."""
        logits: torch.Tensor = self.layers(x)
        return logits.squeeze(1)


class SuperResolution(Game):
    """First G and phi each learn alone; then phi is fixed, and G plays against D.

    Attributes:
        is_pretraining: Whether it is the first stage; a function of the images seen.
    """

    players: Mapping[str, tuple[str, ...]] = {
        "D": ("discriminator",),
        "G": ("generator",),
        "P": ("perceiver",),
    }
    is_pretraining = False

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        perceiver: Perceiver,
        objective: Objective,
        options: Options,
    ) -> None:
        """Take the networks, the objective, and the settings of the recipe's game."""
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.perceiver, self.objective = perceiver, objective
        self.options = options

    def before_step(self, num_images: int) -> None:
        """Keep D from moving in the first stage, and phi in the second."""
        self.is_pretraining = num_images < self.options["pretrain_images"]
        self.resting = frozenset("D" if self.is_pretraining else "P")

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the term of D or P; for G one term in the first stage, two in the second."""
        real = batch["real"]
        if player == "P":
            return {"turns": turns_loss(self.perceiver, real)}
        fake = self.generator(batch["condition"])
        if player == "D":
            logits = self.discriminator(real), self.discriminator(fake)
            return {"adversarial": self.objective.discriminator(*logits)}
        content, distance = "pixels", (real - fake).square().mean()
        if self.is_pretraining:
            return {content: distance}
        if self.options["content"] == "features":
            difference = self.perceiver.features(real) - self.perceiver.features(fake)
            content, distance = "features", difference.square().sum(dim=1).mean()
        adversarial = self.objective.generator(None, self.discriminator(fake))
        return {
            content: self.options["content_weight"] * distance,
            "adversarial": self.options["adversarial_weight"] * adversarial,
        }


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> SuperResolution:
    """Return the game with its first weights.

    Raises:
        GanevalError: The size of the small pictures does not fit the large ones and G's doublings,
            or there is no such content.
    """
    channels, size, _ = data.shape
    content, factor = recipe.game["content"], 2 ** recipe.networks["generator"]["num_doublings"]
    if content not in CONTENTS:
        raise unknown("content", content, CONTENTS)
    if size % factor:
        raise ganeval.GanevalError(
            f"pictures of {size} pixels", f"a multiple of {factor}", "change image_size"
        )
    check_conditions(data, size // factor)
    game = SuperResolution(
        Generator(**recipe.generator_options(data.shape)),
        Discriminator(image_size=size, channels=channels, **recipe.networks["discriminator"]),
        Perceiver(channels=channels, **recipe.networks["perceiver"]),
        objective_of(recipe),
        recipe.game,
    )
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="srgan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.srgan:Generator", condition="condition")},
    of_shape=lambda shape: {"channels": shape[0]},
    networks={
        "generator": {"width": 32, "num_blocks": 4, "num_doublings": 2},
        "discriminator": {"width": 32},
        "perceiver": {"width": 16},
    },
    game={
        "objective": "non-saturating",
        "content": "features",
        "content_weight": 1.0,
        "adversarial_weight": 1e-3,
        "pretrain_images": 16_000,
    },
    solver=Alternating(),
    # With a constant rate, the FID of five short runs was between half and five times SRResNet's.
    optimizers={
        player: OptimizerSpec(lr=1e-3, betas=(0.9, 0.999), decay="linear")
        for player in ("D", "G", "P")
    },
    batch_size=16,
    ema_half_life=400.0,
    data="sr",
    reads=("real", "condition"),
    kinds=("pictures",),
    presets={
        "paper": {
            "generator.width": 64,
            "generator.num_blocks": 16,
            "discriminator.width": 64,
            "optimizers.D.lr": 1e-4,
            "optimizers.G.lr": 1e-4,
            "game.pretrain_images": 16_000_000,
            "steps": 1_200_000,
        },
        "pixels": {"game.content": "pixels"},
    },
)
