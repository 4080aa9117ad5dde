"""Sources on S3 and the web are the same as on this machine, and read no more than they must."""

import io
import os
import shutil
import sys
import tarfile
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

from ganeval.errors import GanevalError, InputError, ResourceError, UnstableError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources import items as reading
from ganeval.sources.base import Source
from ganeval.sources.open import open_source
from tests.bad_input.outcomes import JSON, RANDOM, refusal, report, values
from tests.command import Command
from tests.pictures import blobs
from tests.remote.proxy import Proxy
from tests.remote.servers import Server

KINDS = ("folder", "zip", "tar", "npz", "npy")


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write(kind: str, place: Path, pictures: npt.NDArray[np.uint8]) -> Path:
    """Write pictures as a source of a kind, with some odd names; return its path."""
    path = place / ("real" if kind == "folder" else f"real.{kind}")
    names = [f"{number:03}.png" for number in range(len(pictures))]
    names[1:4] = ["a b/+#%.png", "caf\u00e9.PNG", "notes.txt"]
    if kind == "folder":
        for name, picture in zip(names, pictures, strict=True):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(png(picture))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, picture in zip(names, pictures, strict=True):
                archive.writestr(name, png(picture))
    elif kind == "tar":
        write_tar(path, dict(zip(names, map(png, pictures), strict=True)))
    elif kind == "npz":
        np.savez(path, pictures)
    else:
        np.save(path, pictures)
    return path


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def noise(num: int, size: int) -> npt.NDArray[np.uint8]:
    """Pictures that do not compress."""
    return np.random.default_rng(0).integers(0, 256, (num, size, size, 3), dtype=np.uint8)


def opened(location: object) -> Source:
    return open_source(location, policy=DecodePolicy())


