"""Which kind of file system a file lies on."""

import os
import re
import sys
from pathlib import Path

# File systems whose ctime shows every change. On a network, times come from another clock and out
# of a cache. FAT and read-only images have no ctime, and give the mtime in its place.
_RELIABLE = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "f2fs", "zfs", "jfs", "tmpfs", "overlay")
)


def tells_of_changes(path: str) -> bool:
    """Tell whether the times of a file are known to show every change."""
    return file_system(path) in _RELIABLE


def file_system(path: str) -> str | None:
    """Return the type of the file system that a file lies on; None if it is unknown.

    The file's content is not opened. See proc(5), /proc/[pid]/fdinfo and /proc/[pid]/mountinfo.
    """
    if sys.platform != "linux":
        return None
    try:
        handle = os.open(path, os.O_PATH)
        try:
            info = Path(f"/proc/self/fdinfo/{handle}").read_text()
        finally:
            os.close(handle)
        mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return None
    return file_system_of(info, mounts)


def file_system_of(info: str, mounts: str) -> str | None:
    """Return the type of the file system of an open file.

    Args:
        info: What /proc/self/fdinfo says about the file.
        mounts: What /proc/self/mountinfo says about all mounts.
    """
    number = re.search(r"^mnt_id:\s*(\d+)$", info, re.MULTILINE)
    for line in mounts.splitlines():
        mount, _, kind = line.partition(" - ")
        if number is not None and mount.split(" ", 1)[0] == number[1] and kind:
            return kind.split(" ", 1)[0]
    return None
