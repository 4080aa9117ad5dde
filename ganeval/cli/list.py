"""`ganeval list`: metrics, networks, protocols, sources and models, one line each."""

import importlib
import json
from typing import Any

import rich_click as click

from ganeval.cli.panels import OUTPUT, Command
from ganeval.cli.prose import say

KINDS = ("metrics", "extractors", "protocols", "sources", "models")


@click.command("list", cls=Command)
@click.argument("kind", type=click.Choice(KINDS))
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    panel=OUTPUT,
    help="Write the same, and more, to stdout as JSON",
)
def list_names(*, kind: str, as_json: bool) -> None:
    """List metrics, extractors, protocols, sources or models, one line each.

    The line of a metric has its common name, whether lower or higher is better, the sources that it
    needs (with their classes, in pairs, as a generator, or as clips of sound), and its network:
    "any" is the network that --extractor names.

    \b
    ganeval list metrics
    """
    entries = _metrics() if kind == "metrics" else _summaries(kind)
    if as_json:
        click.echo(json.dumps(entries, indent=1))
        return
    shown = [_cells(entry) for entry in entries]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for cells in shown:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        say("  ".join(padded).rstrip(), " " * (widths[0] + 2))


def _cells(entry: dict[str, Any]) -> list[str]:
    """Return the texts of the columns."""
    if "roles" not in entry:
        return [entry["name"], entry["summary"]]
    how = f" ({', '.join(entry['takes'])})" if entry["takes"] else ""
    return [
        *(entry["name"], entry["common_name"], entry["direction"]),
        *(", ".join(entry["roles"]) + how, entry["network"] or "any"),
    ]


def _metrics() -> list[dict[str, Any]]:
    """Return what is known about each metric."""
    from ganeval.metrics.base import Metric, Pairs, Paths, roles_of
    from ganeval.metrics.protocols import PROTOCOLS
    from ganeval.metrics.table import METRICS

    entries = []
    kind: type[Metric]
    for name, kind in METRICS.loaded().items():
        metric = kind()
        networks = dict.fromkeys(need.feature.extractor for need in metric.needs)
        defined = [one.name for one in PROTOCOLS.values() if name in one.names()]
        entries.append(
            {
                "name": name,
                "common_name": kind.common_name,
                "direction": ", ".join(dict.fromkeys(one.direction for one in kind.kinds)),
                "roles": list(roles_of(metric)),
                "takes": [
                    word
                    for word, is_taken in (
                        ("classes", any(need.labels for need in metric.needs)),
                        ("pairs", any(isinstance(need.view, Pairs) for need in metric.needs)),
                        ("generator", any(isinstance(need.view, Paths) for need in metric.needs)),
                        ("clips", any(need.content == "clip" for need in metric.needs)),
                    )
                    if is_taken
                ],
                "network": ", ".join(filter(None, networks)) or None,
                "layer": ", ".join(dict.fromkeys(need.feature.layer for need in metric.needs)),
                "scores": [one.name for one in kind.kinds],
                "protocols": defined,
                "summary": METRICS.summary(name),
            }
        )
    return entries


def _summaries(kind: str) -> list[dict[str, Any]]:
    """Return the names of a kind, with a sentence on each."""
    if kind == "protocols":
        from ganeval.metrics.protocols import PROTOCOLS

        lines = {name: protocol.summary for name, protocol in PROTOCOLS.items()}
    elif kind == "models":
        from reference_models import MODELS

        lines = {name: _model_line(target) for name, target in MODELS.items()}
    else:
        from ganeval.extractors.base import EXTRACTORS
        from ganeval.sources.kinds import SOURCES

        table = {"extractors": EXTRACTORS, "sources": SOURCES}[kind]
        lines = {name: table.summary(name) for name in table.loaded()}
    return [{"name": name, "summary": line} for name, line in lines.items()]


def _model_line(target: str) -> str:
    """Return the first line of a model's file, and what distinguishes two models in one file."""
    name, _, attribute = target.partition(":")
    module = importlib.import_module(name)
    line = str(module.__doc__).splitlines()[0]
    variant = getattr(module, attribute).variant
    return f"{line} {variant[:1].upper()}{variant[1:]}." if variant else line
