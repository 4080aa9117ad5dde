"""`ganeval check`: the regression gate."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.gate_options import ALPHA, MAX_REGRESS
from ganeval.cli.panels import GATE, OUTPUT, Command
from ganeval.cli.prose import say_text, terminal_width
from ganeval.errors import UsageError
from ganeval.gate.decision import Outcome
from ganeval.gate.limits import limits_for, parse_limits

if TYPE_CHECKING:
    from ganeval.gate.decision import FailOn
    from ganeval.gate.gate import Verdict

EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}
SUMMARY = "GITHUB_STEP_SUMMARY"


@click.command(cls=Command)
@click.argument(
    "runs", metavar="RUN.json...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--baseline",
    metavar="BASE.json",
    type=click.Path(path_type=Path),
    required=True,
    panel=GATE,
    help="File that `ganeval baseline accept` wrote",
)
@MAX_REGRESS
@click.option(
    "--fail-on",
    type=click.Choice(["tolerance", "any"]),
    default="tolerance",
    show_default=True,
    metavar="NAME",
    panel=GATE,
    help="Losses that fail the gate if they exceed chance: only those above the tolerated loss "
    "(tolerance), or any loss (any)",
)
@ALPHA
@click.option(
    "--on-inconclusive",
    type=click.Choice(["pass", "fail"]),
    metavar="NAME",
    panel=GATE,
    help="Answer if the images do not decide: pass or fail (default: exit code 3)",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    panel=OUTPUT,
    help="File for the answer: .xml (JUnit), .json or .md; may be repeated",
)
@click.option(
    "--json", "as_json", is_flag=True, panel=OUTPUT, help="Write the answer to stdout as JSON"
)
def check(
    *,
    runs: tuple[Path, ...],
    baseline: Path,
    max_regress: tuple[str, ...],
    fail_on: "FailOn",
    alpha: float,
    on_inconclusive: str | None,
    as_json: bool,
    output: tuple[Path, ...],
) -> int:
    """Compare RUN.json with the baseline, and answer by the exit code.

    Exit codes: 0 passed, 1 failed, 2 cannot be compared, 3 the images do not decide. Several files
    count as training runs of one recipe, and the error is computed over these runs. If the variable
    GITHUB_STEP_SUMMARY names a file, the answer is added to it as Markdown.

    \b
    ganeval check run.json --baseline baseline.json --max-regress fid=10%
    ganeval check run.json --baseline baseline.json -o gate.xml \\
        --max-regress kid=0.001,recall=5%
    """
    from ganeval.gate import output as gate_output
    from ganeval.gate.baseline import load_baseline
    from ganeval.gate.gate import check as compare_with_baseline
    from ganeval.report.output import check_output
    from ganeval.report.report import Report

    limits = parse_limits(max_regress)
    for path in output:
        check_output(path, tuple(gate_output.WRITERS))
    reports = [Report.load(run) for run in runs]
    labels = list(dict.fromkeys(row.label for row in reports[0].scores))
    if not limits_for(labels, max_regress):
        raise UsageError(
            f"{runs[0]}: no fid, which is what --max-regress limits if it is left out",
            f"a limit for a score that there is: {', '.join(labels)}",
            f"add --max-regress {labels[0]}=AMOUNT",
        )
    verdict = compare_with_baseline(
        reports,
        load_baseline(baseline),
        limits,
        alpha,
        fail_on=fail_on,
        on_inconclusive=Outcome(on_inconclusive or "inconclusive"),
    )
    for path in output:
        gate_output.save(verdict, path)
    if os.environ.get(SUMMARY):
        gate_output.append_summary(verdict, Path(os.environ[SUMMARY]))
    _show(verdict, as_json=as_json)
    return EXIT_CODES[verdict.counted]


def _show(verdict: "Verdict", *, as_json: bool) -> None:
    """Print the answer to stdout."""
    from ganeval.gate import output as gate_output

    if as_json:
        click.echo(gate_output.to_json(verdict), nl=False)
        return
    say_text(gate_output.terminal(verdict, terminal_width()))
