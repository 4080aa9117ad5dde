"""Plan a run: resolve names, open sources, and refuse what can be refused before decoding."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganeval.audio.windows import Windows
from ganeval.errors import GanevalError, InputError, UsageError
from ganeval.extractors.base import find_extractor
from ganeval.flow.choose import MetricChoice, choose_metrics, find_protocol
from ganeval.flow.clusters import no_effect
from ganeval.flow.networks import check_contents, check_in_vain, check_layers, check_networks
from ganeval.flow.settings import Settings
from ganeval.flow.sides import (
    Side,
    check_generator_options,
    num_generated,
    open_reference,
    open_side,
    refuse_twins,
)
from ganeval.flow.views import Viewed, lonely_items, view_of
from ganeval.metrics.base import Each, Need, Pairs, Role, View, options_of_minimum, roles_of
from ganeval.metrics.protocols import EvaluationProtocol
from ganeval.sources.base import plural
from ganeval.sources.files.index import Index

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is decided before the first item is decoded.

    Attributes:
        settings: The options.
        protocol: The conventions.
        choices: The metrics.
        samples: What is scored.
        others: The sides that every sample is scored with, by role: the reference, what the
            generator learned from, and real items that it never saw.
        viewed: The items that the metrics look at, by the location and role of the side, and the
            view. Sides of statistics alone are missing.
    """

    settings: Settings
    protocol: EvaluationProtocol
    choices: tuple[MetricChoice, ...]
    samples: tuple[Side, ...]
    others: Mapping[Role, Side]
    viewed: Mapping[tuple[str, Role, View], Viewed] = field(default_factory=dict)

    def needs_of(self, role: Role) -> Iterator[tuple[MetricChoice, Need]]:
        """Yield the needs of the metrics for a role."""
        for choice in self.choices:
            for need in choice.metric.needs:
                if need.role == role:
                    yield choice, need

    @property
    def layers(self) -> dict[str, list[str]]:
        """The layers that the metrics work on, by the name of their network."""
        found: dict[str, list[str]] = {}
        for choice in self.choices:
            for need in choice.metric.needs:
                network, layer = choice.place(need, self.settings.extractor)
                layers = found.setdefault(network, [])
                if layer not in layers:
                    layers.append(layer)
        return found


def make_plan(
    samples: Sequence[Any],
    others: Mapping[Role, Any],
    metrics: Sequence[str] | None,
    settings: Settings,
    *,
    index: Index | None = None,
) -> Plan:
    """Return the plan of a run.

    Args:
        samples: What is scored.
        others: What it is scored with, by role; None for a role without a source.
        metrics: The metrics' texts; None for the protocol's metrics.
        settings: The options.
        index: What is known of local files.

    Raises:
        UsageError: A name or option is unknown, or a combination has no meaning.
        InputError: A source cannot be used, or has too few items for a metric.
    """
    protocol = find_protocol(settings.protocol)
    given = {role: thing for role, thing in others.items() if thing is not None}
    choices = choose_metrics(
        metrics,
        protocol,
        roles=("sample", *given),
        networks=settings.networks,
        run_network=settings.extractor,
    )
    find_extractor(settings.extractor)
    check_in_vain(choices, settings)
    if settings.weights is not None and not settings.weights.is_file():
        raise InputError(f"{settings.weights}: no such file", "a weight file", "check --weights")
    asked = {
        role for choice in choices for role in roles_of(choice.metric) if not choice.optional
    } | {role for role in given if any(choice.optional for choice in choices)}
    opened: dict[Role, Side] = {}
    for role, thing in given.items():
        if role in asked:
            opened[role] = (
                open_reference(thing, settings, index=index)
                if role == "reference"
                else open_side(thing, role, settings, index=index)
            )
        elif role != "reference":
            raise UsageError(
                f"--{role} is given, but no metric looks at it",
                "a metric that does",
                f"leave --{role} out, or add one (`ganeval list metrics` has their sources)",
            )
    num_wanted = num_generated(opened.get("reference"))
    sides = tuple(
        open_side(sample, "sample", settings, num_wanted, index=index) for sample in samples
    )
    check_generator_options(
        [*samples, *given.values()], [*sides, *(opened.get(role) for role in given)], settings
    )
    refuse_twins(sides)
    in_vain = no_effect(settings.cluster_by, [one.clusters for one in (*sides, *opened.values())])
    if in_vain is not None and settings.team.leads:
        log.warning("%s", in_vain)
    kept, viewed = _kept(choices, sides, opened, settings)
    by_place = {(side.location, side.role): side for side in (*sides, *opened.values())}
    for (location, role, view), one in viewed.items():
        if isinstance(view, Pairs) and settings.team.leads:
            for line in lonely_items(one, by_place[location, role], opened[view.to]):
                log.warning("%s", line)
    return Plan(
        settings=settings,
        protocol=protocol,
        choices=kept,
        samples=sides,
        others=opened,
        viewed=viewed,
    )


