"""Arrays of NumPy: images and stored statistics with changed headers, types and values."""

import io
import json
import struct
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from ganeval.features.parts import KEYS
from scripts.fuzzing.case import FAST, Case
from scripts.fuzzing.doors.archives import hostile_zip
from scripts.fuzzing.doors.pictures import scoring
from scripts.fuzzing.mutation import JSON_VALUES, json_text, mutate_bytes, mutate_json
from scripts.fuzzing.originals import FAKE, npy_of, npz_of, pictures, scored, write_pair

SHAPES = (
    *("()", "(12,)", "(12, 16)", "(12, 16, 16)", "(12, 16, 16, 3)", "(12, 3, 16, 16)", "(3,)"),
    *("(0, 16, 16, 3)", "(12, 0, 16, 3)", "(-1, 16, 16, 3)", "(12, 16, 16, 4)", "(1, 1, 1, 3)"),
    *("(4294967296, 4294967296, 16, 3)", "(99999999999, 16, 16, 3)", "(12, 16, 16, 3, 1)"),
    *("(12.0, 16, 16, 3)", "(True, 16, 16, 3)", "('a',)", "12", "[12, 16, 16, 3]", "None"),
    *(f"({'9' * 5000},)", "(" * 150 + ")" * 150, "(12, 16, 16, 3"),
)
TYPES = (
    *("|u1", "|i1", "<u2", ">u2", "<f4", "<f8", "<f2", "|b1", "|O", "|S1", "<U1", "<c8", "<M8[s]"),
    *("|V1", "<i8", "|u0", "|u9", "u1,u1", "", "x", "<f16", "|S0"),
)


def arrays(rng: Random, folder: Path) -> Case:
    """Images as .npy and .npz."""
    write_pair(folder)
    source = "fake2.npy"
    if rng.random() < 0.5:
        (folder / source).write_bytes(_hostile_npy(rng))
        return scoring(rng, rng.choice(("", "", "npy:", "npz:")) + source)
    source = "fake2.npz"
    (folder / source).write_bytes(_hostile_npz(rng))
    return scoring(rng, rng.choice(("", "", "npz:", "npy:", "zip:")) + source)


def _hostile_npy(rng: Random) -> bytes:
    """Return what is nearly an array of images."""
    data = npy_of(pictures(2))
    if rng.random() < 0.2:
        return npy_of(_array(rng))
    if rng.random() < 0.3:
        return mutate_bytes(rng, data, front=130)
    shape = rng.choice(SHAPES) if rng.random() < 0.7 else "(12, 16, 16, 3)"
    kind = rng.choice(TYPES) if rng.random() < 0.5 else "|u1"
    order = rng.choice(("False", "False", "True", "1", "None", "'a'"))
    descr = rng.choice((repr(kind), repr(kind), f"[('a', {kind!r})]", "None", "1"))
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    if rng.random() < 0.1:
        header = rng.choice(("", "{", "{}", "[]", "1", header + "\n\n", "{'a': 1}", "\xff" * 20))
    version = rng.choice((b"\1\0", b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\x09\x09"))
    text = header.encode("latin-1") + b"\n"
    length = struct.pack("<I" if version == b"\2\0" else "<H", len(text) % 65536)
    return b"\x93NUMPY" + version + length + text + data[128 : rng.choice((None, None, 5000))]


def _array(rng: Random) -> Any:
    """Return an array of another type or shape than images have."""
    images = pictures(2)
    return rng.choice(
        (
            images.astype(np.float32), images.astype(np.float64) / 255, images.astype(np.int64),
            images[..., 0], images[:0], images[:1], images[:, :1, :1], images.transpose(0, 3, 1, 2),
            np.asfortranarray(images), images.astype(bool), images.astype("S3"), images[0],
            np.float32(1), np.full(images.shape, np.nan, np.float32), images.astype(">u2"),
            images.astype(np.complex64), images.view([("a", "u1")]), np.arange(3).astype("M8[s]"),
        )
    )  # fmt: skip


def _hostile_npz(rng: Random) -> bytes:
    """Return what is nearly an archive of arrays."""
    kind = rng.randrange(5)
    if kind == 0:
        return hostile_zip(rng).replace(b".png", b".npy")
    if kind == 1:
        return mutate_bytes(rng, npz_of(arr_0=pictures(2)), front=160)
    keys = rng.sample(("arr_0", "images", "arr_1", "x", "mu", "sigma", "a b", "labels"), 2)
    return npz_of(**{key: _array(rng) if rng.random() < 0.7 else pictures(2) for key in keys})


def stats(rng: Random, folder: Path) -> Case:
    """Stored statistics, of ganeval and of other tools."""
    write_pair(folder)
    original = dict(np.load(io.BytesIO(scored()["stats.npz"])))
    content: dict[str, Any] = dict(original)
    for _ in range(rng.randint(1, 2)):
        key = rng.choice(list(content) or ["mu"])
        kind = rng.randrange(8)
        if kind == 0:
            content.pop(key, None)
        elif kind == 1 and key in content:
            content[rng.choice(("mean", "cov", "m", "s", "n", "N", "arr_0", "x"))] = content.pop(
                key
            )
        elif kind in (2, 3):
            content["num"] = rng.choice(
                (0, 1, 2, -5, 2.0, 2.5, np.nan, np.inf, 2**62, True, "12", [1, 2], 1e300, 1j,
                 np.datetime64("now"), np.timedelta64(1), b"12", np.float16(3))
            )  # fmt: skip
        elif kind == 4:
            card = json.loads(str(original["ganeval"]))
            card = mutate_json(rng, card) if rng.random() < 0.8 else rng.choice(JSON_VALUES)
            content["ganeval"] = np.array(json_text(rng, card).decode("latin-1"))
        elif kind in (5, 6):
            key = rng.choice(("mu", "sigma", *KEYS))
            content[key] = _moments(rng, original[key])
    data = npz_of(**content)
    if rng.random() < 0.15:
        data = mutate_bytes(rng, data, front=200)
    (folder / "stats.npz").write_bytes(data)
    kind = rng.randrange(4)
    if kind == 0:
        return Case(words=["stats", "inspect", "stats.npz"])
    if kind == 1:
        return Case(words=["eval", "stats.npz", FAKE, *FAST, "--json"])
    return Case(words=["fid", "stats.npz", FAKE, *FAST])


@np.errstate(over="ignore")
def _moments(rng: Random, values: Any) -> Any:
    """Return an array of another shape, type or size."""
    changed = values.copy()
    wild = (np.nan, np.inf, 1e308, -1e308, 1e160, -1, 1e-320)
    at = rng.randrange(changed.size)
    changed.flat[at] = rng.choice(wild if changed.dtype.kind == "f" else (-1, 0, 2**63 - 1))
    return rng.choice(
        (
            changed, changed, values * 1e308, values * 1e160, values * 0, -values, values.T,
            values[:1], values[:0], values[..., :5], values.astype(np.float16), values[None],
            values.astype(np.complex128), values.astype(str), values.astype(np.float32),
            values.astype(np.int64), values > 0, values * 1e-320, np.float64(1), values[1:],
            np.array([None]),
        )
    )  # fmt: skip
