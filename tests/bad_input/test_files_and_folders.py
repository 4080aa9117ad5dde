"""Bad input: paths, folders, links, names, archives, order."""

import hashlib
import io
import os
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from ganeval.errors import one_line
from ganeval.features import collect as collecting
from ganeval.sources import items
from tests.bad_input.outcomes import JSON, RANDOM, card, files, refusal, report, shards, values
from tests.command import Command
from tests.pictures import blobs

WAITS_FOR_EVER = pytest.mark.timeout(30)


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(blobs(1, seed=seed)[0]).save(buffer, "PNG")
    return buffer.getvalue()


def test_no_such_path(ganeval: Command, real: Path, own_cache: Path) -> None:
    wrong = real.parent / "rael"
    for words in ((wrong, real), (real, wrong)):  # no weights are here: they are not even sought
        line = refusal(ganeval("fid", *words))
        assert f"{wrong}: no such file or directory; " in line
        assert f"did you mean '{real}'?" in line
    assert files(own_cache) == []


def test_a_pattern_of_files_is_told_as_that_of_a_folder(ganeval: Command, real: Path) -> None:
    line = refusal(ganeval("fid", real, f"{real}/*1.png"))
    source = f"folder:{real},pattern=*1.png"
    assert line.endswith(f"; write '{source}'")
    assert ganeval("kid", real, source, *RANDOM).code == 0