def _kept(
    choices: Sequence[MetricChoice],
    samples: Sequence[Side],
    others: Mapping[Role, Side],
    settings: Settings,
) -> tuple[tuple[MetricChoice, ...], dict[tuple[str, Role, View], Viewed]]:
    """Return the metrics that are computed, and what they look at; say which are left out, and why.

    Args:
        choices: The metrics; optional ones are left out if they cannot be computed.
        samples: Their samples.
        others: The other sides.
        settings: The options.

    Raises:
        InputError, UsageError: One that is not optional cannot be computed, or none is left.
    """
    kept: list[MetricChoice] = []
    viewed: dict[tuple[str, Role, View], Viewed] = {}
    left_out: dict[str, str] = {}
    for choice in choices:
        try:
            check_layers(choice, settings)
            found = _checked(choice, samples, others, viewed, settings)
            if choice.optional:
                check_networks(choice, found, settings)
            viewed |= found
        except GanevalError as error:
            if not choice.optional:
                raise
            left_out[choice.label] = error.found
        else:
            check_contents(choice, found, settings)
            kept.append(choice)
    if settings.team.leads:
        tell_left_out(left_out)
    if not kept:
        raise UsageError(
            "no metric is left", "sources, labels and weights for one", "name more sources"
        )
    return tuple(kept), viewed


def tell_left_out(reasons: Mapping[str, str]) -> None:
    """Warn of the metrics of `all` that are left out, each with its reason."""
    if reasons:
        told = ", ".join(f"{label} ({reason})" for label, reason in reasons.items())
        log.warning("left out of all metrics: %s", told)


def _checked(
    choice: MetricChoice,
    samples: Sequence[Side],
    others: Mapping[Role, Side],
    viewed: Mapping[tuple[str, Role, View], Viewed],
    settings: Settings,
) -> dict[tuple[str, Role, View], Viewed]:
    """Return what a metric looks at; check that sides have enough items, and labels if needed.

    Args:
        choice: The metric.
        samples: Its samples.
        others: The other sides.
        viewed: What other metrics look at already.
        settings: The options.

    Raises:
        InputError: Names the side and what the metric needs.
        UsageError: An option has no meaning for a view.
    """
    found: dict[tuple[str, Role, View], Viewed] = {}
    for need in choice.metric.needs:
        sides = list(samples)
        if need.role != "sample":
            if need.role not in others:
                raise InputError(
                    f"there is no {need.role}", f"a {need.role}, for {choice.label}", "name one"
                )
            sides = [others[need.role]]
        for side in sides:
            check_need(choice, need, side.location, _content_of(side))
            if side.source is None:
                if need.form == "moments" and need.feature.layer == "pool" and not need.labels:
                    continue
                noun = side.stats.noun if side.stats is not None else "items"
                raise InputError(
                    f"{side.location}: holds statistics, not {noun}",
                    f"{noun}, for {choice.title}",
                    f"name the {noun[:-1]} source, or ask for fid alone",
                )
            if need.labels and side.source.labels() is None:
                raise InputError(
                    f"{side.location}: has no class labels",
                    f"the class of each item, for {choice.title}",
                    "name it as folder:PATH,labels=folders, or as an .npz with `labels`",
                )
            key = side.location, side.role, need.view
            seen = found.get(key) or viewed.get(key)
            found[key] = seen or view_of(side, need.view, others, settings)
            of_it = found[key]
            check_minimum(choice, need, side.location, len(of_it.indices), of_it.noun)
    return found


def check_need(choice: MetricChoice, need: Need, location: str, content: str) -> None:
    """Refuse items of a kind that a metric does not score.

    Raises:
        UsageError: Names both kinds.
    """
    if need.content not in (None, content):
        raise UsageError(
            f"{location}: has {plural(content)}",
            f"{plural(need.content or content)}, for {choice.title}",
            f"name a source of {plural(need.content or content)}, or another metric",
        )


def _content_of(side: Side) -> str:
    """Return what each item of a side is; for statistics, what they were made from."""
    if side.source is not None:
        return side.source.info.content
    return "picture" if side.stats is None else side.stats.item


def check_for_stream(choice: MetricChoice, location: str, content: str) -> None:
    """Refuse a metric that cannot score items which come one by one.

    Args:
        choice: The metric.
        location: The name of the stream in messages.
        content: What each of its items is.

    Raises:
        UsageError: It looks at pairs or paths, at classes, or at items of another kind.
    """
    for need in choice.metric.needs:
        if need.role == "sample":
            check_need(choice, need, location, content)
        one_by_one = isinstance(need.view, Each | Windows)
        if need.role == "sample" and (not one_by_one or need.labels):
            raise UsageError(
                f"metric '{choice.label}' for a stream",
                "a metric that looks at single items, without their classes",
                "score a folder or a generator with it, and leave it out here",
            )


def check_minimum(choice: MetricChoice, need: Need, location: str, num: int, noun: str) -> None:
    """Refuse fewer items than a metric is defined for.

    Raises:
        InputError: Names the minimum and what sets it.
    """
    if num >= need.minimum:
        return
    options = options_of_minimum(choice.metric, need) if num > 1 else []
    lower = "".join(f"lower {choice.name}:{one}, " for one in options)
    raise InputError(
        f"{location}: {f'1 {noun[:-1]}' if num == 1 else f'{num:,} {noun}'}",
        f"at least {need.minimum:,} for {choice.title} ({need.why})",
        f"add {noun}, {lower}or leave {choice.title} out of the metrics (-m)",
    )
