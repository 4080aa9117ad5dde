"""Check whether stored statistics, used in place of images, fit the run."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ganeval.errors import InputError, MismatchError
from ganeval.features.extraction import Extraction
from ganeval.features.stats import Stats
from ganeval.flow.sides import Side
from ganeval.images.picture import DecodePolicy
from ganeval.sources.files.pictures import policy_settings

log = logging.getLogger(__name__)


def usable_stats(reference: Side | None, network: Extraction) -> Stats | None:
    """Return the reference's stored statistics if they were made with a network of the run.

    Raises:
        MismatchError: They were made under other conditions and there are no images to use instead.
        InputError: Their width is not the extractor's.
    """
    if reference is None or reference.stats is None:
        return None
    stats, info = reference.stats, network.info
    width = stats.width
    if width != info.layers["pool"]:
        if reference.source is not None:
            return None
        raise InputError(
            f"{stats.path}: statistics of {width} dimensions, {info.name} has "
            f"{info.layers['pool']}",
            "statistics made with the same extractor",
            "choose the extractor with --extractor, or make them again with `ganeval stats make`",
        )
    if stats.card is None:
        log.warning(
            "%s: made by another tool; it is not verified that its extractor, weights and resize "
            "are those of this run",
            stats.path,
        )
        return stats
    wanted = stats_conditions(network)
    differing = [key for key, value in wanted.items() if stats.card.get(key) != value]
    if not differing:
        return stats
    if reference.source is not None:
        return None
    key = differing[0]
    raise MismatchError(
        f"{stats.path}: made with {key} {stats.card.get(key)}, this run has {wanted[key]}",
        "statistics made under the same extractor, weights, precision and preprocessing",
        "choose the same options, or make them again with `ganeval stats make`",
    )


def check_decoded_alike(samples: Sequence[Side], stats: Stats | None) -> None:
    """Refuse samples that are decoded differently from the pictures behind stored statistics.

    A setting that refuses pictures does not count as different: if it refused none, it changed
    nothing.

    Raises:
        MismatchError: Names the setting.
    """
    made: Mapping[str, object] = {}
    if stats is not None and stats.card is not None:
        made = stats.card.get("settings", {})
    refusing = policy_settings(DecodePolicy())
    del refusing["exif"]
    for side in samples:
        settings = {} if side.source is None else side.source.info.settings
        for name in policy_settings(DecodePolicy()):
            if name not in settings or name not in made or settings[name] == made[name]:
                continue
            if name in refusing and refusing[name] in (settings[name], made[name]):
                continue
            assert stats is not None
            raise MismatchError(
                f"{stats.path}: made with {name} {made[name]}, {side.location} is read with "
                f"{settings[name]}",
                "the same preprocessing on both sides",
                f"score with --{name.replace('_', '-')} {made[name]}, or make them again with "
                "`ganeval stats make`",
            )


def stats_conditions(network: Extraction) -> dict[str, Any]:
    """Return what must agree between stored statistics and a run, as JSON values."""
    info = network.info
    return {
        "extractor": info.name,
        "weights": f"sha256:{info.weights_sha256}",
        "precision": network.precision,
        "preprocess": network.preparation.to_json(),
    }
