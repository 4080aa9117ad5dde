"""`ganeval fid`, `is`, `kid`, ...: a command for each metric of the table."""

from typing import TYPE_CHECKING, Any

import rich_click as click

from ganeval.cli.options import output_options, run_options
from ganeval.cli.panels import Command
from ganeval.cli.shared_options import role_option

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings
    from ganeval.metrics.base import Role
    from ganeval.report.report import Report

_SUFFIX = {
    "fid": "real.npz fake.zip --protocol pytorch-fid",
    "kid": "real/ fake/ --protocol torch-fidelity",
    "pr": "real/ fake/ --num-images 10000",
    "dc": "real/ fake/ --num-images 10000",
}
"""Further examples for the help of some metrics."""


def of_metric(name: str) -> Command:
    """Return the command of a metric of the table; its arguments are the sources that it needs."""
    from ganeval.metrics.base import Paths, roles_of
    from ganeval.metrics.table import METRICS

    kind = METRICS.load(name)
    roles = roles_of(kind())

    @output_options
    @run_options
    def command(
        *,
        sample: str,
        settings: "Settings",
        reference: str | None = None,
        train: str | None = None,
        heldout: str | None = None,
    ) -> "Report":
        from ganeval.evaluation import run

        others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
        return run([sample], others, [name], settings)

    for role in ("heldout", "train"):
        if role in roles:
            command = role_option(role, required=True)(command)
    command = click.argument("sample")(command)
    if "reference" in roles:
        command = click.argument("reference")(command)
    said = {"lower": "lower is better", "higher": "higher is better", "zero": "0 is best"}
    directions = dict.fromkeys(said.get(one.direction, "") for one in kind.kinds)
    summary = f"{kind.common_name[:1].upper()}{kind.common_name[1:]}, for SAMPLE"
    against = " against REFERENCE" if "reference" in roles else ""
    needs = kind().needs
    of_classes = any(need.labels for need in needs)
    folder = "folder:{}/,labels=folders" if of_classes else "{}/"
    is_generator = any(isinstance(need.view, Paths) for need in needs)
    words = [folder.format("real")] if "reference" in roles else []
    words += ["generator.safetensors" if is_generator else folder.format("fake")]
    words += [f"--{role} {role}/" for role in ("train", "heldout") if role in roles]
    examples = [" ".join(words), *([_SUFFIX[name]] if name in _SUFFIX else [])]
    lines = "".join(f"    ganeval {name} {example}\n" for example in examples)
    better = "".join(f"; {one}" for one in directions if one)
    command.__doc__ = f"{summary}{against}{better}.\n\n    \b\n{lines}"
    return click.command(name, cls=Command)(command)
