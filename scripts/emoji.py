"""Lay Twitter's emoji out as a folder of colour pictures, with a folder for each category.

    .venv/bin/python scripts/emoji.py emoji/
    ganeval train dcgan --data folder:emoji/,size=32

The pictures are Twemoji (https://github.com/twitter/twemoji, graphics licensed under CC-BY 4.0), of
64 pixels, as the npm package emoji-datasource-twitter has them. They have transparent corners, and
are put on white.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import PIL.Image

PACKAGE = "emoji-datasource-twitter@16.0.0"
SHA512 = "7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ=="
CREDIT = (
    "Twemoji, copyright Twitter, Inc and other contributors, graphics licensed under CC-BY 4.0\n"
    "(https://creativecommons.org/licenses/by/4.0/); put on white, and sorted into folders.\n"
    f"From the npm package {PACKAGE}.\n"
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tones", is_flag=True, help="The variants of people with other skin tones, too.")
@click.option("--archive", type=click.Path(path_type=Path), help="The package, if it is there.")
def emoji(folder: Path, tones: bool, archive: Path | None) -> None:
    """Fetch the pictures into FOLDER, which must not be there yet."""
    if folder.exists():
        raise click.ClickException(f"{folder}: is there already; name another folder")
    with tempfile.TemporaryDirectory() as place:
        package = archive or fetch(Path(place))
        digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if digest != SHA512:
            raise click.ClickException(f"{package}: SHA-512 is {digest}, not that of {PACKAGE}")
        made = Path(place) / "made"
        num, copies = lay_out(package, made, tones=tones)
        (made / "CREDIT.txt").write_text(CREDIT, encoding="utf-8")
        shutil.move(made, folder)
    click.echo(f"{folder}: {num:,} pictures ({copies} copies of others left out)")


def fetch(place: Path) -> Path:
    """Return the package, which npm puts into a folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise click.ClickException("npm is not installed; install it, or give --archive FILE.tgz")
    done = subprocess.run(
        [npm, "pack", "--silent", PACKAGE], cwd=place, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise click.ClickException(f"npm pack {PACKAGE} failed: {done.stderr.strip()}")
    return place / done.stdout.strip().splitlines()[-1]


def lay_out(package: Path, folder: Path, *, tones: bool) -> tuple[int, int]:
    """Write the pictures as CATEGORY/NAME.png; return how many, and how many copies there were."""
    seen: set[bytes] = set()
    copies = 0
    with tarfile.open(package) as archive:
        members = {Path(one.name).name: one for one in archive if "/img/twitter/64/" in one.name}
        listed = archive.extractfile("package/emoji.json")
        assert listed is not None
        for name, category, image in pictures(json.load(listed), tones=tones):
            file = archive.extractfile(members[image]) if image in members else None
            if file is None:  # of emoji that Twitter has not drawn
                continue
            drawn = PIL.Image.open(file).convert("RGBA")
            picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", drawn.size, "white"), drawn)
            digest = hashlib.sha256(picture.tobytes()).digest()
            if digest in seen:  # several places have one flag
                copies += 1
                continue
            seen.add(digest)
            path = folder / re.sub("[^a-z]+", "-", category.lower()) / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.convert("RGB").save(path)
    return len(seen), copies


def pictures(emoji: list[dict[str, Any]], *, tones: bool) -> Iterator[tuple[str, str, str]]:
    """Yield name, category and file of each picture."""
    for one in emoji:
        yield one["short_name"], one["category"], one["image"]
        for tone, variant in one.get("skin_variations", {}).items() if tones else ():
            yield f"{one['short_name']}-{tone}", one["category"], variant["image"]


if __name__ == "__main__":
    emoji()
