"""The colour pictures of `scripts/emoji`: on white, once each, in folders by category."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import PIL.Image
from click.testing import CliRunner

from scripts.emoji import emoji, lay_out

LISTED = [
    {"short_name": "flag-a", "category": "Flags", "image": "a.png"},
    {"short_name": "flag-b", "category": "Flags", "image": "b.png"},  # the same picture
    {"short_name": "undrawn", "category": "Symbols", "image": "none.png"},
    {
        **{"short_name": "wave", "category": "People & Body", "image": "c.png"},
        "skin_variations": {"1F3FB": {"image": "d.png"}},
    },
]


def package(folder: Path) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:

        def add(name: str, content: bytes) -> None:
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

        add("emoji.json", json.dumps(LISTED).encode())
        for name, colour in {
            **{"a": (200, 0, 0, 255), "b": (200, 0, 0, 255)},
            **{"c": (0, 0, 200, 0), "d": (0, 0, 0, 255)},
        }.items():
            content = io.BytesIO()
            PIL.Image.new("RGBA", (64, 64), colour).save(content, "PNG")
            add(f"img/twitter/64/{name}.png", content.getvalue())
    return path


def test_pictures_are_laid_out(tmp_path: Path) -> None:
    path = package(tmp_path)
    assert lay_out(path, tmp_path / "plain", tones=False) == (2, 1)
    assert lay_out(path, tmp_path / "all", tones=True) == (3, 1)
    names = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.png")}
    assert names == {
        *("plain/flags/flag-a.png", "plain/people-body/wave.png", "all/flags/flag-a.png"),
        *("all/people-body/wave.png", "all/people-body/wave-1F3FB.png"),
    }
    for name, colour in {"flags/flag-a": (200, 0, 0), "people-body/wave": (255, 255, 255)}.items():
        with PIL.Image.open(tmp_path / "plain" / f"{name}.png") as picture:
            assert picture.mode == "RGB"
            assert (np.asarray(picture) == colour).all()


def test_another_package_and_a_folder_that_is_there_are_refused(tmp_path: Path) -> None:
    found = CliRunner().invoke(emoji, [str(tmp_path / "out"), "--archive", str(package(tmp_path))])
    assert found.exit_code == 1
    assert "SHA-512 is" in found.output
    assert not (tmp_path / "out").exists()
    found = CliRunner().invoke(emoji, [str(tmp_path)])
    assert "is there already" in found.output
