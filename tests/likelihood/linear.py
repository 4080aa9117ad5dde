"""A decoder of which everything is known: x = W u + b + noise, so its likelihood is exact."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from ganeval.likelihood.observed import Observed


@dataclass(frozen=True)
class Linear:
    """d = 20, k = 5, float64."""

    weight: torch.Tensor
    bias: torch.Tensor
    variance: float

    def __call__(self, u: torch.Tensor) -> torch.Tensor:
        return u @ self.weight.T + self.bias

    def simulated(self, num: int, seed: int) -> tuple[Observed, torch.Tensor]:
        """Pictures, and the latents that they were made of."""
        rng = np.random.default_rng(seed)
        d, k = self.weight.shape
        u = torch.from_numpy(rng.normal(size=(num, k)))
        noise = torch.from_numpy(rng.normal(size=(num, d)))
        return self.observing(self(u) + math.sqrt(self.variance) * noise), u

    def observing(self, x: torch.Tensor) -> Observed:
        variance = torch.full_like(x[:, 0], self.variance)
        size = self.weight.shape[1]
        return Observed(decode=self, latent_size=size, x=x, variance=variance, batch_size=4096)

    def truth(self, x: torch.Tensor) -> np.ndarray:
        """log N(x; b, W W' + v I)."""
        covariance = self.weight @ self.weight.T + self.variance * torch.eye(len(self.bias))
        return torch.distributions.MultivariateNormal(self.bias, covariance).log_prob(x).numpy()

    def posterior(self, x: torch.Tensor) -> torch.distributions.MultivariateNormal:
        """p(u | x) for one x."""
        size = self.weight.shape[1]
        precision = torch.eye(size) + self.weight.T @ self.weight / self.variance
        mean = torch.linalg.solve(precision, self.weight.T @ (x - self.bias) / self.variance)
        return torch.distributions.MultivariateNormal(mean, precision_matrix=precision)


def linear(variance: float = 0.25, seed: int = 0) -> Linear:
    rng = np.random.default_rng([7, seed])
    weight, bias = rng.normal(size=(20, 5)), rng.normal(size=20)
    return Linear(torch.from_numpy(weight), torch.from_numpy(bias), variance)
