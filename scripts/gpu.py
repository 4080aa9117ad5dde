"""A first look on a GPU: does it work, are the numbers those of the CPU, how fast is it?

    .venv/bin/python scripts/gpu.py -o build/gpu
    .venv/bin/python scripts/gpu.py --device cpu --small     # the dry run, on any machine

It takes less than five minutes and opens no network connection. A part that fails is a line of the
table, and the next part begins. The table and the JSON are written again after each part, so that
a look that is cut leaves what it has seen. `python3 scripts/gpu.py` uses a PyTorch that the machine
has, if ganeval's other dependencies and those of the extra `test` are there as well.

Exit code 0: all that is promised holds. 1: something does not. 4: there is no such device.
"""

import logging
import os
import sys
import tempfile
from pathlib import Path

import click
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.first_look.pictures import Pictures  # noqa: E402
from scripts.first_look.scores import score_lines, stream_line  # noqa: E402
from scripts.first_look.sheet import Sheet, machine  # noqa: E402
from scripts.first_look.speed import speed_lines  # noqa: E402
from scripts.first_look.tests import test_line  # noqa: E402
from scripts.first_look.training import training_lines  # noqa: E402


@click.command()
@click.option("--device", default="cuda", show_default=True, help="cuda, cuda:1 or cpu.")
@click.option("--small", is_flag=True, help="A few pictures and steps: a dry run of seconds.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "build" / "gpu",
    help="Folder for gpu.md and gpu.json; made if it is not there; default: build/gpu.",
)
def gpu(device: str, small: bool, out: Path) -> None:
    """Look at scores, training and speed on a GPU, and print a table of what was seen."""
    kind, _, number = device.partition(":")
    if kind not in ("cuda", "cpu") or not (number or "0").isdigit():
        raise click.BadParameter(f"'{device}'; cuda, cuda:1 or cpu", param_hint="--device")
    if kind == "cuda" and torch.cuda.device_count() <= int(number or 0):
        print(
            f"gpu: error: no device '{device}' (torch {torch.__version__} sees "
            f"{torch.cuda.device_count()} of its kind); a machine with CUDA; run it there, or "
            "`./scripts/gpu --device cpu --small` for the dry run",
            file=sys.stderr,
        )
        sys.exit(4)
    logging.getLogger("ganeval").setLevel(logging.ERROR)  # small samples are warned of
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gpu-") as name:
        scratch = Path(name)
        # What an earlier look has left in a cache must not be found.
        os.environ |= {"GANEVAL_CACHE": str(scratch / "cache"), "TORCH_HOME": str(scratch)}
        os.environ.pop("GANEVAL_WEIGHTS", None)
        pictures = Pictures(scratch, small=small)
        sheet = Sheet(out, machine(device))
        sheet.fill("tests", lambda: test_line(device, small=small))
        sheet.fill("scores", lambda: score_lines(pictures, device))
        sheet.fill("stream", lambda: stream_line(pictures, device))
        sheet.fill("training", lambda: training_lines(scratch, device, steps=4 if small else 200))
        sheet.fill("speed", lambda: speed_lines(pictures, device))
    print(sheet.markdown(), end="")
    sys.exit(not sheet.holds)


if __name__ == "__main__":
    gpu()
