"""Shards that this process computes alone."""

from collections.abc import Iterator, Sequence

from ganeval.features.collect import Features, collect
from ganeval.plan import Side
from ganeval.settings import Settings
from ganeval.workspace import Workspace


def collect_here(
    sides: Sequence[Side], workspace: Workspace, settings: Settings
) -> Iterator[Features]:
    """Yield the features of each side, which are computed when they are asked for.

    Raises:
        InputError: A picture cannot be used.
        Interrupted: Ctrl-C; finished shards stay.
    """
    for side in sides:
        assert side.source is not None
        yield collect(
            side.source,
            side.indices,
            workspace.recipe,
            workspace.store,
            pool=workspace.pool,
            skip_bad=settings.on_bad_image == "skip",
            progress=settings.progress,
        )
