"""Shards that the processes of torchrun compute together: process r takes r, r + W, r + 2 W, ...

Nobody waits for another one within the loop. A shard that is done is reported to the first process
by a call that goes on in the background; one that fails, because a process is gone or has not
reported for too long, is noticed between two shards.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence

from ganeval.engines.sharing import MadeShard, conditions, join_sides, pictures, tasks_of
from ganeval.features.collect import (
    CollectedShard,
    Features,
    Interrupted,
    ShardTask,
    bad_pictures,
    collect_parts,
)
from ganeval.features.shards import SHARD_SIZE
from ganeval.plan import Side
from ganeval.progress import Progress
from ganeval.settings import Settings
from ganeval.team import Message, Team
from ganeval.workspace import Workspace

_DIGEST_BYTES = 32
_COUNT_BYTES = 4
_REPORT_BYTES = 1 + _COUNT_BYTES + (1 + SHARD_SIZE) * _DIGEST_BYTES  # see _pack


def collect_together(
    sides: Sequence[Side], workspace: Workspace, settings: Settings
) -> Iterator[Features]:
    """Yield the features of each side on the first process; the others end when theirs are done.

    Raises:
        TeamError: The processes differ or do not share the cache, or one is gone.
        InputError: A picture cannot be used.
        Interrupted: Ctrl-C; finished shards stay.
        SystemExit: On all but the first process, with 0: there is nothing more to do.
    """
    team, skip_bad = settings.team, settings.on_bad_image == "skip"
    _agree(team, sides, workspace)
    tasks = [task for side in sides for task in tasks_of(side)]
    try:
        messages = _work(tasks, workspace, team, skip_bad=skip_bad, progress=settings.progress)
        contents = [content for message in messages for content in message.wait()]
    except KeyboardInterrupt as error:
        raise Interrupted(
            "interrupted: finished shards are in the cache; run the same command again to go on"
        ) from error
    if not team.leads:
        raise SystemExit(0)
    made = map(_unpack, contents[: len(tasks)])
    yield from join_sides(sides, made, workspace, skip_bad=skip_bad)


def _statement(sides: Sequence[Side], workspace: Workspace) -> dict[str, str]:
    """Return what must be the same for all processes, by the name that messages use."""
    chosen = [hashlib.sha256(array("q", side.indices)).hexdigest() for side in sides]
    seen = {
        f"the pictures of {side.location}": pictures(side.source)
        for side in sides
        if side.source is not None
    }
    return {
        **conditions(workspace.recipe),
        "the cache": workspace.store.url or "",
        **seen,
        "the choice of pictures": " ".join(chosen),
    }


def _agree(team: Team, sides: Sequence[Side], workspace: Workspace) -> None:
    """Make sure that all processes would make the same shards, and into one cache."""
    mark = workspace.store.mark_path(team.token)
    if team.leads:
        mark.touch()
    try:
        team.agree(_statement(sides, workspace))
        # Processes that agree on a URL share it.
        seen = team.exchange(str(mark.exists() or workspace.store.url is not None))
    finally:
        if team.leads:
            mark.unlink(missing_ok=True)
    if "False" in seen:
        team.refuse(
            f"{team.name(seen.index('False'))} does not see the cache of {team.name(0)}, "
            f"{workspace.store.folder}",
            "a cache that all processes share",
            "name a folder on a shared file system with --cache-dir",
        )


def _work(
    tasks: Sequence[ShardTask],
    workspace: Workspace,
    team: Team,
    *,
    skip_bad: bool,
    progress: Progress,
) -> list[Message]:
    """Make this process's shards, and return the reports of all processes round by round."""
    mine = tasks[team.rank :: team.size]
    parts = collect_parts(
        mine, workspace.recipe, workspace.store, pool=workspace.pool, progress=progress
    )
    messages: list[Message] = []
    num_checked = 0
    for number in range(-(-len(tasks) // team.size)):
        part = next(parts, None)
        if part is not None and part.info.skipped and not skip_bad:
            source = mine[number].source
            done = {task.start for task in mine[: number + 1] if task.source is source}
            rest = [task for task in tasks if task.source is source and task.start not in done]
            total = mine[number].total
            raise bad_pictures(source.info.location, part, rest, total, workspace.pool)
        messages.append(team.send(_pack(part), _REPORT_BYTES))
        while num_checked < len(messages) and messages[num_checked].is_done():
            messages[num_checked].wait()
            num_checked += 1
    return messages


def _pack(part: CollectedShard | None) -> bytes:
    """Return what there is to report of a shard; of none, nothing."""
    if part is None:
        return b""
    head = bytes([part.computed]) + len(part.digests).to_bytes(_COUNT_BYTES, "little")
    return b"".join([head, bytes.fromhex(part.key), *part.digests])


def _unpack(content: bytes) -> MadeShard:
    """Return what a report says."""
    num = int.from_bytes(content[1 : 1 + _COUNT_BYTES], "little")
    key, *digests = (
        content[start : start + _DIGEST_BYTES]
        for start in range(
            1 + _COUNT_BYTES, 1 + _COUNT_BYTES + (1 + num) * _DIGEST_BYTES, _DIGEST_BYTES
        )
    )
    return MadeShard(key=key.hex(), digests=tuple(digests), computed=bool(content[0]))
