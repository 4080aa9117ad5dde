"""Every block of README and of the pages that can run, runs, and prints what the page says."""

import shutil
from pathlib import Path

import pytest

from tests.docs.blocks import (
    ROOT,
    RUN,
    SHOWN,
    assert_alike,
    blocks_of,
    commands_of,
    pages,
    run_block,
)

PAGES = pages()
SLOW = {
    "tour": ["tour", "compare", "ci", "latents", "statistics"],
    "training": ["training", "training-data"],
    "benchmark": ["benchmarking"],
}
"""Pages with slow blocks; those of a list have one folder and build on the ones before."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders that docs/score.md makes first, on which every page goes on."""
    folder = tmp_path_factory.mktemp("docs")
    first = next(one for one in blocks_of(ROOT / "docs" / "score.md") if one.language == "python")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_block(first, {})
    return folder


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(autouse=True)
def shared_cache(features: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages score the same folders, so that one page finds the features of another."""
    monkeypatch.setenv("GANEVAL_CACHE", str(features))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language in (*RUN, *SHOWN), f"line {block.line}: {block.language!r}"
        if block.language == "console":
            assert list(commands_of(block.text)), f"line {block.line}: no command after `$ `"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_run(
    page: Path, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [one for one in blocks_of(page) if one.language in RUN and not one.comment]
    if not blocks:
        return
    shutil.copytree(folders, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        run_block(block, names)


@pytest.mark.pages
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("names", SLOW.values(), ids=SLOW)
def test_slow_blocks_run(
    names: list[str], folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folders, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in names:
        known: dict[str, object] = {"__name__": "__main__"}
        for block in blocks_of(ROOT / "docs" / f"{name}.md"):
            if block.language in RUN and not block.comment.startswith("not run"):
                run_block(block, known)


def test_no_slow_block_is_forgotten() -> None:
    slow = {page.stem for page in PAGES if any(one.comment == "slow" for one in blocks_of(page))}
    assert slow == {name for names in SLOW.values() for name in names}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("fid  12.34 ± 0.21\n", "fid 12.1 ± 0.20"),
        ("a\nb\nc\n", "a\n[...]\nc\n"),
        ("in about 91% of runs", "in about 93% of runs"),
        ("a   b\n──────\n1", "a b\n───\n1"),
    ],
)
def test_texts_that_are_alike(found: str, wanted: str) -> None:
    assert_alike(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("fid 12.34", "fid 14.1"),
        ("360 images", "361 images"),
        ("a b c", "a b"),
        ("a b c", "a [...] b"),
        ("kid 12.34", "fid 12.34"),
    ],
)
def test_texts_that_are_not(found: str, wanted: str) -> None:
    with pytest.raises(AssertionError):
        assert_alike(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("fid 10.95", "fid 11.54"),
        ("recall 0.147", "recall 0.081"),
        ("kid 0", "kid 0.0300"),
        ("pr 0.65 ± 0.05  0.06 ± 0.02", "pr 0.68 [0.57, 0.77]  0.03 [-0.01, 0.08]"),
    ],
)
def test_numbers_of_another_training(found: str, wanted: str) -> None:
    assert_alike(found, wanted, trained=True)
    with pytest.raises(AssertionError):
        assert_alike(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"), [("fid 30.1", "fid 11.54"), ("fails", "passes"), ("fid 11.5", "kid 11.5")]
)
def test_what_no_other_training_explains(found: str, wanted: str) -> None:
    with pytest.raises(AssertionError):
        assert_alike(found, wanted, trained=True)
