"""`ganeval doctor`: look sources over before scoring them."""

import click

from ganeval.cli.options import run_options
from ganeval.cli.prose import terminal_width
from ganeval.doctor.examine import examine
from ganeval.doctor.text import to_json, to_text
from ganeval.settings import Settings

GATE_FAILED = 1


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Exit with 1 if there is an error or a warning.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@run_options
def doctor(*, sources: tuple[str, ...], strict: bool, as_json: bool, settings: Settings) -> int:
    """Look SOURCES over before scoring them; the first is the reference.

    Every picture is decoded once, and no features are made. The options are those of the scoring
    commands, so that any such command can be tried by its words. Exit codes: 0 looked over,
    whatever was found; with --strict 1 if there is an error or a warning; 2 if a source cannot be
    opened.

    \b
    ganeval doctor real/ fake/
    ganeval doctor real/ a.zip b.npz --strict --json > findings.json
    """
    diagnosis = examine(sources, settings)
    if as_json:
        click.echo(to_json(diagnosis), nl=False)
    else:
        click.echo(to_text(diagnosis, terminal_width()), nl=False)
    bad = any(finding.severity != "note" for finding in diagnosis.findings)
    return GATE_FAILED if strict and bad else 0
