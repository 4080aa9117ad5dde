"""Folders and the pictures in them: names, links, and files with changed headers and chunks."""

import os
import socket
import struct
import zlib
from pathlib import Path
from random import Random

import PIL.Image

from scripts.fuzzing.case import FAST, Case
from scripts.fuzzing.mutation import LETTERS, NUMBERS, hostile_name, mutate_bytes
from scripts.fuzzing.originals import FAKE, REAL, encode, encoded, pictures, write_pair

SUFFIXES = (".png", ".PNG", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".bmp", ".txt", "", ".npz")
OUTPUTS = ("out.json", "out.csv", "out.md", "out.tex", "out.html")
DECODING = (
    *(["--transparency", "drop"], ["--transparency", "white"], ["--animated", "first"]),
    *(
        ["--exif", "apply"],
        ["--on-bad-image", "skip", "--max-bad", "100%"],
        ["--max-pixels", "300"],
    ),
)


def some_outputs(rng: Random) -> tuple[list[str], tuple[str, ...]]:
    """Return `-o` words, and the names of what they write."""
    names = rng.sample(OUTPUTS[:4], rng.randrange(3))
    if rng.random() < 0.03:  # drawing takes a second
        names.append("out.html")
    words = [word for name in names for word in ("-o", name)]
    return words, (*names, "out.influence.safetensors")


def scoring(rng: Random, source: str) -> Case:
    """Return a command that reads a source as it is, in one of its roles."""
    outputs, writes = some_outputs(rng)
    options = [word for words in rng.sample(DECODING, rng.randrange(3)) for word in words]
    kind = rng.randrange(12)
    if kind == 0:
        return Case(words=["doctor", *options, "--", REAL, source])
    if kind == 1:
        return Case(words=["is", *FAST, *options, *outputs, "--", source], writes=writes)
    if kind == 2:
        words = ["compare", *FAST, *options, *outputs, "-m", "kid,fid", "--", REAL, FAKE, source]
        return Case(words=words, writes=writes)
    if kind == 3:
        words = ["stats", "make", *FAST, *options, "-o", "out.npz", "--", source]
        return Case(words=words, writes=("out.npz",))
    if kind == 4:
        return Case(words=["extract", *FAST, *options, "--", source])
    if kind == 5:
        words = ["eval", *FAST, *options, "--json", "-m", "kid,pr", "--", source, FAKE]
        return Case(words=words)
    return Case(words=["fid", *FAST, *options, *outputs, "--", REAL, source], writes=writes)


def names(rng: Random, folder: Path) -> Case:
    """Pictures and a folder whose names are hard to print and to parse."""
    write_pair(folder)
    source = hostile_name(rng) if rng.random() < 0.7 else "fake"
    place = os.fsencode(folder / source)
    os.mkdir(place)  # noqa: PTH102
    for number in range(rng.randint(1, 4)):
        content = encoded(2)[number] if rng.random() < 0.8 else rng.choice((b"", b"text"))
        name = os.fsencode(hostile_name(rng, suffix=rng.choice(SUFFIXES)))
        if rng.random() < 0.1:
            os.mkdir(place + b"/" + name + b"d")  # noqa: PTH102
            name = name + b"d/" + name
        with open(place + b"/" + name, "wb") as file:  # noqa: PTH123
            file.write(content)
    for number in range(rng.choice((0, 2, 2))):
        (folder / os.fsdecode(place) / f"{number}.png").write_bytes(encoded(2)[number + 5])
    prefix = rng.choice(("", "", "folder:", "./"))
    return scoring(rng, prefix + source)


def links(rng: Random, folder: Path) -> Case:
    """Links in circles and into nothing, pipes, sockets and folders that are called pictures."""
    write_pair(folder)
    source = folder / "fake"
    (source / "a" / "b").mkdir(parents=True)
    for number, place in enumerate((source, source, source / "a", source / "a" / "b")):
        (place / f"{number}.png").write_bytes(encoded(2)[number])
    places = (source, source / "a", source / "a" / "b")
    for number in range(rng.randint(1, 4)):
        place = rng.choice(places)
        path = place / f"x{number}{rng.choice(('', '.png', '.jpg', '.d'))}"
        kind = rng.randrange(9)
        if kind < 5:
            targets = ("..", ".", "../..", path.name, "../a", "b", "nowhere", "/dev/zero", "0.png")
            path.symlink_to(rng.choice((*targets, "/proc/self/fd", "../1.png", str(source))))
        elif kind == 5:
            os.mkfifo(path)
        elif kind == 6:
            os.link(source / "0.png", path)
        elif kind == 7:
            path.mkdir()
        elif len(str(path)) < 90:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(path))
    (folder / "link").symlink_to(rng.choice(("fake", "fake/a", "link", "nowhere", "/dev/zero")))
    return scoring(rng, rng.choice(("fake", "fake", "fake/", "link", "fake/a", "fake/../fake")))


def damaged_pictures(rng: Random, folder: Path) -> Case:
    """Pictures with changed headers, chunks and segments, beside two whole ones."""
    write_pair(folder)
    (folder / "fake").mkdir()
    for number in range(2):
        (folder / "fake" / f"{number}.png").write_bytes(encoded(2)[number])
    for number in range(rng.randint(1, 3)):
        suffix, data = hostile_picture(rng)
        (folder / "fake" / f"x{number}.{suffix}").write_bytes(data)
    return scoring(rng, "fake")


