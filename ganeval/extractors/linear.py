"""A matrix product in which a row's bits do not depend on the number of rows."""

import torch
import torch.nn.functional as F

ROWS = 32  # multiplied at once


def steady_linear(
    rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Return a linear layer's output; a row has the same bits in a batch of any size.

    Matrix libraries choose their kernel by the number of rows, and kernels round differently (seen
    on an Intel Xeon with AMX, for 8 rows and 16). So rows are multiplied in blocks of
    `ROWS`; the last block is filled with zeros.

    Args:
        rows: float32 [N, in], N at least 1.
        weight: float32 [out, in].
        bias: float32 [out], or none.

    Returns:
        float32 [N, out].
    """
    blocks = [
        F.linear(F.pad(block, (0, 0, 0, ROWS - len(block))), weight, bias)
        for block in torch.split(rows, ROWS)
    ]
    return torch.cat(blocks)[: len(rows)]
