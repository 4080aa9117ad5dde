"""A Ray cluster of two nodes on this machine that loses one: `two_nodes.py FILE WORD...`.

Runs the command line with these words, takes a node away while both are at work, and writes, as
JSON, what the command printed and returned.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

MEMORY = 80 * 2**20  # bytes of a node's object store
DEADLINE = 60  # seconds


def wait_until_all_work() -> None:
    """Wait until no processor of the cluster is free."""
    deadline = time.monotonic() + DEADLINE
    while ray.available_resources().get("CPU", 0):
        assert time.monotonic() < deadline


if __name__ == "__main__":
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
        ray.init(address=cluster.address, logging_level="ERROR", log_to_driver=False)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.spread.ranks", *sys.argv[2:]],
            env={**os.environ, "RAY_ADDRESS": cluster.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as command:
            wait_until_all_work()
            cluster.remove_node(second, allow_graceful=False)
            out, err = command.communicate()
        found = {"code": command.returncode, "out": out, "err": err}
        Path(sys.argv[1]).write_text(json.dumps(found))
    finally:
        ray.shutdown()
        cluster.shutdown()