def hostile_picture(rng: Random) -> tuple[str, bytes]:
    """Return a suffix and a file that is nearly a picture of that format."""
    kind = rng.choice(("PNG", "PNG", "JPEG", "JPEG", "GIF", "WEBP", "TIFF", "TIFF", "BMP", "PPM"))
    data = _picture(rng, kind)
    suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(kind, kind.lower())
    if kind == "PNG" and rng.random() < 0.8:
        return suffix, _changed_png(rng, data)
    if kind == "JPEG" and rng.random() < 0.6:
        return suffix, _changed_jpeg(rng, data)
    return suffix, mutate_bytes(rng, data, front=64)


def _picture(rng: Random, kind: str) -> bytes:
    """Return a whole picture of a format, in one of its modes."""
    image = PIL.Image.fromarray(pictures(2)[rng.randrange(12)])
    modes = {
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
        "JPEG": ("L", "RGB", "CMYK"),
        "GIF": ("L", "P"),
        "WEBP": ("RGB", "RGBA"),
        "TIFF": ("1", "L", "P", "RGB", "RGBA", "CMYK", "F", "I;16", "LAB"),
        "BMP": ("1", "L", "P", "RGB"),
        "PPM": ("1", "L", "RGB"),
    }
    mode = rng.choice(modes[kind])
    if mode == "I;16":
        image = image.convert("L").convert("I").convert("I;16")
    elif mode == "LAB":
        image = PIL.Image.frombytes("LAB", image.size, image.tobytes())
    else:
        image = image.convert(mode)
    options: dict[str, object] = {}
    if kind in ("GIF", "WEBP", "TIFF", "PNG") and rng.random() < 0.25:
        options = {"save_all": True, "append_images": [image.rotate(90)]}
    if kind == "TIFF" and mode != "LAB":
        options["compression"] = rng.choice((None, "tiff_lzw", "tiff_deflate", "packbits"))
    if kind == "WEBP":
        options["lossless"] = rng.random() < 0.5
    if kind in ("JPEG", "WEBP", "PNG", "TIFF") and rng.random() < 0.3:
        exif = PIL.Image.Exif()
        exif[0x0112] = rng.choice((1, 3, 6, 8))
        options["exif"] = exif.tobytes()
    if rng.random() < 0.2 and kind not in ("BMP", "PPM"):
        options["icc_profile"] = rng.randbytes(rng.choice((1, 128, 600)))
    return encode(image, kind, **options)


def _changed_png(rng: Random, data: bytes) -> bytes:
    """Return a PNG with changed chunks, most of them with the right checksum."""
    chunks, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    for _ in range(rng.randint(1, 2)):
        where = rng.randrange(len(chunks))
        name, content = chunks[where]
        action = rng.randrange(6)
        if action < 2:
            chunks[where] = (name, mutate_bytes(rng, content))
        elif action == 2:
            chunks.insert(rng.randint(0, len(chunks)), chunks[where])
        elif action == 3 and len(chunks) > 1:
            del chunks[where]
        elif action == 4:
            header = bytearray(dict(chunks).get(b"IHDR", bytes(13)).ljust(13, b"\0"))
            struct.pack_into(">I", header, rng.choice((0, 4)), rng.choice(NUMBERS[:-5]))
            header[rng.randint(8, 12)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
            chunks[0] = (b"IHDR", bytes(header))
        else:
            names = (
                b"tRNS",
                b"gAMA",
                b"iCCP",
                b"eXIf",
                b"acTL",
                b"fcTL",
                b"zTXt",
                b"iTXt",
                b"pHYs",
            )
            packed = zlib.compress(bytes(rng.choice((10, 10**5, 3 * 10**6))))
            extra = rng.choice((b"", bytes(4), rng.randbytes(26), b"a\0\0" + packed))
            chunks.insert(rng.randint(0, len(chunks)), (rng.choice((*names, b"PLTE")), extra))
    out = [data[:8]]
    for name, content in chunks:
        check = zlib.crc32(name + content) if rng.random() < 0.95 else rng.getrandbits(32)
        length = len(content) if rng.random() < 0.97 else rng.choice(NUMBERS) % 2**32
        out.append(struct.pack(">I", length) + name + content + struct.pack(">I", check))
    return b"".join(out)


def _changed_jpeg(rng: Random, data: bytes) -> bytes:
    """Return a JPEG with a segment put in, doubled or changed."""
    starts = [2]
    while data[starts[-1] + 1] not in (0xDA, 0xD9):
        starts.append(starts[-1] + 2 + int.from_bytes(data[starts[-1] + 2 : starts[-1] + 4]))
    at = rng.randrange(len(starts))
    begin, end = starts[at], (*starts[1:], len(data))[at]
    action = rng.randrange(4)
    if action == 0:
        return data[:begin] + data[begin:end] + data[begin:]
    if action == 1:
        return data[: begin + 4] + mutate_bytes(rng, data[begin + 4 : end]) + data[end:]
    if action == 2:
        return data[:begin] + data[end:]
    tiff = rng.choice((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08")) + b"\1\0\x12\1\3\0\1\0\0\0"
    content = rng.choice(
        (
            b"Exif\0\0" + mutate_bytes(rng, tiff + b"\6\0\0\0\x08\0\0\0"),
            b"ICC_PROFILE\0" + bytes([rng.randrange(4), rng.randrange(4)]) + rng.randbytes(140),
            b"JFIF\0" + rng.randbytes(9),
            b"Adobe\0" + rng.randbytes(6),
            rng.choice(LETTERS).encode("utf-8", "surrogatepass"),
        )
    )
    marker = rng.choice((0xE0, 0xE1, 0xE2, 0xEE, 0xFE))
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
    return data[:begin] + segment + data[begin:]
