"""Every reason why items of a source cannot be used."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from ganeval.errors import InputError
from ganeval.machine.ahead import in_order
from ganeval.sources.base import Source
from ganeval.sources.files.encoded import EncodedSource
from ganeval.sources.unusable import LOOKED_AT


def find_refusals(
    source: Source, known: Mapping[int, str], *, pool: Executor
) -> dict[int, list[str]]:
    """Return every reason why items of a source cannot be used, by index.

    The `known` reasons come from headers. The first `LOOKED_AT` items are decoded as well, so that
    one message tells everything that is wrong.
    """
    found = {index: [reason] for index, reason in known.items()}
    indices = range(min(len(source), LOOKED_AT))
    for index, reasons in zip(
        indices, in_order(pool, partial(_reasons, source), indices, ahead=64), strict=True
    ):
        told = found.get(index, [])
        if reasons or told:
            found[index] = list(dict.fromkeys([*told, *reasons]))
    return dict(sorted(found.items()))


def _reasons(source: Source, index: int) -> list[str]:
    """Return why an item cannot be used; one reason may hide another."""
    reasons = []
    lenient = [source]
    if isinstance(source, EncodedSource):
        medium = source.medium.lenient()
        lenient += [] if medium is None else [replace(source, medium=medium)]
    for one in lenient:
        try:
            one.load([index])[0].content()
            break
        except InputError as error:
            reasons.append(str(error))
    return reasons
