"""Paths between latents, with two points on each that are close together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from ganeval.errors import UsageError
from ganeval.generators.drawing import Drawing, stream_of
from ganeval.generators.interpolation import slerp

Places = Literal["full", "end"]

_PLACE = 5  # the purpose of the stream, as in `drawing`


@dataclass(frozen=True, slots=True, kw_only=True)
class PathDrawing(Drawing):
    """Draws points on paths: samples 2i and 2i + 1 lie `epsilon` apart on path i.

    Path i leads from the latent of sample 2i to the latent of sample 2i + 1, as a `Drawing` with
    the same fields draws them. Its two points are at t and t + epsilon (Karras, Laine and Aila, "A
    Style-Based Generator Architecture for Generative Adversarial Networks", CVPR 2019, section
    4.1). They share the label, and the noise, of sample i.

    Normal latents go along the arc between their directions at an even pace, while their length
    changes linearly. For a network that normalises its latents, as in that paper, this is the
    paper's spherical interpolation. Other networks get latents as long as those that they know.
    Uniform latents go along the straight line.

    Attributes:
        epsilon: The distance in t.
        places: Where the first point is: "full" draws t uniformly from [0, 1) with
            `SeedSequence([seed, i, 5])`, "end" is 0.

    Raises:
        UsageError: A value is out of its range.
    """

    epsilon: float = 1e-4
    places: Places = "full"

    def __post_init__(self) -> None:
        Drawing.__post_init__(self)
        if not 0 < self.epsilon < 1:
            raise UsageError(
                f"epsilon {self.epsilon:g}", "more than 0 and less than 1", "change it"
            )

    def latents(
        self, indices: Sequence[int], *, number: int = 0, size: int | None = None
    ) -> torch.Tensor:
        """Return the points on the paths; see `Drawing.latents`."""
        start, end = (
            Drawing.latents(
                self, [index // 2 * 2 + side for index in indices], number=number, size=size
            ).double()
            for side in (0, 1)
        )
        points = torch.tensor([self._place(index) for index in indices], dtype=torch.float64)
        t = points.reshape(-1, *[1] * (start.ndim - 1))
        between = slerp if self.prior == "normal" else torch.lerp
        return between(start, end, t).float()

    def classes(self, indices: Sequence[int]) -> list[int] | None:
        """Return the classes of the paths on which the points lie."""
        return Drawing.classes(self, [index // 2 for index in indices])

    def noise_seed(self, index: int) -> int:
        """Return the seed of the noise of a path, which both of its points get."""
        return Drawing.noise_seed(self, index // 2)

    def settings(self) -> dict[str, object]:
        """Return every field, as JSON values."""
        return {**Drawing.settings(self), "epsilon": self.epsilon, "places": self.places}

    def _place(self, index: int) -> float:
        """Return how far along its path a point is."""
        start = (
            stream_of([self.seed, index // 2, _PLACE]).random() if self.places == "full" else 0.0
        )
        return start + index % 2 * self.epsilon
