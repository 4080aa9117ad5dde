"""`ganeval doctor`: look sources over before scoring them."""

from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import run_options
from ganeval.cli.panels import OUTPUT, Command
from ganeval.cli.prose import terminal_width

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings

REFUSED, STRICT = 2, 1


@click.command(cls=Command)
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--strict", is_flag=True, panel=OUTPUT, help="End with exit code 1 if there are warnings"
)
@click.option(
    "--json", "as_json", is_flag=True, panel=OUTPUT, help="Write the findings to stdout as JSON"
)
@run_options
def doctor(*, sources: tuple[str, ...], strict: bool, as_json: bool, settings: "Settings") -> int:
    """Look for problems in SOURCES before scoring them; the first is the reference.

    Every picture is decoded once, and no features are computed. The options are the same as for
    the scoring commands, whose arguments can be tried here. The exit code is 2 if a source cannot
    be opened or the findings have an error (scoring would refuse the source, or its numbers would
    mean nothing). With --strict it is 1 if there are warnings but no errors. Otherwise it is 0.

    \b
    ganeval doctor real/ fake/
    ganeval doctor real/ a.zip b.npz --strict --json > findings.json
    """
    from ganeval.doctor.examine import examine
    from ganeval.doctor.text import to_json, to_text

    diagnosis = examine(sources, settings)
    if as_json:
        click.echo(to_json(diagnosis), nl=False)
    else:
        click.echo(to_text(diagnosis, terminal_width()), nl=False)
    found = {finding.severity for finding in diagnosis.findings}
    if "error" in found:
        return REFUSED
    return STRICT if strict and "warning" in found else 0
