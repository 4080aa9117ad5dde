"""Small changes to valid content, each from the numbers of a `random.Random`."""

import copy
import io
import json
import zipfile
from random import Random
from typing import Any

NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 15, 16, 17, 127, 128, 255, 256, 1000, 32767, 32768, 65535, 65536),
    *(2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1),
)

LETTERS = (
    *("\n", "\r", "\t", "\x1b[31m", "\x07", "\x7f", "\x85", "\u2028", "\u202e", "\u200b"),
    *("\ufeff", "e\u0301", "\u4e2d\u6587", "\U0001f600", "\udcff", "\udc80\udcfe", "\uffff"),
    *("%", "%s", "%n", "{0}", "{0..3}", "{a,b}", "[/red]", "[bold]", "\\", "'", '"', "`", "$HOME"),
    *(",", ":", ";", "=", "|", "*", "?", "#", "&", "<b>", "--", "-", "~", " ", "..", ".", "@"),
    *(",size=8", ",a=", "://", "s3:", "file://", "a" * 120),
)
"""What names of files are made of here: line breaks, colours of terminals, bytes that are no UTF-8
(as Python reads them), wide letters, and the marks of formats, shells and source texts."""

WORDS = (
    *("", " ", "0", "-1", "1", "2", "3", "12", "13", "1e3", "1.5", "-0", "nan", "inf", "-inf"),
    *("1e400", "-1e400", "9" * 30, "9" * 400, "9" * 5000, "0x10", "1_000", "\u00b2", "\u0663"),
    *("\uff11", "1,2", "-1,1", "0,1", "1,0", "nan,nan", "-inf,inf", "1%", "101%", "nan%", "1e400%"),
    *("None", "none", "true", "null", "[]", "{}", '{"a": 1}', "a", "real.npz", "/nonexistent/a"),
    *("/dev/null", ".", "..", "a/b", "1/2", "0/0", "1GB", "1e9GB", "999999999TB", "cuda:99"),
    *("standard", "random", "fid", "@a.json", "@", "\udcff", "a\nb", "\u202e", "\x1b[31m"),
)
"""Values of options: numbers of all kinds, near misses, empty and unprintable ones."""

JSON_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 0.5, -0.0, 1e308, -1e308, 1e-320, 2**53, 2**63, 10**30),
    *(10**400, float("nan"), float("inf"), float("-inf"), "", "a", "fid", "nan", "1"),
    *([], [1], [1, 2, 3], [None, None], [2.0, 1.0], ["a", "b"], {}, {"a": 1}, [[]], "a\nb"),
    *("\ud800", "\u202e", "\x1b[2J", "[bold]x", "<script>alert(1)</script>", "x" * 3000, "\x00"),
)


def mutate_bytes(rng: Random, data: bytes, *, front: int | None = None) -> bytes:
    """Return a copy with one to four changes, most of them in the first `front` bytes."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        reach = len(out) if front is None or rng.random() < 0.2 else min(front, len(out))
        at = rng.randrange(reach) if reach else 0
        kind = rng.randrange(8)
        if kind == 0 and out:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and out:
            out[at] = rng.choice((0, 1, 0x20, 0x2F, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256)))
        elif kind in (2, 3):
            width = rng.choice((2, 4, 8))
            number = rng.choice(NUMBERS) % 256**width
            out[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))
        elif kind == 4:
            del out[at : at + rng.choice((1, 2, 4, 16, 200))]
        elif kind == 5:
            out[at:at] = out[at : at + rng.choice((1, 4, 16, 64))]
        elif kind == 6:
            out[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16, 300)))
        else:
            del out[rng.randrange(len(out) + 1) :]
    return bytes(out)


def mutate_records(rng: Random, data: bytes) -> bytes:
    """Return a file of torch.save with changed records and the right checksums."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as archive:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            content = old.read(name)
            if name == chosen or name.endswith("data.pkl"):
                content = mutate_bytes(rng, content)
            if name == chosen and rng.random() < 0.2:
                continue
            archive.writestr(name, content)
    return buffer.getvalue()


def mutate_json(rng: Random, value: Any, *, most: int = 3) -> Any:
    """Return a copy of a JSON value with one to `most` changes somewhere in it."""
    out = copy.deepcopy(value)
    for _ in range(rng.randint(1, most)):
        holder, key = _place(rng, out)
        kind = rng.randrange(10)
        if holder is None:
            out = rng.choice(JSON_VALUES) if kind < 2 else out
        elif kind < 5:
            holder[key] = copy.deepcopy(rng.choice(JSON_VALUES))
        elif kind == 5:
            del holder[key]
        elif kind == 6 and isinstance(holder, dict):
            holder[rng.choice(("", "a", "A" + key, *LETTERS[:8]))] = holder.pop(key)
        elif kind == 7 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif kind == 8:
            holder[key] = rng.choice(([holder[key]], {"a": holder[key]}, str(holder[key])))
        elif isinstance(holder[key], bool | int | float):
            holder[key] = rng.choice((-holder[key], holder[key] * 10**6, holder[key] + 1))
    return out


def json_text(rng: Random, value: Any) -> bytes:
    """Return a JSON value as a file, now and then with a fault of the text itself."""
    text = json.dumps(value).encode()
    kind = rng.randrange(30)
    if kind == 0:
        return mutate_bytes(rng, text)
    if kind == 1:
        return b"[" * 100_000 + b"]" * 100_000
    if kind == 2:
        return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"// x\n")) + text
    if kind == 3:
        return text[: rng.randrange(len(text))]
    return text


def hostile_name(rng: Random, *, suffix: str = "") -> str:
    """Return a name that a file can have, unlike those that people choose."""
    parts = [rng.choice(LETTERS) for _ in range(rng.randint(1, 3))]
    name = "".join([rng.choice(("", "a", "-", ".", " ")), *parts, rng.choice(("", "b"))])
    name = name.replace("/", "").replace("\x00", "")
    while len(name.encode("utf-8", "surrogateescape" if _is_bytes(name) else "replace")) > 200:
        name = name[:-1]
    return (name if name.strip(".") else "a") + suffix


def hostile_text(rng: Random, text: str) -> str:
    """Return a text with letters put in, left out or doubled; none of them NUL."""
    out = list(text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(out))
        kind = rng.randrange(4)
        if kind == 0:
            out.insert(at, rng.choice(LETTERS))
        elif kind == 1:
            out[at:at] = rng.choice(WORDS)[:400]
        elif kind == 2:
            del out[at : at + rng.randint(1, 4)]
        else:
            out[at:at] = out[at : at + rng.randint(1, 8)]
    return "".join(out).replace("\x00", "")


def _place(rng: Random, value: Any) -> tuple[Any, Any]:
    """Return a container within a JSON value and one of its keys; None twice for the value."""
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys: Any = range(len(holder)) if isinstance(holder, list) else holder
        if isinstance(holder, dict | list):
            places += [(holder, key) for key in keys]
            waiting += [holder[key] for key in keys]
    return rng.choice([(None, None), *places])


def _is_bytes(name: str) -> bool:
    """Tell whether all lone surrogates of a name stand for bytes that are no UTF-8."""
    return all(not 0xD800 <= ord(char) < 0xDC80 for char in name)
