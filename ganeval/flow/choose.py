"""Turn the texts that name metrics into metrics with their options and networks."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeval.errors import UsageError
from ganeval.extractors.base import EXTRACTORS
from ganeval.features.extraction import Place
from ganeval.metrics.base import Metric, Need, Role, roles_of
from ganeval.metrics.protocols import PROTOCOLS, EvaluationProtocol
from ganeval.metrics.table import METRICS
from ganeval.registry import parse_options, unknown
from ganeval.scores.label import label_of

ALL = "all"
"""Stands for every metric that a run has the sources, labels and weights for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChoice:
    """A metric as it will be computed.

    Attributes:
        name: Its name in the table.
        network: The name of the network that the user asks for; None for the run's network.
        metric: The instance.
        options: Its options that differ from the protocol's.
        optional: Whether it is left out, not refused, if something that it needs is missing.
    """

    name: str
    network: str | None
    metric: Metric
    options: Mapping[str, Any]
    optional: bool = False

    @property
    def label(self) -> str:
        """What the user calls it: `"fid@mine"`, `"pr:k=5"`."""
        return label_of(self.name, self.network, self.options)

    @property
    def title(self) -> str:
        """What messages call it where its options do not matter: `"fid@mine"`, `"pr"`."""
        return label_of(self.name, self.network, {})

    def place(self, need: Need, run_network: str) -> Place:
        """Return the network and layer of one of its needs, given the network of the run."""
        return self.network or need.feature.extractor or run_network, need.feature.layer


def find_protocol(name: str) -> EvaluationProtocol:
    """Return the protocol called `name`.

    Raises:
        UsageError: There is none.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def choose_metrics(
    texts: Sequence[str] | None,
    protocol: EvaluationProtocol,
    *,
    roles: Collection[Role],
    networks: Mapping[str, str],
    run_network: str,
) -> tuple[MetricChoice, ...]:
    """Return the metrics of `fid`, `fid@mine`, `kid:subset_size=500:num_subsets=50`, ... texts.

    One text may hold several, separated by commas. None stands for the protocol's default metrics
    that the sources allow, `all` for every metric that it defines.

    Args:
        texts: Texts of the user.
        protocol: The conventions.
        roles: The roles that have a source.
        networks: Networks by the short names that the user has given them.
        run_network: The network of the metrics that name none.

    Raises:
        UsageError: A metric, option or network is unknown; the protocol does not define a metric;
            a metric is named twice, or looks at a source that was not named.
    """
    choices: tuple[MetricChoice, ...]
    if texts is None:
        choices = tuple(
            MetricChoice(name=name, network=None, metric=metric, options={})
            for name, metric in protocol.metrics.items()
            if set(roles_of(metric)) <= set(roles)
        )
    else:
        named = [texts] if isinstance(texts, str) else texts
        parts = [part for text in named for part in text.split(",")]
        choices = tuple(
            choice
            for text in parts
            for choice in (
                _choose_all(protocol)
                if text.strip() == ALL
                else [_choose(text.strip(), protocol, networks, run_network)]
            )
        )
    labels = [choice.label for choice in choices]
    giving: dict[str, str] = {}
    for choice in choices:
        METRICS.find(choice.name)
        if labels.count(choice.label) > 1:
            once = f"each once ({choice.name} and {choice.name}@{run_network} are the same)"
            raise UsageError(f"metric '{choice.label}' is named twice", once, "remove one")
        for kind in choice.metric.kinds:
            score = label_of(kind.name, choice.network, choice.options)
            if giving.setdefault(score, choice.label) != choice.label:
                raise UsageError(
                    f"the metrics '{giving[score]}' and '{choice.label}' both give '{score}'",
                    "each score once",
                    "leave out one of the metrics",
                )
        for role in roles_of(choice.metric):
            if role not in roles and not choice.optional:
                raise _no_source(choice, role)
    if not choices:
        raise UsageError("no metric is named", f"one of {', '.join(METRICS.names())}", "name one")
    return choices


def _no_source(choice: MetricChoice, role: Role) -> UsageError:
    """Return the error for a metric that looks at a source that was not named."""
    if role == "reference":
        return UsageError(
            f"metric '{choice.label}' compares with a reference, but there is none",
            "a reference",
            "name one, or ask for `is` alone",
        )
    what = {"train": "what the generator learned from", "heldout": "real items it never saw"}
    return UsageError(
        f"metric '{choice.label}' looks at {what.get(role, role)}, but there is no such source",
        f"a source for it, as --{role} SOURCE",
        f"add --{role} SOURCE, or leave {choice.name} out of the metrics (-m)",
    )


def choose_rank(rank: str | None, choices: Sequence[MetricChoice]) -> str:
    """Return the label of the score by which samples are ordered.

    Args:
        rank: The name of a score, or of a metric for its first score, with its network and options
            if there are any; None for the first score of all.
        choices: The metrics of the run.

    Raises:
        UsageError: None of them has that name.
    """
    names: dict[str, str] = {}
    for choice in choices:
        labels = [
            label_of(kind.name, choice.network, choice.options) for kind in choice.metric.kinds
        ]
        for name, label in zip([kind.name for kind in choice.metric.kinds], labels, strict=True):
            names.setdefault(label, label)
            names.setdefault(name, label)
        names.setdefault(choice.label, labels[0])
        names.setdefault(choice.name, labels[0])
    if rank is None:
        return next(iter(names.values()))
    if rank not in names:
        raise unknown("metric to rank by", rank, names)
    return names[rank]


def _choose_all(protocol: EvaluationProtocol) -> list[MetricChoice]:
    """Return every metric of the protocol that can be loaded."""
    loaded = METRICS.loaded()
    return [
        MetricChoice(
            name=name, network=None, metric=protocol.metric(name), options={}, optional=True
        )
        for name in protocol.names()
        if name in loaded
    ]


def _choose(
    text: str, protocol: EvaluationProtocol, networks: Mapping[str, str], run_network: str
) -> MetricChoice:
    """Return the metric of one text under the protocol's conventions."""
    words, *option_texts = text.split(":")
    name, at, network = words.partition("@")
    METRICS.find(name)
    if at and network not in networks and network not in EXTRACTORS.names():
        raise unknown("network", network, [*networks, *EXTRACTORS.names()])
    if name not in protocol.names():
        raise UsageError(
            f"protocol '{protocol.name}' does not define {name}",
            f"one of {', '.join(protocol.names())}",
            "choose another protocol or metric",
        )
    base = protocol.metric(name)
    given = parse_options(type(base), option_texts, where=f"metric {name}")
    metric = dataclasses.replace(base, **given)  # type: ignore[type-var]
    departing = {key: value for key, value in given.items() if value != getattr(base, key)}
    # Naming the run's own network changes nothing, so that `fid` and `fid@inception` are twins. For
    # a metric that has a network of its own it does.
    own = any(need.feature.extractor is not None for need in metric.needs)
    asked = network if at and (own or network != run_network) else None
    return MetricChoice(name=name, network=asked, metric=metric, options=departing)