def test_empty_folder(ganeval: Command, real: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    line = refusal(ganeval("fid", real, empty))
    assert f"{empty}: no images (nothing in it); needed: files that end in png, jpg, jpeg, " in line
    (empty / "notes.txt").write_text("none yet")
    assert "no images (other files: 1)" in refusal(ganeval("fid", real, empty))


def test_pictures_in_folders_within(ganeval: Command, real: Path, tmp_path: Path) -> None:
    nested = tmp_path / "nested"
    for number, path in enumerate(sorted(real.iterdir())):
        target = nested / f"level{number // 10}" / "deep" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    found = ganeval("fid", real, nested, *JSON)
    assert card(found, nested)["count"] == 30
    assert values(found) == {"fid": 0.0}


def test_rows_24_and_25_what_systems_leave_in_folders(
    ganeval: Command, real: Path, fake: Path
) -> None:
    before = values(ganeval("fid", real, fake, *JSON))
    for name in (".DS_Store", "._00000.png", ".hidden.png", "Thumbs.db", "desktop.ini"):
        (fake / name).write_bytes(b"\x00\x05\x16\x07")
    (fake / ".cache").mkdir()
    found = ganeval("fid", real, fake, *JSON)
    assert values(found) == before
    assert card(found, fake)["ignored"] == {"dot files": 4, "other files": 2}


def test_a_folder_named_like_a_picture(ganeval: Command, real: Path, fake: Path) -> None:
    before = values(ganeval("fid", real, fake, *JSON))
    (fake / "x.png").mkdir()
    assert values(ganeval("fid", real, fake, *JSON)) == before
    (fake / "x.png" / "y.png").write_bytes(png(7))
    assert card(ganeval("fid", real, fake, *JSON), fake)["count"] == 26


@WAITS_FOR_EVER
def test_a_pipe_named_like_a_picture(ganeval: Command, real: Path, fake: Path) -> None:
    before = values(ganeval("fid", real, fake, *JSON))
    os.mkfifo(fake / "x.png")
    (fake / "y.png").symlink_to("x.png")
    (fake / "z.png").symlink_to("/dev/zero")
    found = ganeval("fid", real, fake, *JSON)
    assert values(found) == before
    assert card(found, fake)["ignored"] == {"not a regular file": 3}


@WAITS_FOR_EVER
def test_a_pipe_or_device_as_source(ganeval: Command, real: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "real.npz"
    os.mkfifo(pipe)
    for name in (pipe, Path("/dev/zero")):
        assert f"{name}: not a regular file" in refusal(ganeval("fid", name, real, *RANDOM))
        assert f"{name}: not a regular file" in refusal(ganeval("fid", real, name, *RANDOM))
        assert str(name) in refusal(ganeval("stats", "inspect", name))
        assert str(name) in refusal(ganeval("fid", real, real, "--weights", name))
        assert str(name) in refusal(ganeval("table", name))


def test_links_that_lead_back(ganeval: Command, real: Path, fake: Path) -> None:
    before = values(ganeval("fid", real, fake, *JSON))
    (fake / "loop").symlink_to(".", target_is_directory=True)
    (fake / "up").symlink_to("..", target_is_directory=True)
    (fake / "twin.png").symlink_to("00003.png")
    found = ganeval("fid", real, fake, *JSON)
    assert values(found) == before
    assert card(found, fake)["ignored"] == {
        "links to enclosing folders": 2,
        "links to listed pictures": 1,
    }


def test_a_link_to_itself(ganeval: Command, real: Path, fake: Path) -> None:
    link = fake / "me.png"
    link.symlink_to("me.png")
    assert f"{link}: a link to 'me.png'" in refusal(ganeval("fid", real, fake, *RANDOM))
    assert f"{link}: cannot be read" in refusal(ganeval("fid", link, fake, *RANDOM))


def test_a_link_to_nothing(ganeval: Command, real: Path, fake: Path, tmp_path: Path) -> None:
    link = fake / "gone.png"
    link.symlink_to(tmp_path / "moved" / "away.png")
    line = refusal(ganeval("fid", real, fake, *RANDOM))
    assert f"{link}: a link to '{tmp_path}/moved/away.png' (No such file or directory); " in line
    assert "repair or remove the link" in line
    folder = tmp_path / "linked"
    folder.symlink_to(tmp_path / "moved")
    assert f"{folder}: cannot be read" in refusal(ganeval("fid", real, folder, *RANDOM))


def test_suffixes_in_any_case(ganeval: Command, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    pictures = [PIL.Image.fromarray(picture) for picture in blobs(10, seed=1)]
    suffixes = ("PNG", "Jpg", "JPEG", "webp", "WEBP", "bmp", "TIF", "tiff", "ppm", "GIF")
    for suffix, picture in zip(suffixes, pictures, strict=True):
        picture.save(folder / f"picture.{suffix}")
    for name in ("k.doc", "l.mp4", "m"):
        (folder / name).write_bytes(b"?")
    found = ganeval("is", folder, *JSON)
    assert card(found, folder)["count"] == 10
    assert card(found, folder)["ignored"] == {"other files": 3}


STRANGE = (
    os.fsdecode(b"\xff\xe9.png"),
    "new\nline\r.png",
    "escape-\x1b[31m.png",
    unicodedata.normalize("NFC", "\u00e9.png"),
    unicodedata.normalize("NFD", "\u00e9.png"),
    "\U0001f600 right-\u202e.png",
    "semi; colon; , = : % $ ' \" \\ [bold].png",
    "-rf.png",
    "x" * 200 + ".png",
)


def test_strange_names_are_read_in_the_order_of_their_bytes(
    ganeval: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "strange"
    folder.mkdir()
    contents = {os.fsencode(name): png(seed) for seed, name in enumerate((*STRANGE, "a.png"))}
    for name, content in contents.items():
        (folder / os.fsdecode(name)).write_bytes(content)
    found = ganeval("is", folder, *JSON)
    digests = [hashlib.sha256(contents[name]).digest() for name in sorted(contents)]
    expected = hashlib.sha256(b"".join(digests)).hexdigest()
    assert card(found, folder)["digest"] == f"sha256:{expected}"


@pytest.mark.parametrize("name", STRANGE)
def test_an_error_about_a_strange_name_is_one_line(
    ganeval: Command, real: Path, fake: Path, name: str
) -> None:
    (fake / name).write_bytes(b"")
    line = refusal(ganeval("fid", real, fake, *RANDOM))
    assert "an empty file" in line
    assert line.isprintable()
    (fake / "other.png").write_bytes(b"")
    line = refusal(ganeval("fid", real, fake, *RANDOM))
    first = one_line(min(name, "other.png", key=os.fsencode))
    assert f"2 of 27 pictures cannot be used, the first: {fake}/{first}: not a picture " in line


def test_reports_about_a_strange_folder(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    plain = values(ganeval("fid", real, fake, *JSON))
    for name in STRANGE:
        folder = tmp_path / name.removesuffix(".png")
        fake.rename(folder)
        fake = folder
        outputs = [tmp_path / f"run.{suffix}" for suffix in ("json", "csv", "md", "tex")]
        wanted = [word for path in outputs for word in ("-o", path)]
        found = ganeval("fid", real, f"{folder}", *JSON, *wanted)
        assert values(found) == plain
        assert card(found, folder)["count"] == 25
        assert outputs[0].read_text(encoding="utf-8") == found.out
        table = ganeval("fid", real, folder, *RANDOM)
        assert table.code == 0
        assert "\x1b" not in table.out
        assert outputs[2].read_text(encoding="utf-8").count("|\n") == 3
        lines = outputs[1].read_text(encoding="utf-8").splitlines()
        assert len(lines) == 2
        assert ganeval("table", outputs[0], "--json").out == found.out


def test_duplicates_are_counted(ganeval: Command, real: Path, fake: Path) -> None:
    for number in range(3):
        shutil.copy(fake / "00000.png", fake / f"copy{number}.png")
    found = ganeval("fid", real, fake, *JSON)
    assert card(found, fake)["duplicates"] == 3
    warning = f"{fake}: 3 of 28 images are exact duplicates of others in it"
    assert f"ganeval: warning: {warning}" in found.err.splitlines()
    assert warning in report(found)["provenance"]["warnings"]


def test_containers_are_known_by_their_content(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    expected = values(ganeval("fid", real, fake, *JSON))
    folder = tmp_path / "folder.zip"
    shutil.copytree(fake, folder)
    assert values(ganeval("fid", real, folder, *JSON)) == expected
    archive = tmp_path / "archive.png"
    with zipfile.ZipFile(archive, "w") as content:
        for path in sorted(
            fake.iterdir(), key=lambda path: hashlib.sha256(path.name.encode()).digest()
        ):
            content.write(path, path.name)
    assert values(ganeval("fid", real, archive, *JSON)) == expected
    picture = tmp_path / "picture.zip"
    shutil.copy(fake / "00000.png", picture)
    assert f"{picture}: looks like one PNG picture" in refusal(ganeval("fid", real, picture))


def test_a_zip_made_to_fill_memory(ganeval: Command, real: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.png", "w") as member,
    ):
        for _ in range(110):
            member.write(bytes(2**20))
    line = refusal(ganeval("fid", real, bomb, *RANDOM))
    assert f"{bomb}:a.png: unpacks from " in line
    assert " to 115,343,360 bytes; needed: an encoded picture; " in line


def test_members_that_point_outside_are_only_names(
    ganeval: Command, real: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "sly.zip"
    with zipfile.ZipFile(archive, "w") as content:
        for number in range(3):
            content.writestr(f"../../{tmp_path.name}/out{number}.png", png(number))
        content.writestr("/etc/out.png", png(4))
    assert card(ganeval("fid", real, archive, *JSON), archive)["count"] == 4
    assert not list(tmp_path.glob("out*")) + list(tmp_path.parent.glob("out*"))


def test_the_order_of_a_listing_does_not_matter(
    ganeval: Command, real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("eval", real, fake, *JSON, "--no-cache", "--num-images", 20)
    expected = report(ganeval(*words))
    scandir = os.scandir

    @contextmanager
    def backwards(path: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scandir(path) as entries:
            yield iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    monkeypatch.setattr(os, "scandir", backwards)
    assert report(ganeval(*words)) == expected


def test_a_picture_that_changes_during_the_run(
    ganeval: Command, real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    monkeypatch.setattr(items, "KEPT_BYTES", 0)  # as if all pictures were too many for the memory
    ganeval("is", real, *JSON)
    num_shards = len(shards(own_cache))
    victim = fake / "00007.png"
    key, before = collecting.shard_key, victim.read_bytes()
    new: list[bytes | None] = []

    def changed(identity: Any, digests: Any) -> str:  # all are hashed, and none is decoded
        if len(digests) == 25:
            victim.unlink(missing_ok=True)
            if new[-1] is not None:
                victim.write_bytes(new[-1])
        return key(identity, digests)

    words = ("fid", real, fake, *JSON)
    for content, found in ((png(99), "changed while it was read"), (None, "cannot be read")):
        victim.write_bytes(before)
        new.append(content)
        with monkeypatch.context() as patch:
            patch.setattr(collecting, "shard_key", changed)
            assert f"{victim}: {found}" in refusal(ganeval(*words))
            victim.write_bytes(before)
            # It is no bad picture: skipping it would hide that the run saw two states of a folder.
            outcome = ganeval(*words, "--on-bad-image", "skip", "--max-bad", "100%")
            assert f"{victim}: {found}" in refusal(outcome)
        assert len(shards(own_cache)) == num_shards
    victim.write_bytes(before)
    assert card(ganeval(*words), fake)["used"] == 25


def test_time_stamps_do_not_matter(ganeval: Command, real: Path, fake: Path) -> None:
    path = fake / "00000.png"
    contents = path.read_bytes(), png(50)
    size = max(map(len, contents))
    before, after = (content.ljust(size, b"\0") for content in contents)
    path.write_bytes(before)
    state = path.stat()
    first = ganeval("fid", real, fake, *JSON)
    os.utime(path, (0, 4_000_000_000))
    touched = ganeval("fid", real, fake, *JSON)
    assert touched.out == first.out
    assert f"{fake}: 25 images, 0 computed, 25 found in the cache" in touched.err
    path.write_bytes(after)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (size, state.st_mtime_ns)
    assert values(ganeval("fid", real, fake, *JSON)) != values(first)
