"""The options that `check` and `baseline accept` share."""

import rich_click as click

from ganeval.cli.panels import GATE
from ganeval.gate.limits import DEFAULT

MAX_REGRESS = click.option(
    "--max-regress",
    multiple=True,
    default=[DEFAULT],
    show_default=True,
    metavar="LIMITS",
    panel=GATE,
    help="Tolerated loss of each score, in its units or as % of the baseline, such as "
    "kid=0.001,recall=5%. One failing score fails the gate; to pass, all have to pass",
)
ALPHA = click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    metavar="P",
    panel=GATE,
    help="Chance of a false alarm, over all scores together",
)
