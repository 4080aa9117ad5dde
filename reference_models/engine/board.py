"""Losses and scores in TensorBoard, where it is installed."""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

logger = logging.getLogger("ganeval.training")

EVERY = 10  # steps; TensorBoard itself shows no more than a thousand points of a curve


@contextmanager
def tensorboard(folder: Path) -> Iterator[Observer | None]:
    """Yield an observer that writes every tenth step's terms, and all scores; None without it."""
    if importlib.util.find_spec("tensorboard") is None:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    opened: list[Any] = []

    def observe(run: Run, log: Log) -> None:
        if not opened:  # what a killed run wrote later is hidden
            opened.append(SummaryWriter(str(folder), purge_step=run.step + 1))
        for name, value in log.items():
            if run.step % EVERY == 0 or name.startswith("score/"):
                opened[0].add_scalar(name, value, run.step)

    logger.info("TensorBoard: `tensorboard --logdir %s`", folder)
    try:
        yield observe
    finally:
        for writer in opened:
            writer.close()
