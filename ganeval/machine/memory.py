"""Let the process keep the memory that it frees."""

import ctypes
import platform

# Of <malloc.h>.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Tell glibc to use freed memory again instead of returning it to the system.

    A network on the CPU makes and frees its maps layer by layer. By default each of them is mapped
    again and its pages come in by faults, which takes about as long as writing them. The setting is
    the whole process's, so it belongs to a program and not to a library. No effect elsewhere than
    on glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, -1)
