"""A game: the players, and the loss that each one minimises."""

from collections.abc import Mapping

import torch
from torch import nn

from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw

Terms = dict[str, torch.Tensor]


class Game(nn.Module):
    """Players and their losses; a game never calls backward and never steps.

    A subclass registers its networks as submodules, names in `players` the submodules that each
    player owns (in the order in which they move), and returns from `loss` the named, already
    weighted terms whose sum that player minimises.

    Attributes:
        players: Player -> names of the submodules it owns. Submodules without an owner are frozen.
        averaged: Names of the submodules with a moving average.
        resting: Players that do not move in this stage of the training; `before_step` sets it.
        low_precision: The precision of the networks' arithmetic below float32; set by
            `use_precision`.
        prior: Prior of the latents, "normal" or "uniform"; set by the recipe.
    """

    players: Mapping[str, tuple[str, ...]]
    averaged: tuple[str, ...] = ("generator",)
    resting: frozenset[str] = frozenset()
    low_precision: torch.dtype | None = None
    prior: str = "normal"

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the scalar terms that `player` minimises the sum of."""
        raise NotImplementedError

    def reads(self, player: str) -> bool:
        """Tell whether `player` uses the tensors of its batch, or only its size.

        If it uses only the size, the next batch of the data stays for another move.
        """
        return True

    def before_step(self, num_images: int) -> None:
        """Follow a schedule: a function of the images seen before this step; none here."""

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Do what follows a move of `player` on `batch`, such as clipping weights; nothing here."""

    def terms(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return `loss`, with the networks in the game's precision; what solvers call."""
        if self.low_precision is None:
            return self.loss(player, batch, draw)
        device = next(self.parameters()).device.type
        with torch.autocast(device, self.low_precision):
            return self.loss(player, batch, draw)

    def forward(self, player: str, batch: Batch, draw: Draw) -> torch.Tensor:
        """Return the sum of a player's terms, so that the game can be called functionally."""
        return torch.stack(list(self.terms(player, batch, draw).values())).sum()

    def parameters_of(self, player: str) -> dict[str, nn.Parameter]:
        """Return a player's parameters by their names in the game."""
        return {
            f"{owned}.{name}": parameter
            for owned in self.players[player]
            for name, parameter in self.get_submodule(owned).named_parameters()
        }
