"""Give every door of ganeval hostile inputs, and print what became of them as a table.

    .venv/bin/python scripts/fuzz.py --minutes 60 --seed 0
    .venv/bin/python scripts/fuzz.py --door zip --number 17       # one input again, with its answer

The same seed gives the same inputs. Each input that shows a fault is written to the folder `--out`
with the command that shows it again. Exit code 1 if there is one. Needs the extra `test`.
"""

import sys
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.fuzzing.campaign import (  # noqa: E402
    DOORS,
    campaign,
    is_twice,
    keep,
    rows,
    seed_of,
)
from scripts.fuzzing.play import Answer, play  # noqa: E402


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="For all doors together.")
@click.option("--seed", default=0, show_default=True)
@click.option("--door", multiple=True, type=click.Choice(list(DOORS)), help="Repeatable.")
@click.option("--number", type=int, help="This input of one door alone, with all that it prints.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=ROOT / "build" / "fuzz",
    help="Folder for inputs that show a fault; default: build/fuzz.",
)
def fuzz(minutes: float, seed: int, door: tuple[str, ...], number: int | None, out: Path) -> None:
    """Print a table of what became of the inputs."""
    chosen = list(door or DOORS)
    seen: set[str] = set()

    def report(name: str, at: int, answer: Answer) -> None:
        place = keep(name, at, seed, answer, out)
        fault = answer.faults[0]
        if fault not in seen:
            seen.add(fault)
            print(f"{name} {at}: {fault}; see {place}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        if number is not None:
            answer = play(
                DOORS[chosen[0]],
                seed_of(seed, chosen[0], number),
                Path(scratch) / "input",
                twice=is_twice(number),
            )
            print(answer.out, answer.err, *answer.faults, f"exit code {answer.code}", sep="\n")
            sys.exit(bool(answer.faults))
        tallies = campaign(chosen, seed, 60 * minutes, Path(scratch), report)
    print(
        "| door | inputs | accepted | refused | tracebacks | hangs | any fault | known | slowest |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for cells in rows(tallies):
        print(f"| {' | '.join(map(str, cells))} |")
    sys.exit(any(tally.failing for tally in tallies.values()))


if __name__ == "__main__":
    fuzz()