def content(source: Source) -> list[tuple[bytes, bytes]]:
    """What was read and decoded of every item."""
    return [
        (item.digest, item.picture().pixels.tobytes()) for item in source.load(range(len(source)))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_on_s3_is_the_same_as_here(kind: str, tmp_path: Path, bucket: Path) -> None:
    pictures = blobs(9, seed=3)
    here = opened(write(kind, tmp_path, pictures))
    write(kind, bucket, pictures)
    (bucket / "realistic").mkdir()  # a bucket has no folders, only names that begin alike
    (bucket / "realistic" / "other.png").write_bytes(png(pictures[0]))
    name = "real/" if kind == "folder" else f"real.{kind}"
    for text in (f"s3://{bucket.name}/{name}", f"{kind}:s3://{bucket.name}/{name},size=16"):
        there = opened(text)
        assert there.info.location == text
        assert there.info.kind == kind
        assert (there.info.count, there.info.sizes) == (here.info.count, here.info.sizes)
        assert (there.info.ignored, there.unusable()) == (here.info.ignored, {})
        assert [item.digest for item in there.load(range(len(there)))] == [
            item.digest for item in here.load(range(len(here)))
        ]
    assert content(opened(f"s3://{bucket.name}/{name}")) == content(here)
    assert there.load([0])[0].picture().pixels.shape == (3, 16, 16)


@pytest.mark.parametrize("kind", ["zip", "tar", "npz", "npy"])
def test_a_file_of_the_web_is_the_same_as_here(kind: str, tmp_path: Path, web: Server) -> None:
    path = write(kind, tmp_path, blobs(9, seed=3))
    shutil.copy(path, web.root)
    web.forget()
    assert content(opened(f"{web.url}/{path.name}")) == content(opened(path))


def test_names_of_what_is_read_begin_with_the_url(bucket: Path) -> None:
    write("folder", bucket, blobs(9, seed=3))
    (bucket / "real" / "000.png").write_bytes(b"no picture")
    (reason,) = opened(f"s3://{bucket.name}/real/").unusable().values()
    assert reason.startswith(f"s3://{bucket.name}/real/000.png: ")


def test_the_same_pictures_hit_the_same_cache(
    ganeval: Command, tmp_path: Path, bucket: Path, s3: Server
) -> None:
    for kind in ("folder", "zip", "tar"):
        pictures = blobs(9, seed=3)
        path = write(kind, tmp_path, pictures)
        write(kind, bucket, pictures)
        s3.forget()
        assert "8 computed" in ganeval("extract", path, *RANDOM).out or kind != "folder"
        there = ganeval("extract", f"s3://{bucket.name}/{path.name}", *RANDOM)
        assert there.out.endswith("8 images, 0 computed\n"), there.err


def test_scores_from_s3_are_those_from_here(
    ganeval: Command, real: Path, fake: Path, bucket: Path
) -> None:
    shutil.copytree(real, bucket / "real")
    shutil.copytree(fake, bucket / "fake")
    here = ganeval("eval", real, fake, *JSON)
    there = ganeval("eval", f"s3://{bucket.name}/real", f"s3://{bucket.name}/fake", *JSON)
    assert values(there) == values(here)


def test_statistics_on_s3_are_a_reference(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path, bucket: Path, s3: Server
) -> None:
    path = tmp_path / "real.npz"
    assert ganeval("stats", "make", real, "-o", path, *RANDOM).code == 0
    shutil.copy(path, bucket)
    url = f"s3://{bucket.name}/real.npz"
    there = ganeval("fid", url, fake, *JSON)
    assert values(there) == values(ganeval("fid", path, fake, *JSON))
    card = report(there)["provenance"]["sources"][url]
    assert card["stats"]["path"] == url
    assert ganeval("stats", "inspect", url).out == ganeval("stats", "inspect", path).out
    (bucket / "real.npz").write_bytes(path.read_bytes()[:-100])
    s3.forget()
    assert url in refusal(ganeval("fid", url, fake, *RANDOM))


def test_the_headers_of_a_folder_are_read_in_parts(bucket: Path, proxy: Proxy) -> None:
    write("folder", bucket, noise(20, 256))  # of 197 kB each
    source = opened(f"s3://{bucket.name}/real")
    assert source.unusable() == {}
    asked = [passed for passed in proxy.passed if ".png" in passed.path.lower()]
    assert len(asked) == 19  # one for each
    assert sum(passed.num_bytes for passed in asked) < 19 * 40_000
    proxy.passed.clear()
    source.load(range(19))
    assert len(proxy.passed) == 19


def test_small_files_are_read_several_at_once(bucket: Path, proxy: Proxy) -> None:
    write("folder", bucket, blobs(9, seed=3))
    together = Barrier(4)

    def wait_for_others(method: str, path: str) -> None:
        if ".png" in path.lower():
            together.wait(timeout=10)

    proxy.refuses = wait_for_others
    source = opened(f"s3://{bucket.name}/real")
    assert source.unusable() == {}
    assert len(source.load(range(8))) == 8
    assert not together.broken


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_is_read_in_few_requests(kind: str, bucket: Path, proxy: Proxy) -> None:
    num_bytes = write(kind, bucket, noise(60, 128)).stat().st_size  # 3 MB
    source = opened(f"{kind}:s3://{bucket.name}/real.{kind}")
    assert source.unusable() == {}
    assert sum(passed.num_bytes for passed in proxy.passed) < 1.4 * num_bytes
    proxy.passed.clear()
    source.load(range(59))
    assert len(proxy.passed) < 12
    assert sum(passed.num_bytes for passed in proxy.passed) < 1.4 * num_bytes


def test_a_few_members_of_a_large_archive_cost_little(bucket: Path, proxy: Proxy) -> None:
    num_bytes = write("zip", bucket, noise(60, 128)).stat().st_size
    source = opened(f"s3://{bucket.name}/real.zip")
    proxy.passed.clear()
    source.load([5, 50])
    assert sum(passed.num_bytes for passed in proxy.passed) < num_bytes / 10


@pytest.mark.parametrize("where", ["here", "s3"])
def test_tars_are_read_in_their_order(where: str, tmp_path: Path, bucket: Path) -> None:
    place = bucket if where == "s3" else tmp_path
    base = f"s3://{bucket.name}" if where == "s3" else str(tmp_path)
    pictures = blobs(12, seed=4)
    for shard in range(12):
        # The second picture of a shard comes before the first of the next, whatever its name.
        files = {f"{9 - shard % 2}.png": png(pictures[shard]), f"{shard}.cls": b"7"}
        write_tar(place / f"faces-{shard:03}.tar", files)
    write_tar(place / "faces-004.tar", {"b.png": png(pictures[4]), "a.png": png(pictures[5])})
    source = opened(f"tar:{base}/faces-{{000..005}}.tar")
    assert source.info.kind == "tar"
    assert source.info.ignored == {"other files": 5}
    names = [item.name for item in source.load(range(len(source)))]
    assert names == [
        *(f"{base}/faces-{shard:03}.tar:{9 - shard % 2}.png" for shard in range(4)),
        *(f"{base}/faces-004.tar:a.png", f"{base}/faces-004.tar:b.png"),
        f"{base}/faces-005.tar:8.png",
    ]
    found = [item.picture().pixels for item in source.load(range(len(source)))]
    wanted = [*pictures[:4], pictures[5], pictures[4], pictures[5]]
    np.testing.assert_array_equal(found, np.stack(wanted).transpose(0, 3, 1, 2))
    bare = opened(f"{base}/faces-{{000..005}}.tar")
    assert [item.digest for item in bare.load([6, 0])] == [
        item.digest for item in source.load([6, 0])
    ]


def test_a_missing_tar_of_a_row_is_an_error(bucket: Path) -> None:
    write_tar(bucket / "f-0.tar", {"a.png": png(blobs(1, seed=1)[0])})
    with pytest.raises(InputError, match=r"f-1\.tar: nothing is there"):
        opened(f"tar:s3://{bucket.name}/f-{{0..1}}.tar")


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("where", ["here", "s3", "web"])
def test_an_archive_that_changes_is_noticed(
    kind: str, where: str, tmp_path: Path, bucket: Path, s3: Server, web: Server
) -> None:
    places = {"here": tmp_path, "s3": bucket, "web": web.root}
    bases = {"here": str(tmp_path), "s3": f"s3://{bucket.name}", "web": web.url}
    write(kind, places[where], blobs(9, seed=3))
    web.forget()
    source = opened(f"{bases[where]}/real.{kind}")
    assert source.unusable() == {}
    path = write(kind, places[where], blobs(9, seed=4, shift=2))
    os.utime(path, (1, 1))  # a server of the web may tell no more than the second
    s3.forget()
    web.forget()
    with pytest.raises(UnstableError, match="changed while it was read"):
        source.load(range(len(source)))


@pytest.mark.parametrize("changed", [0, 5])
def test_a_tar_of_a_row_that_changes_is_noticed(changed: int, tmp_path: Path) -> None:
    pictures = blobs(7, seed=4)
    for shard in range(6):
        write_tar(tmp_path / f"f-{shard}.tar", {"a.png": png(pictures[shard])})
    source = opened(f"{tmp_path}/f-{{0..5}}.tar")
    source.load(range(3))
    path = tmp_path / f"f-{changed}.tar"
    write_tar(path, {"a.png": png(pictures[6])})
    os.utime(path, (1, 1))
    with pytest.raises(UnstableError, match=rf"f-{changed}\.tar: changed while it was read"):
        source.load(range(3, 6))


def test_an_object_that_changes_is_noticed(
    bucket: Path, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("folder", bucket, blobs(9, seed=3))
    monkeypatch.setattr(reading, "KEPT_BYTES", 0)
    items = opened(f"s3://{bucket.name}/real").load([0, 1])
    (bucket / "real" / "000.png").write_bytes(png(blobs(1, seed=9)[0]))
    (bucket / "real" / "004.png").unlink()
    s3.forget()
    with pytest.raises(UnstableError, match=r"000\.png: changed while it was read"):
        items[0].picture()
    with pytest.raises(UnstableError, match=r"004\.png: cannot be read"):
        items[1].picture()


def test_a_network_that_fails_is_no_bad_picture(
    ganeval: Command, real: Path, bucket: Path, proxy: Proxy
) -> None:
    shutil.copytree(real, bucket / "real")

    proxy.refuses = lambda method, path: 403 if path.endswith("00020.png") else None
    words = ("--on-bad-image", "skip", "--max-bad", "100%", *RANDOM)
    line = refusal(ganeval("extract", f"s3://{bucket.name}/real", *words), code=4)
    assert "00020.png: " in line
    assert "Forbidden" in line or "Access Denied" in line


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("s3://BUCKET/nothing/", InputError, "s3://.*/nothing/: nothing is there"),
        ("folder:s3://BUCKET/nothing", InputError, "nothing is there"),
        ("zip:s3://BUCKET/nothing.zip", InputError, "nothing is there"),
        ("s3://no-such-bucket/real", InputError, "nothing is there"),
        ("s3://BUCKET/empty.txt", InputError, "an empty file"),
        ("folder:s3://BUCKET/empty.txt", InputError, "not a folder"),
        ("zip:s3://BUCKET/folder", InputError, "not a regular file"),
        ("s3://BUCKET/folder", InputError, "no images .other files: 1"),
        ("generator:s3://BUCKET/empty.txt", InputError, "a generator's file on a remote"),
        ("s4://BUCKET/real", UsageError, "Protocol not known: s4"),
        ("https://me:secret@host/a.zip", UsageError, "https://host: a credential in the URL"),
        ("https://host/a.zip?X-Amz-Signature=secret", UsageError, "a credential in the URL"),
        ("https://host/a/", InputError, "a folder on the web, which cannot be listed"),
        ("folder:https://host/a/", InputError, "a folder on the web, which cannot be listed"),
        ("http://127.0.0.1:9/a.zip", ResourceError, "Cannot connect to host"),
    ],
)
def test_what_cannot_be_a_source(
    text: str, kind: type[GanevalError], message: str, bucket: Path
) -> None:
    (bucket / "empty.txt").touch()
    (bucket / "folder").mkdir()
    (bucket / "folder" / "a.txt").touch()
    with pytest.raises(GanevalError, match=message) as caught:
        opened(text.replace("BUCKET", bucket.name))
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)


def test_offline_nothing_remote_is_read(ganeval: Command, fake: Path) -> None:
    for words in (
        ("fid", "s3://bucket/real.npz", fake),
        ("fid", fake, "folder:s3://bucket/real"),
        ("doctor", "https://host/a.zip"),
        ("fid", fake, fake, "--cache-dir", "s3://bucket/cache"),
    ):
        line = refusal(ganeval(*words, "--offline", "--extractor", "random"))
        assert "--offline is given" in line


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch, bucket: Path) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(ResourceError, match=r"pip install 'ganeval\[remote\]'"):
        opened(f"s3://{bucket.name}/real")


def test_a_server_that_sends_no_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, format: str, *args: object) -> None: ...

    write("zip", tmp_path, noise(9, 128))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            with pytest.raises(ResourceError, match=r"sent .* bytes where .* were asked for"):
                opened(f"http://127.0.0.1:{server.server_port}/real.zip")
        finally:
            server.shutdown()
