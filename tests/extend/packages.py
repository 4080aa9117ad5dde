"""Packages as they lie once they are installed."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
"""The files of the page by their paths."""

Groups = Mapping[str, Mapping[str, str]]


def install(site: Path, package: str, groups: Groups, files: Mapping[str, str]) -> Path:
    """Lay files and metadata of a package into a folder that is imported from, as pip does."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    sections = [
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())])
        for group, entries in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(sections), encoding="utf-8")
    return site


def install_page(site: Path) -> Path:
    """Install the package of the page."""
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    files = {path: text for path, text in FILES.items() if path.startswith("ganeval_toys/")}
    return install(site, project["name"], project["entry-points"], files)
