"""Run a suite of `reference_models/benchmarks` and write its page in `docs/measured`.

    .venv/bin/python scripts/suite.py digits

A suite that was run already is not trained again: the page is then written from its folder, which
is `runs/digits` in the current folder.
"""

import datetime
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "measured"
SUITES = "reference_models/benchmarks"


@click.command()
@click.argument("name", type=click.Choice(["digits", "colour"]))
@click.option("--device", default="auto", show_default=True)
def suite(name: str, device: str) -> None:
    """Run the suite NAME (digits or colour) and write docs/measured/benchmark-NAME.md."""
    if name == "colour" and not Path("emoji").is_dir():
        raise click.ClickException("emoji: not there; `./scripts/emoji emoji --tones` lays it out")
    words = ["ganeval", "benchmark", f"{SUITES}/{name}.toml"]
    words += ["--device", device] if device != "auto" else []
    done = subprocess.run([sys.executable, "-m", *words], check=False)
    if done.returncode not in (0, 1):  # 1: some runs failed, which the table says
        sys.exit(done.returncode)
    write_page(Path("runs") / name, PAGES / f"benchmark-{name}.md", when_and_where())


def when_and_where() -> str:
    """Return the date, the machine and the versions."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.+)", info.read_text()) if info.exists() else []
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}" for package in ("torch", "numpy")
    )
    cpu = next(iter(models), platform.machine())
    return (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {cpu} ({os.cpu_count()} cores), "
        f"Python {platform.python_version()}, {versions}."
    )


def write_page(folder: Path, page: Path, said: str) -> None:
    """Write a page from the table of a benchmark's folder, with its pictures beside it."""
    text = (folder / "table.md").read_text(encoding="utf-8")
    title, command, rest = re.split(r"\n\n", text, maxsplit=2)
    for picture in re.findall(r"!\[(.+?)\]", rest):
        own = f"{page.stem}-{picture.rpartition('-')[2]}"
        shutil.copyfile(folder / picture, page.parent / own)
        rest = rest.replace(f"[{picture}]({picture})", f"[{picture}]({own})")
    page.write_text(
        f"{title.replace('# ', '# Benchmark: ')}\n\n{command}, {said}\n"
        f"[How to read it](../benchmarking.md).\n\n{rest}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    suite()
