"""SRGAN: a small picture becomes a large one that looks real, at the cost of being less exact.

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017, equation 3, with large pictures y and the same ones small, x:

    min_D  -E log D(y) - E log(1 - D(G(x)))
    min_G   l(y, G(x)) + 0.001 E -log D(G(x))       l = mean |phi(y) - phi(G(x))|^2 (equation 5)

What is special: the mean squared error of pixels (equation 4) is smallest at the mean of all large
pictures that x could be of, which is blurred. So the content is compared in the features phi of a
network that has learned to see, and D asks for a picture that is one of them (section 2.2). G is
SRResNet: residual blocks on the small picture, then sub-pixel convolutions (pixel shuffle), each of
which doubles it; PReLU; it is pre-trained on pixels alone (section 3.2).

phi is learned beside G in that stage, by a third player, and frozen afterwards. It tells by how
many quarter turns a picture was turned (Gidaris et al., "Unsupervised Representation Learning by
Predicting Image Rotations", ICLR 2018), so that it needs pictures and no labels.

Published, for Set14 from a quarter of the size (table 1): 28.49 dB of PSNR and 2.98 of 5 in the
opinion of people for SRResNet, 26.02 dB and 3.72 for SRGAN.

Differs from the paper: phi is not VGG-19 on ImageNet's classes, and its features have unit length
in each place, in place of a factor; 32 channels and 4 blocks where it has 64 and 16; Adam(1e-3)
where it has 1e-4, and the rate stays; the small picture is in [-1, 1], where it has [0, 1], and
tanh keeps the large one there.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models.engine.data import Batch, Data, unknown
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Options, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.sizes import check_conditions, doublings
from reference_models.parts.weights import init_uniform

CONDITION_CHANNELS = 3
TURNS = 4
CONTENTS = ("features", "pixels")


class Residual(nn.Module):
    """Two convolutions with BatchNorm, added to what came in."""

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
    """SRResNet: figure 4; it takes pictures of any size."""

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
        # Four maps of the small picture are the four pixels of each place of the large one.
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
        """Return large pictures, float32 in [-1, 1], of small RGB ones [B, 3, h, w]."""
        x = self.first(condition)
        pictures: torch.Tensor = self.last(self.enlarge(x + self.blocks(x))).tanh()
        return pictures


class Discriminator(nn.Module):
    """Figure 4: pairs of convolutions, the second of which halves, down to 4 x 4; two layers."""

    def __init__(self, *, image_size: int, channels: int, width: int) -> None:
        """Build as many pairs as there are halvings; the channels double to 8 times `width`."""
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


class Perceiver(nn.Module):
    """The network phi: its last maps are what the content is compared in."""

    def __init__(self, *, channels: int, width: int) -> None:
        """Build three convolutions, two of which halve, and a linear layer on their mean."""
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.head = nn.Linear(4 * width, TURNS)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return float32 [B, C, H', W'], in each place a vector of unit length."""
        return F.normalize(self.maps(x), dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of the quarter turns, float32 [B, 4]."""
        logits: torch.Tensor = self.head(self.maps(x).mean(dim=(2, 3)))
        return logits


class SuperResolution(Game):
    """Two stages: G and phi each learn alone; then phi rests, and G plays against D.

    Attributes:
        is_pretraining: Which stage it is, a function of the images seen.
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
        """Take the networks, the objective, and the numbers of the recipe's game."""
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.perceiver, self.objective = perceiver, objective
        self.pretrain_images: int = options["pretrain_images"]
        self.content: str = options["content"]
        self.content_weight: float = options["content_weight"]
        self.adversarial_weight: float = options["adversarial_weight"]

    def before_step(self, num_images: int) -> None:
        """Let D rest in the first stage, and phi in the second."""
        self.is_pretraining = num_images < self.pretrain_images
        self.resting = frozenset("D" if self.is_pretraining else "P")

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the term of D or phi, or the one or two of G."""
        real = batch["real"]
        if player == "P":
            turned = torch.cat([real.rot90(turns, dims=(2, 3)) for turns in range(TURNS)])
            turns = torch.arange(TURNS, device=real.device).repeat_interleave(len(real))
            return {"turns": F.cross_entropy(self.perceiver(turned), turns)}
        fake = self.generator(batch["condition"])
        if player == "D":
            logits = self.discriminator(real), self.discriminator(fake)
            return {"adversarial": self.objective.discriminator(*logits)}
        if self.is_pretraining:
            return {"pixels": (real - fake).square().mean()}
        content = (real - fake).square().mean()
        if self.content == "features":
            difference = self.perceiver.features(real) - self.perceiver.features(fake)
            content = difference.square().sum(dim=1).mean()
        adversarial = self.objective.generator(None, self.discriminator(fake))
        return {
            self.content: self.content_weight * content,
            "adversarial": self.adversarial_weight * adversarial,
        }


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> SuperResolution:
    """Return the game with its first weights.

    Raises:
        GanevalError: The small pictures have another size than G enlarges to the large ones, or
            there is no such content.
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
    optimizers={player: OptimizerSpec(lr=1e-3, betas=(0.9, 0.999)) for player in ("D", "G", "P")},
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
