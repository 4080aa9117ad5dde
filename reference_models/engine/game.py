"""A game: the players, and the loss that each one minimises."""

from collections.abc import Mapping

import torch
from torch import nn

from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw

Terms = dict[str, torch.Tensor]


class Game(nn.Module):
    """Players and their losses; a game never calls backward and never steps.

    A subclass registers its networks as submodules. In `players` it names the submodules that each
    player owns, in the order in which the players move. Its `loss` returns the named, already
    weighted terms; the player minimises their sum.

    Attributes:
        players: Player -> names of the submodules it owns. Submodules without an owner are frozen.
        averaged: Names of the submodules with a moving average.
        resting: Players that do not move in this stage of the training; `before_step` sets it.
        low_precision: Precision of the networks' arithmetic if it is below float32, else None; set
            by `use_precision`.
        prior: Prior of the latents, "normal" or "uniform"; set by the recipe.
    """

    players: Mapping[str, tuple[str, ...]]
    averaged: tuple[str, ...] = ("generator",)
    resting: frozenset[str] = frozenset()
    low_precision: torch.dtype | None = None
    prior: str = "normal"

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the scalar terms of `player`, who minimises their sum."""
        raise NotImplementedError

    def reads(self, player: str) -> bool:
        """Return whether `player` uses the tensors of its batch, or only its size.

        If it uses only the size, the next batch of the data is kept for another move.
        """
        return True

    def before_step(self, num_images: int) -> None:
        """Follow a schedule, given the images seen before this step; does nothing here."""

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Act after a move of `player`, for example clip weights; does nothing here."""

    def terms(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return `loss`, computed in the game's precision; solvers call this."""
        if self.low_precision is None:
            return self.loss(player, batch, draw)
        device = next(self.parameters()).device.type
        with torch.autocast(device, self.low_precision):
            return self.loss(player, batch, draw)

    def forward(self, player: str, batch: Batch, draw: Draw) -> torch.Tensor:
        """Return the sum of a player's terms, for `torch.func.functional_call`."""
        return torch.stack(list(self.terms(player, batch, draw).values())).sum()

    def parameters_of(self, player: str) -> dict[str, nn.Parameter]:
        """Return a player's parameters, by their names in the game."""
        return {
            f"{owned}.{name}": parameter
            for owned in self.players[player]
            for name, parameter in self.get_submodule(owned).named_parameters()
        }
