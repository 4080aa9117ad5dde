"""Historical averaging: a player is held near the mean of its past parameters.

Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section 3.3. Each player's
loss gets the term

    lambda |theta - 1/t sum_{i=1..t} theta[i]|^2

over all its parameters theta. theta[i] are the parameters in step i, and t is the present step. The
term damps the circles in which plain gradient steps run around an equilibrium, as on
min_x max_y xy.
"""

import torch
from torch import nn

from reference_models.engine.game import Game, Terms


class History(nn.Module):
    """The mean over all steps of each parameter of a game.

    Attributes:
        steps: Buffer, float32 scalar: how many values the means are over.
    """

    steps: torch.Tensor

    def __init__(self, game: Game, weight: float) -> None:
        """Take a game's players and lambda; with 0 nothing is stored, and no loss gets a term."""
        super().__init__()
        self.weight = weight
        self.register_buffer("steps", torch.zeros(()))
        for player in game.players if weight > 0 else ():
            for number, parameter in enumerate(game.parameters_of(player).values()):
                self.register_buffer(f"{player}{number}", torch.zeros_like(parameter))

    @torch.no_grad()
    def remember(self, game: Game) -> None:
        """Add the present parameters to the means; call it once a step, before any player moves."""
        self.steps += 1
        for player in game.players if self.weight > 0 else ():
            for number, parameter in enumerate(game.parameters_of(player).values()):
                mean = self.get_buffer(f"{player}{number}")
                mean += (parameter - mean) / self.steps

    def terms(self, game: Game, player: str) -> Terms:
        """Return the term of a player; nothing at weight 0."""
        if self.weight == 0:
            return {}
        distances = [
            (parameter - self.get_buffer(f"{player}{number}")).square().sum()
            for number, parameter in enumerate(game.parameters_of(player).values())
        ]
        return {"history": self.weight * torch.stack(distances).sum()}
