"""Losses, scores and samples in TensorBoard, if it is installed."""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import PIL.Image

from reference_models.engine.files import RunFiles
from reference_models.engine.observe import grid_names, is_due
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

logger = logging.getLogger("ganeval.training")

EVERY = 10  # steps; TensorBoard shows at most a thousand points of a curve


@contextmanager
def tensorboard(files: RunFiles, *, grid_every: int) -> Iterator[Observer | None]:
    """Yield an observer that writes the terms of every tenth step, all scores and all grids.

    Yield None if TensorBoard is not installed. The observer must come after the one that writes the
    grids.
    """
    if importlib.util.find_spec("tensorboard") is None:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    folder = files.folder / "tensorboard"
    opened: list[Any] = []

    def observe(run: Run, log: Log) -> None:
        if not opened:  # purge_step hides what a killed run wrote after its saved state
            opened.append(SummaryWriter(str(folder), purge_step=run.step + 1))
        for name, value in log.items():
            if run.step % EVERY == 0 or name.startswith("score/"):
                opened[0].add_scalar(name, value, run.step)
        if log and is_due(run.step, grid_every):
            (name,) = grid_names(run.step - 1, run.step, every=grid_every)
            with PIL.Image.open(files.folder / name) as grid:
                opened[0].add_image(
                    "samples", np.asarray(grid.convert("RGB")), run.step, dataformats="HWC"
                )

    logger.info("TensorBoard: `tensorboard --logdir %s`", folder)
    try:
        yield observe
    finally:
        for writer in opened:
            writer.close()
