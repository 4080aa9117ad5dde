"""A process of the command line keeps the memory that it frees."""

import platform
import subprocess
import sys

import pytest

_CODE = """
import resource
{setting}
num = 2**26
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    b"x" * num  # above every threshold of glibc
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(setting: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _CODE.format(setting=setting)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is a setting of glibc only")
def test_pages_come_in_once() -> None:
    plain = faults("")
    kept = faults("from ganeval.machine.memory import keep_freed_memory; keep_freed_memory()")
    assert kept < plain / 5
