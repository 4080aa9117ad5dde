"""Points between two latents, on the sphere rather than through it."""

import torch


def slerp(start: torch.Tensor, end: torch.Tensor, t: torch.Tensor | float) -> torch.Tensor:
    """Return the points at t between vectors, along the arc that joins their directions.

    The direction moves at an even pace on the great circle (Shoemake, "Animating Rotation with
    Quaternion Curves", SIGGRAPH 1985; for latents White, arXiv:1609.04468), while the length
    changes linearly from one end to the other. A straight line instead passes points that are
    shorter than normal latents ever are. Vectors on one line have no arc between them; they are
    joined by the line.

    >>> slerp(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), 0.5)
    tensor([[0.7071, 0.7071]])

    Args:
        start: Floating point [B, n, ...], at t = 0.
        end: The same shape, at t = 1.
        t: From 0 to 1: a number, or a tensor that broadcasts with the vectors, such as [B, 1].
    """
    t = torch.as_tensor(t, dtype=start.dtype, device=start.device)
    start_length = torch.linalg.vector_norm(start, dim=1, keepdim=True)
    end_length = torch.linalg.vector_norm(end, dim=1, keepdim=True)
    first, last = start / start_length, end / end_length
    along = (first * last).sum(dim=1, keepdim=True)
    across = last - along * first
    sine: torch.Tensor = torch.linalg.vector_norm(across, dim=1, keepdim=True)
    on_line = sine < 1e-9
    angle = t * torch.atan2(sine, along)
    direction = first * angle.cos() + across / sine.where(~on_line, 1) * angle.sin()
    arc = direction * torch.lerp(start_length, end_length, t)
    return torch.where(on_line, torch.lerp(start, end, t), arc)
