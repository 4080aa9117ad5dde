"""Packages that are installed for one test."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.extend.packages import Groups, install, install_page

Install = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that this process imports from; what it imported is forgotten."""
    before = set(sys.modules)
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def toys(site: Path) -> Path:
    """The package of the page, installed."""
    return install_page(site)


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Path) -> Install:
    """Install a package that adds something, each in a folder of its own."""

    def call(package: str, groups: Groups, files: Mapping[str, str]) -> Path:
        folder = site / package
        install(folder, package, groups, files)
        monkeypatch.syspath_prepend(folder)
        return folder

    return call
