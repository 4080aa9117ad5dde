"""Where scores come from: what a report says about sources, networks, options and versions."""

import logging
from typing import Any

from ganeval.features.extraction import Extraction
from ganeval.flow.collect import Collected, is_served
from ganeval.flow.plan import Plan
from ganeval.flow.source_cards import describe, describe_stream, source_warnings
from ganeval.flow.views import pairing_card
from ganeval.flow.workspace import Workspace
from ganeval.metrics.base import Each, Pairs
from ganeval.report.provenance import library_versions
from ganeval.scores.label import label_of
from ganeval.version import __version__

log = logging.getLogger(__name__)


def provenance_of(plan: Plan, workspace: Workspace, collected: Collected) -> dict[str, Any]:
    """Return where the scores come from, and log the warnings.

    Facts of a network outside of `networks` are those of the run's network, or of the first.
    """
    settings = plan.settings
    networks = workspace.networks
    run_network = networks.get(settings.extractor, next(iter(networks.values())))
    by = settings.cluster_by
    sources = [
        describe(side, collected.samples[side.location][Each()], None, cluster_by=by)
        for side in plan.samples
    ]
    streams = set(collected.samples) - {side.location for side in plan.samples}
    sources += [
        describe_stream(name, collected.samples[name][Each()], collected.step, collected.seen)
        for name in streams
    ]
    others = {}
    for role, side in plan.others.items():
        served = [
            label_of(kind.name, choice.network, choice.options)
            for choice, need in plan.needs_of(role)
            if is_served(need, choice.place(need, settings.extractor), collected.stats)
            for kind in choice.metric.kinds
        ]
        stats = next(iter(collected.stats.values())) if served else None
        found = collected.others.get(role, {}).get(Each())
        others[role] = describe(side, found, stats, tuple(served), cluster_by=by)
    whole = any(need.view == Each() for _, need in plan.needs_of("sample"))
    warnings = source_warnings(sources, others.get("reference"), whole_clips=whole)
    for warning in warnings:
        log.warning("%s", warning)
    # No date: the same command on the same items writes the same bytes.
    return {
        "ganeval": __version__,
        "command": settings.command,
        "seed": settings.seed,
        "device": run_network.device_type,
        **({} if run_network.gpu is None else {"gpu": run_network.gpu}),
        "precision": run_network.precision,
        "weights": {
            one.info.name: f"sha256:{one.info.weights_sha256}" for one in networks.values()
        },
        **_of_network(run_network),
        "protocol_version": plan.protocol.version,
        "micro_batch": run_network.micro_batch,
        "network": settings.extractor,
        "networks": {name: _card(network) for name, network in networks.items()},
        "num_images": settings.num_images,
        **({} if settings.cluster_by is None else {"cluster_by": settings.cluster_by}),
        "sources": {source.location: source.card() for source in [*sources, *others.values()]},
        **_pairings(plan, collected),
        "warnings": list(warnings),
        "libraries": library_versions(),
    }


def _pairings(plan: Plan, collected: Collected) -> dict[str, Any]:
    """Return which items of two sources were looked at together, by the location of the sample."""
    cards = {}
    for (location, _, view), viewed in plan.viewed.items():
        if viewed.pairing is not None and isinstance(view, Pairs):
            skipped = collected.samples[location][view].skipped
            cards[location] = pairing_card(viewed.pairing, skipped)
    return {"pairings": cards} if cards else {}


def _of_network(network: Extraction) -> dict[str, Any]:
    """Return the facts of a network that must agree between compared scores, JSON values."""
    return {
        "extractor_version": network.info.version,
        "preprocess": network.preparation.to_json(),
        "dimensions": network.info.layers.get("pool"),
    }


def _card(network: Extraction) -> dict[str, Any]:
    """Return all facts of a network, JSON values."""
    return {
        "extractor": network.info.name,
        "weights": f"sha256:{network.info.weights_sha256}",
        **_of_network(network),
        "precision": network.precision,
        "micro_batch": network.micro_batch,
        **({} if network.package is None else {"package": network.package}),
    }
