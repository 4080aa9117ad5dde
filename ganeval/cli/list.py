"""`ganeval list`: what there is, one line each."""

import importlib

import click

from ganeval.extractors.base import EXTRACTORS
from ganeval.metrics.base import METRICS
from ganeval.metrics.protocols import PROTOCOLS
from ganeval.sources.kinds import SOURCES

KINDS = ("metrics", "extractors", "protocols", "sources", "models")


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS))
def list_names(*, kind: str) -> None:
    """Print names with a line on each.

    \b
    ganeval list metrics
    """
    if kind == "protocols":
        lines = {name: protocol.summary for name, protocol in PROTOCOLS.items()}
    elif kind == "models":
        from reference_models import MODELS

        modules = {name: target.partition(":")[0] for name, target in MODELS.items()}
        lines = {
            name: str(importlib.import_module(module).__doc__).splitlines()[0]
            for name, module in modules.items()
        }
    else:
        table = {"metrics": METRICS, "extractors": EXTRACTORS, "sources": SOURCES}[kind]
        lines = {name: table.summary(name) for name in table.names()}
    width = max((len(name) for name in lines), default=0)
    for name, summary in lines.items():
        click.echo(f"{name:<{width}}  {summary}")
