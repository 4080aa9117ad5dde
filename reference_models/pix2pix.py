"""pix2pix: G makes a picture from another picture, and D sees both.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
equation 4, with condition x, target y and noise z:

    min_G max_D  E log D(x, y) + E log(1 - D(x, G(x, z))) + lambda E |y - G(x, z)|_1

    D minimises   1/2 (-E log D(x, y) - E log(1 - D(x, G(x, z))))        halved: section 3.3
    G minimises   -E log D(x, G(x, z)) + lambda E |y - G(x, z)|_1        lambda = 100

What is special: the L1 distance pulls G to the target, and D makes G add details that look real. G
is a U-Net (section 3.2.1): skip connections lead around the small maps, so that the output can keep
what it shares with the input. D is a PatchGAN (`parts/patches.py`). The noise is dropout in the
decoder, in training and in sampling. Here the signs of the latents are the dropout masks, so a
sample is a function of its own latent. Each picture is normalised by its own statistics:
InstanceNorm, which is the same as BatchNorm at the paper's batch of 1.

Differs from the paper: whole channels are dropped, in all stages of the decoder but the last, where
the paper drops single values in the first three; normalisation has no scale and shift; half the
channels; patches of 16 pixels, where it has 70; a batch of 16 (`--preset paper`: all channels and a
batch of 1).
"""

import itertools
from collections.abc import Mapping

import torch
from torch import nn

import ganeval
from reference_models.dcgan import init_dcgan
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.patches import PatchDiscriminator
from reference_models.parts.sizes import check_conditions, doublings

BOTTOM = 2  # pixels of the smallest map: InstanceNorm of one pixel would be zero
CONDITION_CHANNELS = 3


class Generator(nn.Module):
    """A U-Net whose latents are its dropout masks."""

    def __init__(self, *, shape: tuple[int, ...], width: int) -> None:
        """Build a stage down for every halving to 2 x 2, and the same back up.

        Args:
            shape: Shape of the pictures, (C, H, W) with H = W a power of 2, at least 8.
            width: Channels of the largest map; they double with each stage, up to 8 times.
        """
        super().__init__()
        channels, size, _ = shape
        widths = [width * min(2**stage, 8) for stage in range(doublings(size, smallest=BOTTOM))]
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 4, stride=2, padding=1),
                nn.InstanceNorm2d(after) if number else nn.Identity(),
                nn.LeakyReLU(0.2),
            )
            for number, (before, after) in enumerate(
                itertools.pairwise([CONDITION_CHANNELS, *widths])
            )
        )
        # A stage up gets the stage below it and the skip of its level, so twice the channels.
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1),
                nn.InstanceNorm2d(after),
            )
            for before, after in zip(
                [widths[-1], *(2 * width for width in widths[-2:0:-1])], widths[-2::-1], strict=True
            )
        )
        self.output = nn.ConvTranspose2d(2 * widths[0], channels, 4, stride=2, padding=1)
        self.dropped = widths[-2::-1]
        self.latent_size = sum(self.dropped)

    def forward(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Return pictures float32 [B, C, H, W] in [-1, 1].

        Args:
            z: float32 [B, latent_size], symmetric around 0; a channel of the decoder is kept if its
                latent is positive.
            condition: float32 [B, 3, H, W] in [-1, 1].
        """
        maps = [condition]
        for stage in self.down:
            maps.append(stage(maps[-1]))
        x = maps.pop()
        for stage, latents in zip(self.up, torch.split(z, self.dropped, dim=1), strict=True):
            keep = 2.0 * (latents > 0)  # 2, so that the mean is the same as without dropout
            x = torch.cat([stage(x) * keep[:, :, None, None], maps.pop()], dim=1).relu()
        pictures: torch.Tensor = self.output(x).tanh()
        return pictures


class Paired(Game):
    """The conditional game in which G is also pulled to the target."""

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",), "G": ("generator",)}

    def __init__(
        self,
        generator: Generator,
        discriminator: PatchDiscriminator,
        objective: Objective,
        l1_weight: float,
        adversarial_weight: float,
    ) -> None:
        """Take the networks, the objective, lambda, and the weight of G's adversarial term."""
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective = objective
        self.l1_weight, self.adversarial_weight = l1_weight, adversarial_weight

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the term of D, or the two terms of G."""
        num, size = batch.size, self.generator.latent_size
        z = draw.latents("z", num, size, prior=self.prior, like=batch["real"])
        fake = self.generator(z, batch["condition"])
        fake_logits = self.discriminator(batch["condition"], fake)
        if player == "D":
            real_logits = self.discriminator(batch["condition"], batch["real"])
            # Halved, so that D learns more slowly than G.
            return {"adversarial": 0.5 * self.objective.discriminator(real_logits, fake_logits)}
        distance = (batch["real"] - fake).abs().mean()
        adversarial = self.objective.generator(None, fake_logits)
        return {
            "adversarial": self.adversarial_weight * adversarial,
            "l1": self.l1_weight * distance,
        }


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Paired:
    """Return the game with its first weights.

    Raises:
        GanevalError: The pictures are not paired, or conditions and targets differ in size.
    """
    if recipe.pair_by == "none":
        raise ganeval.GanevalError(
            "pair_by none for pix2pix", "pairs", "use `--set pair_by=name` or `--set pair_by=index`"
        )
    check_conditions(data, data.shape[1])
    game = Paired(
        Generator(**recipe.generator_options(data.shape)),
        PatchDiscriminator(
            channels=CONDITION_CHANNELS + data.shape[0],
            num_halvings=1,
            **recipe.networks["discriminator"],
        ),
        objective_of(recipe),
        recipe.game["l1_weight"],
        recipe.game["adversarial_weight"],
    )
    init_dcgan(game, randomness)
    return game


RECIPE = Recipe(
    name="pix2pix",
    make_game=make_game,
    exported={"generator": Exported("reference_models.pix2pix:Generator", condition="condition")},
    networks={"generator": {"width": 32}, "discriminator": {"width": 32}},
    game={"objective": "non-saturating", "l1_weight": 100.0, "adversarial_weight": 1.0},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=2e-4, betas=(0.5, 0.999)) for player in ("D", "G")},
    batch_size=16,
    data="edges",
    reads=("real", "condition"),
    kinds=("pictures",),
    presets={"paper": {"generator.width": 64, "discriminator.width": 64, "batch_size": 1}},
)
