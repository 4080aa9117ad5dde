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

        lines = {name: _model_line(target) for name, target in MODELS.items()}
    else:
        table = {"metrics": METRICS, "extractors": EXTRACTORS, "sources": SOURCES}[kind]
        lines = {name: table.summary(name) for name in table.names()}
    width = max((len(name) for name in lines), default=0)
    for name, summary in lines.items():
        click.echo(f"{name:<{width}}  {summary}")


def _model_line(target: str) -> str:
    """Return the first line of a model's file, and what tells the model from its twin there."""
    name, _, attribute = target.partition(":")
    module = importlib.import_module(name)
    line = str(module.__doc__).splitlines()[0]
    variant = getattr(module, attribute).variant
    return f"{line} {variant[:1].upper()}{variant[1:]}." if variant else line
