"""Check before a run whether networks fit what metrics would show them."""

from collections.abc import Mapping, Sequence

from ganeval.errors import InputError, UsageError, WeightsError
from ganeval.extractors.base import NO_WEIGHTS, Extractor, ExtractorRequest, find_extractor
from ganeval.extractors.weights import WEIGHTS
from ganeval.flow.choose import MetricChoice
from ganeval.flow.settings import Settings
from ganeval.flow.views import Viewed, check_content
from ganeval.metrics.base import Role, View

AllViewed = Mapping[tuple[str, Role, View], Viewed]
"""What metrics look at, by the location and role of the side, and the view."""


def check_in_vain(choices: Sequence[MetricChoice], settings: Settings) -> None:
    """Refuse weights that no metric uses, and a network that no metric uses but one could use.

    Raises:
        UsageError: Says how a metric gets the network, or for which networks to give weights.
    """
    named = settings.extractor
    places = {
        choice.place(need, named): choice for choice in choices for need in choice.metric.needs
    }
    networks = list(dict.fromkeys(network for network, _ in places))
    if named in networks:
        return
    if settings.weights is not None:
        raise UsageError(
            f"--weights {settings.weights} of {named}, which no metric uses",
            f"weights of {' or '.join(networks)}, and --extractor with its name",
            f"add --extractor {networks[0]}, or leave --weights out",
        )
    if named == Settings().extractor:
        return
    layers = find_extractor(named).layers(ExtractorRequest(offline=True))
    for (network, layer), choice in places.items():
        if choice.network is None and layer in layers:
            raise UsageError(
                f"--extractor {named} is given, but {choice.label} has its own network {network}",
                "the network after the metric's name",
                f"write -m {choice.name}@{named} with `ganeval eval`, or leave --extractor out",
            )


def check_layers(choice: MetricChoice, settings: Settings) -> None:
    """Refuse a metric that looks at a layer which its network lacks.

    Raises:
        UsageError: Says which metric, which layer, and what the network has.
    """
    for need in choice.metric.needs:
        network, layer = choice.place(need, settings.extractor)
        found = find_extractor(settings.networks.get(network, network))
        weights = settings.weights if network == settings.extractor else None
        layers = found.layers(ExtractorRequest(weights_path=weights, offline=True))
        if layer not in layers:
            raise UsageError(
                f"{choice.label} looks at the layer {layer}, which extractor {found.text} lacks",
                f"one of {', '.join(layers)}",
                f"choose other metrics than {choice.label} with -m, or another extractor",
            )


def check_contents(choice: MetricChoice, viewed: AllViewed, settings: Settings) -> None:
    """Refuse a network that declares other content than a metric would show it.

    Raises:
        UsageError: Names the source and the network.
    """
    for need in choice.metric.needs:
        network, _ = choice.place(need, settings.extractor)
        found = find_extractor(settings.networks.get(network, network))
        for (location, role, view), one in viewed.items():
            if (role, view) == (need.role, need.view) and found.takes is not None:
                check_content(location, one.source.info.content, found.text, found.takes)


def check_networks(choice: MetricChoice, viewed: AllViewed, settings: Settings) -> None:
    """Refuse a metric whose own network has no weights here, or does not take what it would see.

    A network without weights is tried on the first item, since it may refuse its form: clips
    shorter than a frame, pictures smaller than a window. The run's network is the user's choice, so
    what it refuses is an error of the run itself.

    Raises:
        UsageError, WeightsError, InputError: Say what is missing, or what is refused.
    """
    request = ExtractorRequest(offline=True)
    for need in choice.metric.needs:
        network, layer = choice.place(need, settings.extractor)
        found = find_extractor(settings.networks.get(network, network))
        if network == settings.extractor:
            continue
        try:
            info = found.describe(request)
        except WeightsError as error:
            get = f": `ganeval weights fetch {found.text}`" if found.text in WEIGHTS else ""
            raise WeightsError(
                f"no weights of {found.text} here{get}", "the weights", error.remedy
            ) from error
        for (location, role, view), one in viewed.items():
            if (role, view) == (need.role, need.view):
                check_content(location, one.source.info.content, info.name, info.input.takes)
                if info.weights_sha256 == NO_WEIGHTS:
                    _try_first(one, found.from_request(request), layer)


def _try_first(viewed: Viewed, network: Extractor, layer: str) -> None:
    """Show a network the first item.

    Raises:
        InputError: The network does not take it. Items that cannot be decoded are reported
            elsewhere.
    """
    (item,) = viewed.source.load(viewed.indices[:1])
    try:
        content = item.content()
    except InputError:
        return
    network(network.info.input(content)[None], [layer])
