"""Archives of pictures: zip and tar with changed directories, headers, names and links."""

import io
import tarfile
import warnings
import zipfile
from pathlib import Path
from random import Random

from scripts.fuzzing.case import Case
from scripts.fuzzing.doors.pictures import scoring
from scripts.fuzzing.mutation import NUMBERS, hostile_name, mutate_bytes
from scripts.fuzzing.originals import encoded, write_pair

NAMES = (
    *("../a.png", "/etc/a.png", "a//b.png", "./a.png", "C:\\a.png", "a\\b.png", "a.png/", ".a.png"),
    *("__MACOSX/._a.png", "0.png", "a/0.png", "x.npy", "data.pkl", "a/data.pkl", "é.png", "a.txt"),
)


def zips(rng: Random, folder: Path) -> Case:
    """Zip files."""
    write_pair(folder)
    (folder / "fake.zip").write_bytes(hostile_zip(rng))
    return scoring(rng, rng.choice(("", "", "zip:", "zip:", "tar:", "npz:")) + "fake.zip")


def hostile_zip(rng: Random) -> bytes:
    """Return what is nearly a zip of pictures."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for number in range(rng.randint(2, 5)):
            info = zipfile.ZipInfo(_member(rng, number))
            info.compress_type = rng.choice((0, 0, 8, 8, 12, 14))
            info.external_attr = rng.choice((0, 0, 0, 0o100644, 0o120777, 0o040755)) << 16
            info.comment, info.extra = rng.choice(((b"", b""), (b"a\n", b"\1\0\4\0abcd")))
            content = encoded(2)[number]
            if rng.random() < 0.03:
                content, info.compress_type = bytes(20_000_000), 8
            archive.writestr(info, content)
        archive.comment = rng.choice((b"", b"", rng.randbytes(30)))
    data = bytearray(buffer.getvalue())
    kind = rng.randrange(6)
    if kind == 0:
        return bytes(data)
    if kind == 1:
        return rng.randbytes(rng.choice((1, 22, 100))) + data
    if kind == 2:
        return mutate_bytes(rng, bytes(data))
    # Fields of the directory, or of a member's own header.
    mark, size = rng.choice(((b"PK\1\2", 46), (b"PK\1\2", 46), (b"PK\3\4", 30), (b"PK\5\6", 22)))
    starts = [at for at in range(len(data)) if data[at : at + 4] == mark]
    for _ in range(rng.randint(1, 3)):
        at = rng.choice(starts) + rng.randrange(4, size)
        width = rng.choice((1, 2, 4))
        data[at : at + width] = (rng.choice(NUMBERS) % 256**width).to_bytes(width, "little")
    return bytes(data)


def tars(rng: Random, folder: Path) -> Case:
    """Tar files, alone and in a row."""
    write_pair(folder)
    if rng.random() < 0.15:
        for number in range(rng.randint(1, 3)):
            (folder / f"fake{number}.tar").write_bytes(hostile_tar(rng))
        return scoring(rng, rng.choice(("", "tar:")) + "fake{0..2}.tar")
    (folder / "fake.tar").write_bytes(hostile_tar(rng))
    return scoring(rng, rng.choice(("", "", "tar:", "tar:", "zip:")) + "fake.tar")


def hostile_tar(rng: Random) -> bytes:
    """Return what is nearly a tar of pictures."""
    buffer = io.BytesIO()
    kinds = (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT)
    with tarfile.open(
        fileobj=buffer, mode="w", format=rng.choice(kinds), errors="surrogateescape"
    ) as archive:
        for number in range(rng.randint(2, 5)):
            name = _member(rng, number)
            info = tarfile.TarInfo(name if len(name) < 90 or rng.random() < 0.5 else "a.png")
            content = encoded(2)[number]
            info.size = len(content)
            if rng.random() < 0.2:
                info.type = rng.choice(
                    (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
                )
                info.linkname = rng.choice(("0.png", "../a", name[:50], "/etc/passwd", ""))
                info.size = 0
            if rng.random() < 0.2:
                info.pax_headers = {
                    rng.choice(("path", "size", "GNU.sparse.size", "GNU.sparse.map", "comment")): (
                        rng.choice(("a\nb.png", "-1", "99999999999", "", "0,5", "x", "1" * 5000))
                    )
                }
            try:
                archive.addfile(info, io.BytesIO(content) if info.size else None)
            except (ValueError, UnicodeError):  # a name that this format does not have
                continue
    data = bytearray(buffer.getvalue())
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(data)
    if kind == 1:
        return mutate_bytes(rng, bytes(data), front=512)
    starts = [at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"]
    for at in rng.sample(starts, min(len(starts), rng.randint(1, 2))):
        where, width = rng.choice(
            ((0, 100), (100, 8), (124, 12), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155))
        )
        value = rng.choice(
            (b"\0", b"\xff" * 12, b"\x80" + bytes(3) + b"\xff" * 8, b"77777777777", b"-1", b"S",
             b"L", b"x", b"g", b"K", b"1", b"2", rng.randbytes(8), b"../../a.png", b"a.png\0")
        )  # fmt: skip
        data[at + where : at + where + min(len(value), width)] = value[:width]
        if rng.random() < 0.9:
            data[at + 148 : at + 156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
    return bytes(data)


def _member(rng: Random, number: int) -> str:
    """Return the name of a member."""
    kind = rng.randrange(10)
    if kind == 0:
        name = rng.choice(NAMES)
    elif kind == 1:
        name = hostile_name(rng, suffix=".png").encode("utf-8", "replace").decode()
    else:
        name = f"{number}.png"
    return name
