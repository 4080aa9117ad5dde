"""The result of a likelihood estimate."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEVELS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a likelihood was estimated for, and how.

    Attributes:
        generator: Name of the generator.
        data: Name of the source of the pictures.
        validation: Name of the source of the validation pictures, on which variance and bandwidth
            were chosen.
        num_validation: Number of validation pictures.
        shape: Channels, height and width of a picture; its dimensions are their product.
        num_steps: Number of temperatures.
        num_chains: Number of chains for each picture.
        seed: Seed of all random numbers.
    """

    generator: str
    data: str
    validation: str
    num_validation: int
    shape: tuple[int, int, int]
    num_steps: int
    num_chains: int
    seed: int

    @property
    def dimensions(self) -> int:
        """Number of values of a picture."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The Gaussian noise of the observation model.

    Attributes:
        variance: Variance of each value, on the scale of x.
        fitted_on: Number of validation pictures that it was fitted on; None if it was given.
    """

    variance: float
    fitted_on: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """The log-likelihood of pictures, in nats of x = (pixel + uniform noise) / 256.

    Attributes:
        conditions: The model, the pictures and the method.
        method: "ais", or "exact" if the network has a `log_prob`.
        names: Names of the pictures, [N].
        values: AIS's lower bound, or the exact value, of each picture, float64 [N].
        simulated_lower: AIS's lower bound of each simulated picture, [M]; empty if exact.
        simulated_upper: BDMC's upper bound of each simulated picture, [M]; empty if exact.
        noise: The observation noise; None if exact.
        parzen: The log density of Parzen windows at each picture, [N].
        bandwidth: Standard deviation of these windows.
    """

    conditions: Conditions
    method: Literal["ais", "exact"]
    names: tuple[str, ...]
    values: Floats
    simulated_lower: Floats
    simulated_upper: Floats
    noise: Noise | None
    parzen: Floats
    bandwidth: float

    @property
    def gap(self) -> Floats:
        """Upper minus lower bound of each simulated picture, [M]."""
        return self.simulated_upper - self.simulated_lower

    def rows(self) -> dict[str, Floats]:
        """Return every kind of estimate by its name, in nats for each picture."""
        if self.method == "exact":
            return {"exact": self.values, "parzen": self.parzen}
        return {
            "lower": self.values,
            "simulated_lower": self.simulated_lower,
            "simulated_upper": self.simulated_upper,
            "gap": self.gap,
            "parzen": self.parzen,
        }

    def bits(self, name: str, nats: Floats) -> Floats:
        """Return nats as bits for each dimension of 8-bit pixels: 8 - nats / (D log 2).

        The gap is a difference, so the 8 cancels: nats / (D log 2).
        """
        each: Floats = nats / (self.conditions.dimensions * np.log(2))
        return each if name == "gap" else np.log2(LEVELS) - each


def mean_and_error(values: Floats) -> tuple[float, float | None]:
    """Return the mean of some values and its standard error, None for a single value."""
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return float(values.mean()), error
