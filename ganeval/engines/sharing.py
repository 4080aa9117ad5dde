"""What processes that share the work must agree on, and what becomes of their shards."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ganeval.errors import TeamError
from ganeval.features.collect import (
    CollectedShard,
    Features,
    ShardTask,
    bad_pictures,
    cut,
    join,
    name_skipped,
)
from ganeval.features.compute import Recipe
from ganeval.plan import Side
from ganeval.sources.base import Source
from ganeval.version import __version__
from ganeval.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeShard:
    """What the maker of a shard tells of it.

    Attributes:
        key: Of the shard.
        digests: Of the images that have a row, in order.
        computed: Whether it had to be computed.
    """

    key: str
    digests: tuple[bytes, ...]
    computed: bool


def tasks_of(side: Side) -> list[ShardTask]:
    """Return the shards of a side."""
    assert side.source is not None
    return cut(side.source, side.indices)


def conditions(recipe: Recipe) -> dict[str, str]:
    """Return what must be the same for all makers of shards, by the name that messages use."""
    identity = recipe.identity({})
    weights = identity.pop("extractor")
    versions = {"ganeval": __version__} | {name: identity.pop(name) for name in ("torch", "pillow")}
    return {
        "the versions of ganeval, torch or Pillow": json.dumps(versions),
        "the extractor or its weights": json.dumps(weights),
        "device, precision, batch size or preprocessing": json.dumps(identity, sort_keys=True),
    }


def pictures(source: Source) -> str:
    """Return what is known of a source's pictures before they are read."""
    info = source.info
    sizes = sorted(info.sizes.items())
    known = [info.kind, info.count, dict(info.settings), sizes, info.fingerprint]
    return json.dumps(known, sort_keys=True)


def join_sides(
    sides: Sequence[Side], made: Iterable[MadeShard], workspace: Workspace, *, skip_bad: bool
) -> Iterator[Features]:
    """Yield the features of each side from what the makers of its shards tell.

    Args:
        sides: The sides.
        made: For each of `tasks_of` each side.
        workspace: With the store where all shards must be.
        skip_bad: Do without pictures that cannot be used.

    Raises:
        TeamError: A shard is not there.
        InputError: A picture cannot be used (unless `skip_bad`).
    """
    rest = iter(made)
    for side in sides:
        tasks, parts = tasks_of(side), []
        for task in tasks:
            part = _found(task, next(rest), workspace)
            parts.append(part)
            if part.info.skipped and not skip_bad:
                raise bad_pictures(
                    side.location, part, tasks[len(parts) :], task.total, workspace.pool
                )
        yield join(workspace.store, parts)


def _found(task: ShardTask, made: MadeShard, workspace: Workspace) -> CollectedShard:
    """Return a shard that its maker has put into the store."""
    info = workspace.store.find(made.key, workspace.recipe.layers)
    if info is None:
        raise TeamError(
            f"{workspace.store.path(made.key)}: not there, though another process has made it",
            "a cache that all processes share",
            "name a folder on a shared file system with --cache-dir",
        )
    if info.skipped:
        info = name_skipped(info, task.source.load(task.indices))
    return CollectedShard(key=made.key, info=info, digests=made.digests, computed=made.computed)
