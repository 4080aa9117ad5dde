"""From what a user writes to a source."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganeval.errors import GanevalError, InputError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.base import Source
from ganeval.sources.kinds import SOURCES
from ganeval.sources.open import open_source

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def open_text(text: Any) -> Source:
    return open_source(text, policy=DecodePolicy())


def test_recognises_paths_by_their_content(
    here: Path, files: Files, images: Any, make_folder: Any, make_zip: Any, make_tar: Any
) -> None:
    make_folder(here / "a.zip", files)
    make_zip(here / "b.tar", files)
    make_tar(here / "c.npz", files)
    np.savez(here / "d.npz", images)
    (here / "d.npz").rename(here / "d.png")
    np.save(here / "e.npy", images)
    (here / "e.npy").rename(here / "e.zip")
    kinds = {"a.zip": "folder", "b.tar": "zip", "c.npz": "tar", "d.png": "npz", "e.zip": "npy"}
    for name, kind in kinds.items():
        assert open_text(name).info.kind == kind


def test_calls_a_source_what_the_user_wrote(here: Path, files: Files, make_folder: Any) -> None:
    make_folder(here / "real", files)
    for text in ("real", "real/", "./real//", "folder:real/", "folder:real,size=8"):
        assert open_text(text).info.location == text
    assert open_text(Path("real")).info.location == "real"
    assert open_text(b"real").info.location == "real"
    assert open_text("real/").load([0])[0].name == "real/B.PNG"
    assert open_text("folder:real,size=8").load([0])[0].name == "real/B.PNG"


def test_a_path_goes_before_a_kind(here: Path, files: Files, make_folder: Any) -> None:
    make_folder(here / "data:digits", files)
    assert open_text("data:digits").info.kind == "folder"


def test_locations_may_hold_commas_and_colons(here: Path, files: Files, make_folder: Any) -> None:
    make_folder(here / "a,b: c=d", files)
    assert open_text("folder:a,b: c=d,size=8").info.settings["size"] == 8


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("reel/", InputError, r"reel/: no such file or directory; .*did you mean 'real'"),
        ("folder:reel", InputError, r"reel: no such file or directory; .*did you mean 'real'"),
        ("zip:reel", InputError, "reel: no such file"),
        ("gone/real", InputError, "gone/real: no such file or directory; .*check the path"),
        ("C:\\pictures", InputError, r"C:\\\\?pictures: no such file"),
        ("", InputError, "no such file"),
        ("a\0b", InputError, "no such file"),
        ("foldr:real", UsageError, "unknown source kind 'foldr'; .*did you mean 'folder'"),
        ("folder:", UsageError, "'folder:' names nothing"),
        ("folder:real,sise=8", UsageError, "option of source folder 'sise'; .*mean 'size'"),
        ("folder:real,size=big", UsageError, "'size' of source folder is 'big'"),
        ("folder:real,size=0", UsageError, "'size' is 0"),
        ("folder:real,crop=center", UsageError, "'crop' is center without a size"),
        ("folder:real,location=x", UsageError, "unknown option .*'location'"),
        ("zip:real", InputError, "real: not a regular file"),
        ("tar:text.zip", InputError, r"text\.zip: damaged or truncated tar archive"),
        ("npz:text.zip", InputError, r"text\.zip: damaged or truncated npz file"),
    ],
)
def test_errors_of_the_grammar(
    here: Path, files: Files, make_folder: Any, text: str, error: type[GanevalError], said: str
) -> None:
    make_folder(here / "real", files)
    (here / "text.zip").write_text("some text")
    with pytest.raises(error, match=said) as caught:
        open_text(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.png", b"\x89PNG\r\n", "one PNG picture"),
        ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 ", "one WebP picture"),
        ("a.wav", b"RIFF\x10\0\n\0WAVEfmt ", "one WAV file of sound"),
        ("a.avi", b"RIFF\x10\0\0\0AVI LIST", "not a kind of file"),
        ("a.mp3", b"ID3\x04", "one MP3 file of sound"),
        ("a.npz", b"", "an empty file"),
        ("a.npz", b"PK\x03\x04rest", "a damaged or truncated zip or npz file"),
        ("a.zip", b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        ("a.zip", b"<!DOCTYPE html>", "a web page"),
        ("a.csv", b"1,2", "not a kind of file that holds images"),
        ("a.safetensors", b"\x08\0\0\0\0\0\0\0{}", "is damaged, or no state dict"),
        ("a.pt", b"\x80\x02}q.", "a Python pickle"),
        ("a.pth", b"version https://git-lfs.github.com/spec/v1", "git-lfs pointer.*git lfs pull"),
        ("a.onnx", b"\x08\x07", "is damaged, .*or an ONNX file"),
        ("a.bin", b"\x80\x04}", "a Python pickle"),
        ("a.bin", bytes(1024), "not a kind of file that holds images"),
    ],
)
def test_says_what_an_unusable_file_looks_like(
    here: Path, name: str, content: bytes, said: str
) -> None:
    (here / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        open_text(name)
    assert str(caught.value).startswith(f"{name}: ")


def test_a_run_of_training_is_no_folder_of_pictures(here: Path) -> None:
    (here / "run" / "samples").mkdir(parents=True)
    (here / "run" / ".ganeval-run.json").write_text("[]")
    with pytest.raises(InputError, match=r"its checkpoint, run/MODEL.safetensors .folder:run if"):
        open_text("run")
    (here / "run" / "dcgan.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"name its checkpoint, run/dcgan.safetensors"):
        open_text("run")


@pytest.mark.parametrize(
    ("mode", "remedy"), [("w:gz", "gunzip"), ("w:bz2", "bunzip2"), ("w:xz", "unxz")]
)
def test_refuses_a_compressed_tar(here: Path, mode: Any, remedy: str) -> None:
    with tarfile.open(here / "a.tar", mode) as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    with pytest.raises(InputError, match=rf"a\.tar: compressed with .*decompress it.*`{remedy}`"):
        open_text("a.tar")


def test_a_checkpoint_of_pytorch_is_no_zip_of_pictures(here: Path, make_zip: Any) -> None:
    make_zip(here / "a.bin", {"archive/data.pkl": b"", "archive/data/0": b""})
    with pytest.raises(InputError, match=r"a\.bin: is damaged, or no state dict"):
        open_text("a.bin")


def test_a_fifo_and_a_dead_link(here: Path) -> None:
    import os

    os.mkfifo(here / "fifo")
    with pytest.raises(InputError, match="fifo: not a regular file"):
        open_text("fifo")
    (here / "link").symlink_to("nowhere")
    with pytest.raises(InputError, match="link: cannot be read"):
        open_text("link")


def test_takes_a_source_as_it_is(images: Any) -> None:
    source = open_text(images)
    assert open_text(source) is source


@pytest.mark.parametrize("thing", [None, 3, dict])
def test_refuses_other_things(thing: Any) -> None:
    with pytest.raises(InputError, match=r"(NoneType|int|type) given as a source"):
        open_text(thing)


@pytest.mark.parametrize("name", SOURCES.names())
def test_every_entry_has_a_one_line_summary(name: str) -> None:
    summary = SOURCES.summary(name)
    assert summary.startswith("Read ")
    assert summary.endswith(".")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_statistics_are_no_source(here: Path, save: Callable[..., None]) -> None:
    save(here / "a.npz", mu=np.zeros(3), sigma=np.eye(3))
    with pytest.raises(InputError, match=r"a\.npz: holds statistics, not images"):
        open_text("a.npz")


_WITHOUT_TORCH = """
import sys
from ganeval.images.picture import DecodePolicy
from ganeval.sources.open import open_source
from ganeval.sources.views.pairs import pair_up, pairs_of
from ganeval.sources.views.random_pairs import random_pairs

sources = [
    open_source(text + ",labels=folders", policy=DecodePolicy())
    for text in ("folder:f", "zip:z", "tar:t")
]
sources += [open_source(path, policy=DecodePolicy()) for path in ("f", "z", "t")]
arrays = [open_source(path, policy=DecodePolicy()) for path in ("a.npz", "a.npy")]
views = [pairs_of(one, sources[0], pair_up(one, sources[0])) for one in sources]
views.append(random_pairs(sources[0], num=3))
for source in (*sources, *views, *arrays):
    source.info, source.unusable(), source.names(), source.labels()
    assert source.load([0])[0].content().notes == ()
print("torch" in sys.modules)
"""


def test_pictures_and_bytes_in_files_need_no_torch(
    here: Path, images: Any, make_folder: Any, make_zip: Any, make_tar: Any, picture: Any
) -> None:
    """A command whose features are all known reads or lists such sources in a moment."""
    files = {f"cat/{at}.png": picture(pixels) for at, pixels in enumerate(images)}
    make_folder(here / "f", files)
    make_zip(here / "z", files)
    make_tar(here / "t", files)
    np.savez(here / "a.npz", images, range(7))
    np.save(here / "a.npy", images)
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout == "False\n"
