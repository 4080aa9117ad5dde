"""A Ray cluster of two nodes on this machine that loses one: `two_nodes.py FILE WORD...`.

Runs the command line with these words, takes a node away while it makes a shard, and writes, as
JSON, what the command printed and returned.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

MEMORY = 80 * 2**20  # bytes of a node's object store
DEADLINE = 200  # seconds


def stop_at_work(node: Any) -> int:
    """Stop a process of a node while it makes a shard, and return its number."""
    raylet = node.all_processes["raylet"][0].process.pid
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        for child in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split():
            if is_at_work(child):
                os.kill(int(child), signal.SIGSTOP)
                if is_at_work(child):
                    return int(child)
                os.kill(int(child), signal.SIGCONT)
    raise AssertionError("no shard was made there")


def is_at_work(process: str) -> bool:
    """Tell whether a process is in the middle of a task, after which Ray names it."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().startswith(b"ray::make_shard")
    except OSError:  # it is gone
        return False


if __name__ == "__main__":
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.spread.ranks", *sys.argv[2:]],
            env={**os.environ, "RAY_ADDRESS": cluster.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as command:
            stopped = stop_at_work(second)
            cluster.remove_node(second, allow_graceful=False)
            os.kill(stopped, signal.SIGKILL)
            out, err = command.communicate()
        found = {"code": command.returncode, "out": out, "err": err}
        Path(sys.argv[1]).write_text(json.dumps(found))
    finally:
        cluster.shutdown()
