"""`ganeval weights`: find, download and check the pretrained weights."""

import rich_click as click

from ganeval.cli.panels import SOURCES, Group
from ganeval.errors import WeightsError

EXTRACTOR = click.argument("extractor", default="inception", metavar="[EXTRACTOR]")


@click.group(cls=Group)
def weights() -> None:
    """Find, download and check the pretrained weights.

    \b
    ganeval weights fetch inception
    """


@weights.command()
@EXTRACTOR
def path(*, extractor: str) -> None:
    """Print where the weights are.

    \b
    ganeval weights path inception
    """
    from ganeval.extractors import weights as files

    found = files.find(extractor)
    if found is None:
        searched = ", ".join(str(folder) for folder in files.folders(extractor))
        raise WeightsError(
            f"the weights of {extractor} are not on this machine (searched {searched})",
            files.weight_file(extractor).file_names[0],
            f"run `ganeval weights fetch {extractor}`",
        )
    click.echo(found)


@weights.command()
@EXTRACTOR
@click.option("--offline", is_flag=True, panel=SOURCES, help="Use no network connection at all")
def fetch(*, extractor: str, offline: bool) -> None:
    """Download the weights if they are missing, and check them.

    \b
    ganeval weights fetch inception
    """
    from ganeval.extractors import weights as files

    click.echo(files.fetch(extractor, offline=offline))


@weights.command()
@EXTRACTOR
def verify(*, extractor: str) -> None:
    """Check the weights' SHA-256.

    \b
    ganeval weights verify inception
    """
    from ganeval.extractors import weights as files

    path = files.fetch(extractor, offline=True)
    click.echo(f"{path}: sha256:{files.weight_file(extractor).sha256}")
