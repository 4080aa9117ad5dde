"""CycleGAN: G turns pictures of one kind into another kind, F turns them back; no pairs are needed.

Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV
2017, equation 3 with the losses of its section "Implementation". x are pictures of the first kind
and y of the second. G maps x to y, and F maps y to x. D_Y tells y from G(x), D_X tells x from F(y):

    D_Y minimises    1/2 E (D_Y(y) - 1)^2 + 1/2 E D_Y(G(x))^2      D_X: the same with x and F(y)
    G, F minimise    E (D_Y(G(x)) - 1)^2 + E (D_X(F(y)) - 1)^2
                     + lambda (E |F(G(x)) - x|_1 + E |G(F(y)) - y|_1)
                     + mu (E |G(y) - y|_1 + E |F(x) - x|_1)

What is special: many maps give x the look of y, but few of them can be undone. The cycle term, with
lambda = 10, requires that F undoes G and G undoes F. The losses are least squares. In half of the
cases D sees one of the last 50 generated pictures instead of a new one (`parts/pool.py`). The
identity term is off (mu = 0); `--preset paintings` has mu = 5, which preserves colours (section
5.2, "Photo generation from paintings"). G and F are residual networks, and D_X and D_Y judge
patches. One player owns G and F, the other D_X and D_Y.

Training writes both generators: `cyclegan.safetensors` is G, `cyclegan-inverse.safetensors` is F.

Published (section "Analysis of the loss function"): without the cycle term, all photos of streets
become the same map of labels, whatever they show.

Differs from the paper: 8 channels and 2 residual blocks where it has 64 and 9; patches of 16 pixels
where it has 70; a batch of 8 and Adam(1e-3), where it has 1 and 2e-4 (`--preset paper`); a constant
learning rate, where it falls to 0 in the second half; the pool is read and filled once per batch.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models.dcgan import init_dcgan
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Options, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.patches import PatchDiscriminator
from reference_models.parts.pool import Pool
from reference_models.parts.sizes import check_conditions

CHANNELS = 3  # of both kinds of pictures; grey ones become RGB
HALVED = 4  # how many times smaller the maps in the middle of a generator are


def _block(before: int, after: int, size: int, *, stride: int = 1) -> list[nn.Module]:
    """Return a convolution with reflected borders, InstanceNorm and ReLU."""
    return [
        nn.Conv2d(before, after, size, stride, padding=size // 2, padding_mode="reflect"),
        nn.InstanceNorm2d(after),
        nn.ReLU(),
    ]


class Residual(nn.Module):
    """Two convolutions of 3 x 3 pixels, whose output is added to their input."""

    def __init__(self, width: int) -> None:
        """Build both; no ReLU follows the second."""
        super().__init__()
        self.layers = nn.Sequential(*_block(width, width, 3), *_block(width, width, 3)[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps of the same shape."""
        out: torch.Tensor = x + self.layers(x)
        return out


class Generator(nn.Module):
    """The paper's c7s1-k, d2k, d4k, residual blocks, u2k, uk, c7s1-3; it takes no latents."""

    latent_size = None

    def __init__(self, *, width: int, num_blocks: int) -> None:
        """Build the layers, with `width` channels at full size."""
        super().__init__()
        layers = [
            *_block(CHANNELS, width, 7),
            *_block(width, 2 * width, 3, stride=2),
            *_block(2 * width, 4 * width, 3, stride=2),
            *(Residual(4 * width) for _ in range(num_blocks)),
        ]
        for after in (2 * width, width):
            layers += [
                nn.ConvTranspose2d(2 * after, after, 3, 2, padding=1, output_padding=1),
                nn.InstanceNorm2d(after),
                nn.ReLU(),
            ]
        last = nn.Conv2d(width, CHANNELS, 7, padding=3, padding_mode="reflect")
        self.layers = nn.Sequential(*layers, last, nn.Tanh())

    def forward(self, condition: torch.Tensor) -> torch.Tensor:
        """Return RGB pictures for grey or RGB ones, float32 [B, 3, H, W] in [-1, 1]."""
        pictures: torch.Tensor = self.layers(as_rgb(condition))
        return pictures


def as_rgb(pictures: torch.Tensor) -> torch.Tensor:
    """Return grey pictures as three equal channels, RGB ones as they are."""
    return pictures.expand(-1, CHANNELS, -1, -1)


