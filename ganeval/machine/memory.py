"""Let the process keep the memory that it frees."""

import ctypes
import platform

# From <malloc.h>.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Tell glibc to use freed memory again instead of returning it to the system.

    A network on the CPU makes and frees its maps layer by layer. By default glibc maps each of them
    anew, and the page faults take about as long as writing the maps. The setting applies to the
    whole process, so a program makes it and a library does not. It has no effect without glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, -1)
