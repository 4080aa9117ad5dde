"""The Dirac-GAN: each player is one number, so every step of a solver can be followed.

Mescheder, Geiger and Nowozin, "Which Training Methods for GANs do actually Converge?", ICML 2018,
section 2: the data are one point (0, or another). G makes the point theta from any latent, and D is
the line psi x. With the losses of equation 1 of `gan.py` the only equilibrium is theta at the data
and psi = 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from reference_models.consensus import Consensus
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Options
from reference_models.engine.solvers import Alternating, Simultaneous, Solver
from reference_models.nagarajan import Nagarajan
from reference_models.parts.augment import Augment
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.stabilise import OFF, Stabiliser
from reference_models.parts.unconditional import Unconditional
from reference_models.roth import Roth
from reference_models.unrolled import Unrolled

STEP = 0.1  # learning rate of both players, and of unrolled moves
Point = npt.NDArray[np.float64]  # [2]: theta, psi


class Dot(nn.Module):
    """A generator that makes one number from any latent."""

    latent_size = 1

    def __init__(self, theta: float) -> None:
        """Take the number."""
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return float64 [B, 1] for latents [B, 1]."""
        return self.theta.expand(len(z), 1)


class Line(nn.Module):
    """A discriminator that is a line through 0."""

    def __init__(self, psi: float) -> None:
        """Take its slope."""
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits float64 [B] for points [B, 1]."""
        return self.psi * x[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A version of the game between two numbers.

    Attributes:
        solver: Moves the players.
        kind: Class of the game.
        options: Settings of the game, by name.
        stabiliser: As in `Unconditional`.
        data: The point of the data.
        num_points: Number of points in a batch; they differ only by noise.
    """

    solver: Solver
    kind: type[Unconditional] = Unconditional
    options: Options = field(default_factory=dict)
    stabiliser: Stabiliser = OFF
    data: float = 0.0
    num_points: int = 1

    def path(self, start: Point, num_steps: int) -> npt.NDArray[np.float64]:
        """Return the start and the points after each step, float64 [num_steps + 1, 2]."""
        game = self.kind(
            Dot(float(start[0])),
            Line(float(start[1])),
            OBJECTIVES["minimax"],
            Augment("none", target=0.6, images=1),
            self.stabiliser,
            self.options,
        )
        optimizers: Mapping[str, torch.optim.Optimizer] = {
            player: torch.optim.SGD(game.parameters_of(player).values(), lr=STEP)
            for player in game.players
        }
        real = torch.full((self.num_points, 1), self.data, dtype=torch.float64)
        batch = Batch({"real": real})
        path = [start]
        for step in range(num_steps):
            self.solver.step(game, optimizers, lambda reads: batch, Draw(0, step))
            path.append(np.array([one.item() for one in game.parameters()]))
        return np.stack(path)

    def jacobian(self, at: Point) -> npt.NDArray[np.float64]:
        """Return the derivative of one step in (theta, psi) by differences, float64 [2, 2]."""
        small = 1e-5
        columns = [
            (self.path(at + shift, 1)[1] - self.path(at - shift, 1)[1]) / (2 * small)
            for shift in small * np.eye(2)
        ]
        return np.stack(columns, axis=1)


SETTINGS: Mapping[str, Setting] = {
    "simultaneous": Setting(solver=Simultaneous()),
    "alternating": Setting(solver=Alternating()),
    **{f"unrolled, K = {k}": Setting(solver=Unrolled(k, STEP)) for k in (1, 5, 10)},
    "Nagarajan, eta = 0.5": Setting(solver=Simultaneous(), kind=Nagarajan, options={"weight": 0.5}),
    **{f"consensus, gamma = {gamma}": Setting(solver=Consensus(gamma)) for gamma in (1, 10)},
    "R1, gamma = 1": Setting(solver=Simultaneous(), stabiliser=Stabiliser(r1_weight=1.0)),
    "Roth, gamma = 1": Setting(
        solver=Simultaneous(),
        kind=Roth,
        options={"gamma": 1.0, "decay": 1.0, "anneal_images": 1},
    ),
    # To first order in its variance, the noise has the same effect as Roth et al. with gamma 1.
    "instance noise, std 1": Setting(
        solver=Simultaneous(),
        stabiliser=Stabiliser(noise_std=1.0, noise_images=10**9),
        num_points=1000,
    ),
}