class Cycle(Game):
    """G and F (`inverse`) against D_Y (`discriminator`) and D_X (`inverse_discriminator`)."""

    players: Mapping[str, tuple[str, ...]] = {
        "D": ("discriminator", "inverse_discriminator"),
        "G": ("generator", "inverse"),
    }
    averaged = ("generator", "inverse")

    def __init__(
        self,
        generators: tuple[nn.Module, nn.Module],
        discriminators: tuple[nn.Module, nn.Module],
        pools: tuple[Pool, Pool],
        options: Options,
    ) -> None:
        """Take pairs of networks and pools, first the one that makes or judges y, and settings."""
        super().__init__()
        self.generator, self.inverse = generators
        self.discriminator, self.inverse_discriminator = discriminators
        self.pool, self.inverse_pool = pools
        self.options = options

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the terms of both discriminators, or of both generators."""
        x, y = as_rgb(batch["condition"]), as_rgb(batch["real"])
        made_y, made_x = self.generator(x), self.inverse(y)
        if player == "D":
            shown_y = self.pool.shown(made_y, draw, "real")
            shown_x = self.inverse_pool.shown(made_x, draw, "condition")
            return {
                "adversarial": _discriminator_loss(
                    self.discriminator(y), self.discriminator(shown_y)
                ),
                "inverse_adversarial": _discriminator_loss(
                    self.inverse_discriminator(x), self.inverse_discriminator(shown_x)
                ),
            }
        cycle = F.l1_loss(self.inverse(made_y), x) + F.l1_loss(self.generator(made_x), y)
        terms = {
            "adversarial": (self.discriminator(made_y) - 1).square().mean(),
            "inverse_adversarial": (self.inverse_discriminator(made_x) - 1).square().mean(),
            "cycle": self.options["cycle_weight"] * cycle,
        }
        if self.options["identity_weight"] > 0:
            identity = F.l1_loss(self.generator(y), y) + F.l1_loss(self.inverse(x), x)
            terms["identity"] = self.options["identity_weight"] * identity
        return terms

    @torch.no_grad()
    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Put the new pictures into the pools; the generators have not moved since D's loss."""
        if player == "D":
            self.pool.keep(self.generator(as_rgb(batch["condition"])), draw, "real")
            self.inverse_pool.keep(self.inverse(as_rgb(batch["real"])), draw, "condition")


def _discriminator_loss(real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Return the loss of D_Y or D_X from its outputs for real and for generated pictures."""
    return 0.5 * ((real - 1).square().mean() + made.square().mean())


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Cycle:
    """Return the game with its first weights.

    Raises:
        GanevalError: A generator would change the size of the pictures.
    """
    size = data.shape[1]
    if size % HALVED:
        raise ganeval.GanevalError(
            f"pictures of {size} pixels for {recipe.name}",
            f"a multiple of {HALVED}",
            f"resize them: `--set image_size={max(size - size % HALVED, 8)}`",
        )
    check_conditions(data, size)
    options, judge = recipe.game, recipe.networks["discriminator"]
    shape = (CHANNELS, size, size)
    game = Cycle(
        (Generator(**recipe.networks["generator"]), Generator(**recipe.networks["inverse"])),
        (
            PatchDiscriminator(channels=CHANNELS, **judge),
            PatchDiscriminator(channels=CHANNELS, **judge),
        ),
        (
            Pool(shape=shape, size=options["pool_size"], swap=options["swap"]),
            Pool(shape=shape, size=options["pool_size"], swap=options["swap"]),
        ),
        options,
    )
    init_dcgan(game, randomness)
    return game


RECIPE = Recipe(
    name="cyclegan",
    make_game=make_game,
    exported={
        "generator": Exported("reference_models.cyclegan:Generator", condition="condition"),
        "inverse": Exported("reference_models.cyclegan:Generator", condition="real"),
    },
    of_shape=lambda shape: {},
    networks={
        "generator": {"width": 8, "num_blocks": 2},
        "inverse": {"width": 8, "num_blocks": 2},
        "discriminator": {"width": 16, "num_halvings": 1},
    },
    game={"cycle_weight": 10.0, "identity_weight": 0.0, "pool_size": 50, "swap": 0.5},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=1e-3, betas=(0.5, 0.999)) for player in ("D", "G")},
    batch_size=8,
    ema_half_life=400.0,
    data="tint",
    pair_by="none",
    channels=CHANNELS,
    reads=("real", "condition"),
    kinds=("pictures",),
    presets={
        "paper": {
            "generator.width": 64,
            "generator.num_blocks": 9,
            "inverse.width": 64,
            "inverse.num_blocks": 9,
            "discriminator.width": 64,
            "discriminator.num_halvings": 3,
            "optimizers.D.lr": 2e-4,
            "optimizers.G.lr": 2e-4,
            "batch_size": 1,
        },
        "paintings": {"game.identity_weight": 5.0},
    },
)
