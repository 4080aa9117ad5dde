"""Augmentation of the pictures that D sees, real and generated ones, for small training sets.

"diffaugment" changes every picture: Zhao et al., "Differentiable Augmentation for Data-Efficient
GAN Training", NeurIPS 2020, figure 4 (colour, translation, cutout). "ada" applies each of its
changes to a picture with a probability p, which rises if D becomes too sure of the real pictures:
Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS 2020, section 3
and appendix B (flips, rotation, translation, scale; brightness, contrast, luma flip, hue,
saturation).

Differs from the papers: ADA moves pictures by bilinear interpolation with reflection at the border,
where the authors' code uses wavelet filters. The changes are those of their policy "bgc".
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models.engine.data import Data, unknown
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe

AUGMENT: Mapping[str, Any] = {
    "augment": "none",
    "augment_target": 0.6,
    "augment_images": 500_000,
}
"""Settings of a game: the kind of augmentation; for ADA, the target of E sign D(x), and the number
of images over which p can rise from 0 to 1."""

KINDS = ("none", "diffaugment", "ada")
_INTERVAL = 4  # batches between two changes of p: Karras et al. 2020, section 3


class Augment(nn.Module):
    """Changes pictures at random, differentiably.

    Attributes:
        probability: Buffer, float32 scalar: p of "ada".
        signs: Buffer, float32 [3], counted since the last change of p: the sum of the signs of D's
            logits for real pictures, the number of these pictures, and the number of batches. With
            several processes it has the numbers of the first one.
    """

    probability: torch.Tensor
    signs: torch.Tensor

    def __init__(self, kind: str, *, target: float, images: int) -> None:
        """Take the kind, ADA's target, and the images over which its p can rise from 0 to 1.

        Raises:
            GanevalError: There is no such kind.
        """
        super().__init__()
        if kind not in KINDS:
            raise unknown("augmentation", kind, KINDS)
        self.kind, self.target, self.images = kind, target, images
        self._seen = set[Draw]()  # within a step
        self.register_buffer("probability", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(3))

    def forward(self, pictures: torch.Tensor, draw: Draw, purpose: str) -> torch.Tensor:
        """Return pictures float32 [B, C, H, W], changed with the random numbers of a purpose.

        Autocast is off here, because coordinates in a picture need more than bfloat16's eight bits.
        """
        if self.kind == "none":
            return pictures
        with torch.autocast(pictures.device.type, enabled=False):
            if self.kind == "diffaugment":
                return diffaugment(pictures.float(), draw, purpose)
            return ada(pictures.float(), draw, purpose, float(self.probability))

    @torch.no_grad()
    def watch(self, real: torch.Tensor, draw: Draw) -> None:
        """Count the signs of D's logits [B] for real pictures, once for each draw.

        A solver that looks ahead calls this again with the same draw, but with the logits of a D
        that is only tried. These calls are ignored.
        """
        if self.kind == "ada" and draw not in self._seen:
            self._seen.add(draw)
            seen = torch.stack([real.sign().sum(), real.new_tensor(float(real.numel()))])
            self.signs[:2] += seen.to(self.signs)

    @torch.no_grad()
    def adapt(self, processes: int) -> None:
        """Change p after a move of D: up where E sign D(x) is above the target, down below it.

        Args:
            processes: Number of processes; each sees as many pictures as this one.
        """
        if self.kind != "ada":
            return
        self._seen.clear()
        self.signs[2] += 1
        total, number, batches = self.signs.tolist()
        if batches < _INTERVAL or number == 0:
            return
        change = math.copysign(processes * number / self.images, total / number - self.target)
        self.probability.add_(change).clamp_(0.0, 1.0)
        self.signs.zero_()


def augment_of(recipe: Recipe, data: Data) -> Augment:
    """Return the augmentation that a recipe's game names.

    Raises:
        GanevalError: There is none of that name, or the data are not pictures.
    """
    options = recipe.game
    if options["augment"] != "none" and data.kind != "pictures":
        raise ganeval.GanevalError(
            f"game.augment {options['augment']} for {data.kind}", "pictures", "leave it at none"
        )
    return Augment(
        options["augment"], target=options["augment_target"], images=options["augment_images"]
    )


def diffaugment(x: torch.Tensor, draw: Draw, purpose: str) -> torch.Tensor:
    """Return pictures with changed brightness, saturation and contrast, shifted, with a hole.

    Zhao et al. 2020, figure 4: brightness changes by up to 0.5, saturation is multiplied by 0 to 2
    and contrast by 0.5 to 1.5. The picture is shifted by up to 1/8 of its side, and the gap is
    filled with 0. Then a square of half the side is set to 0.
    """
    num, _, height, width = x.shape
    u = draw.uniform(f"augment {purpose}", num, 7, like=x)[:, :, None, None, None]
    x = x + (u[:, 0] - 0.5)
    mean = x.mean(dim=1, keepdim=True)
    x = (x - mean) * (2 * u[:, 1]) + mean
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * (u[:, 2] + 0.5) + mean
    rows = torch.arange(height, device=x.device)[None, :, None]
    columns = torch.arange(width, device=x.device)[None, None, :]
    reach_y, reach_x = round(height / 8), round(width / 8)
    down = (u[:, 3, 0] * (2 * reach_y + 1)).floor().long() - reach_y
    right = (u[:, 4, 0] * (2 * reach_x + 1)).floor().long() - reach_x
    padded = F.pad(x, (reach_x, reach_x, reach_y, reach_y))
    chosen = torch.arange(num, device=x.device)[:, None, None]
    x = padded.permute(0, 2, 3, 1)[chosen, rows + down + reach_y, columns + right + reach_x]
    x = x.permute(0, 3, 1, 2)
    top = (u[:, 5, 0] * (height + 1 - height // 2 % 2)).floor() - height // 4
    left = (u[:, 6, 0] * (width + 1 - width // 2 % 2)).floor() - width // 4
    inside = (rows >= top) & (rows < top + height // 2)
    hole = inside & (columns >= left) & (columns < left + width // 2)
    return x * (~hole)[:, None]


def ada(x: torch.Tensor, draw: Draw, purpose: str, probability: float) -> torch.Tensor:
    """Return pictures with each change of ADA applied to each picture with a probability.

    Karras et al. 2020, appendix B. Grey pictures keep their hue and saturation.
    """
    num, channels, height, width = x.shape
    u = draw.uniform(f"augment {purpose}", num, 10, like=x)
    normal = draw.normal(f"augment normal {purpose}", num, 7, like=x)
    on = (draw.uniform(f"augment if {purpose}", num, 11, like=x) < probability).float()
    ones = torch.ones(num, device=x.device)

    # Geometry: the matrix maps a place in the new picture to one in the old one; the unit is half
    # of the side.
    flip = 1 - 2 * on[:, 0] * (u[:, 0] < 0.5).float()
    quarter = on[:, 1] * (4 * u[:, 1]).floor() * (math.pi / 2)
    move = on[:, 2, None] * ((2 * u[:, 2:4] - 1) * 0.125 * x.new_tensor([width, height])).round()
    move = move * 2 / x.new_tensor([width, height])
    scale = torch.exp2(on[:, 3] * 0.2 * normal[:, 0])
    # Rotations before and after the anisotropic scale, each with probability 1 - sqrt(1 - p).
    chance = 1 - math.sqrt(1 - probability)
    turns = math.pi * (2 * u[:, 4:6] - 1) * (u[:, 6:8] < chance).float()
    stretch = torch.exp2(on[:, 4] * 0.2 * normal[:, 1])
    drift = on[:, 5, None] * 0.125 * normal[:, 2:4] * 2
    matrix = (
        _scaling(flip, ones)
        @ _rotation(quarter)
        @ _translation(move)
        @ _scaling(scale, scale)
        @ _rotation(turns[:, 0])
        @ _scaling(stretch, 1 / stretch)
        @ _rotation(turns[:, 1])
        @ _translation(drift)
    )
    grid = F.affine_grid(matrix[:, :2], [num, channels, height, width], align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    # Colour: hue and saturation turn and stretch around the axis of greys.
    x = x + (on[:, 6] * 0.2 * normal[:, 4])[:, None, None, None]
    x = x * torch.exp2(on[:, 7] * 0.5 * normal[:, 5])[:, None, None, None]
    if channels == 1:
        negative = 1 - 2 * on[:, 8] * (u[:, 8] < 0.5).float()
        return x * negative[:, None, None, None]
    axis = x.new_full((3,), 3**-0.5)
    grey = torch.outer(axis, axis)
    eye = torch.eye(3, device=x.device)
    luma = eye - 2 * (on[:, 8] * (u[:, 8] < 0.5).float())[:, None, None] * grey
    angle = (on[:, 9] * math.pi * (2 * u[:, 9] - 1))[:, None, None]
    cross = x.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) * 3**-0.5
    hue = angle.cos() * eye + angle.sin() * cross + (1 - angle.cos()) * grey
    saturation = grey + (eye - grey) * torch.exp2(on[:, 10] * normal[:, 6])[:, None, None]
    return torch.einsum("bij,bjhw->bihw", saturation @ hue @ luma, x)


def _rotation(angle: torch.Tensor) -> torch.Tensor:
    """Return rotations [B, 3, 3] by angles [B]."""
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], dim=1).reshape(-1, 3, 3)


def _scaling(across: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """Return scalings [B, 3, 3] by factors [B]."""
    return torch.diag_embed(torch.stack([across, down, torch.ones_like(down)], dim=1))


def _translation(by: torch.Tensor) -> torch.Tensor:
    """Return translations [B, 3, 3] by vectors [B, 2]."""
    matrix = torch.eye(3, device=by.device).repeat(len(by), 1, 1)
    matrix[:, :2, 2] = by
    return matrix
