"""Values derived from all features of a source, under the digest of what they come from.

They stand beside the shards and are used like them: a value that is there is not computed, a
damaged one is, and whoever appends images or changes one gets another key.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.errors import MachineError
from ganeval.features.shards import ShardStore

log = logging.getLogger(__name__)

Arrays = Mapping[str, npt.NDArray[Any]]
Options = Mapping[str, str | int | float | bool]
Compute = Callable[[], Arrays]

FORMAT = 1


def derived_key(name: str, options: Options, layer: str, shard_keys: Sequence[str]) -> str:
    """Return the key of a derived value: a hex digest of all that can change it.

    Args:
        name: What it is (`"moments"`).
        options: What else it depends on.
        layer: The layer it is derived from.
        shard_keys: Of all shards, in order.
    """
    identity = {
        "format": FORMAT,
        "name": name,
        "options": dict(options),
        "layer": layer,
        "shards": list(shard_keys),
        "numpy": np.__version__,
    }
    text = json.dumps(identity, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def find_or_derive(
    store: ShardStore, key: str, compute: Compute, *, most_bytes: Callable[[], int]
) -> Arrays:
    """Return the derived value called `key` from the store, or compute it and put it there.

    Args:
        store: Where it is kept.
        key: Its key.
        compute: Computes it.
        most_bytes: What is larger is not kept: it would be read no sooner than computed.
    """
    found = store.find_derived(key)
    if found is not None:
        return found
    arrays = compute()
    if sum(array.nbytes for array in arrays.values()) <= most_bytes():
        try:
            store.write_derived(key, arrays)
        except MachineError as error:  # the run can do without
            log.warning("%s; it will be computed again", error)
    return arrays
