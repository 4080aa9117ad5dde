"""Bad input: weight files that are missing, damaged, hostile or another network's."""

import hashlib
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ganeval.extractors.weights import WEIGHTS, find
from tests.bad_input.outcomes import files, refusal, shards
from tests.command import Command

NAME = WEIGHTS["inception"].file_names[0]
SHA256 = WEIGHTS["inception"].sha256
LITE = "efficientnet-lite0"
LITE_NAME = WEIGHTS[LITE].file_names[0]

WRONG = {
    b"": "is empty (0 bytes)",
    b"<!DOCTYPE html>\n<html><body>Not found</body></html>": "is an HTML page, not a weight file",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:67\n": "is a git-lfs pointer",
    b"PK\x03\x04" + bytes(5000): "is cut short (5,004 of 95,628,359 bytes)",
}


class Payload:
    """A Python object whose loading makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that GANEVAL_WEIGHTS names."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("GANEVAL_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, opened)


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize(("content", "finding"), WRONG.items())
@pytest.mark.parametrize("place", ["variable", "torch hub"])
def test_a_file_that_is_something_else(
    ganeval: Command,
    real: Path,
    own_cache: Path,
    own_folder: Path,
    content: bytes,
    finding: str,
    place: str,
) -> None:
    hub = own_cache / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    path = (own_folder if place == "variable" else hub) / NAME
    path.write_bytes(content)
    for words in (("fid", real, real), ("weights", "verify"), ("weights", "fetch")):
        line = refusal(ganeval(*words), code=4)
        assert f"{path}: {finding}" in line
        assert f"the weights of inception have SHA-256 {SHA256}" in line
        assert "delete it and run `ganeval weights fetch inception`" in line
    assert path.read_bytes() == content  # it is the user's, and perhaps evidence


@pytest.mark.usefixtures("no_sockets")
def test_a_flipped_bit(ganeval: Command, real: Path, own_folder: Path, own_cache: Path) -> None:
    installed = find(LITE)
    assert installed is not None
    content = bytearray(installed.read_bytes())
    content[len(content) // 2] ^= 1
    path = own_folder / LITE_NAME
    path.write_bytes(content)
    line = refusal(ganeval("fid", real, real, "--extractor", LITE), code=4)
    assert f"{path}: is damaged (the size is right, the content is not)" in line
    assert WEIGHTS[LITE].sha256 in line
    assert hashlib.sha256(content).hexdigest() in line
    assert "delete it" in line
    assert shards(own_cache) == []


class Cutting(http.server.BaseHTTPRequestHandler):
    """Announces 60,000 bytes and hangs up after half of them."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "60000")
        self.end_headers()
        self.wfile.write(b"PK\x03\x04" + bytes(29_996))

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def cutting_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Cutting)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/{NAME}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setitem(WEIGHTS, "inception", replace(WEIGHTS["inception"], url=url))
    yield url
    server.shutdown()
    server.server_close()
    thread.join()


def assert_ways_out(line: str) -> None:
    for way in (
        f"{NAME} (weights of inception) is not in ",
        f"a file with SHA-256 {SHA256}",
        "(1) run `ganeval weights fetch inception` on a machine with network",
        "GANEVAL_WEIGHTS",
        "(2) download http",
        f"(3) use --extractor {LITE}",
    ):
        assert way in line


def test_a_download_that_is_cut(
    ganeval: Command, real: Path, own_cache: Path, cutting_server: str
) -> None:
    for words in (("fid", real, real), ("weights", "fetch")):
        line = refusal(ganeval(*words), code=4)
        assert "downloading it failed" in line
        assert cutting_server in line
        assert_ways_out(line)
        assert files(own_cache) == []


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_download_that_is_stopped(
    ganeval: Command,
    real: Path,
    own_cache: Path,
    cutting_server: str,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    calls = []

    class Stopped(torch.hub.tqdm):  # type: ignore[misc]
        def update(self, num: int) -> None:
            calls.append(len(files(own_cache)))
            raise failure

    monkeypatch.setattr(torch.hub, "tqdm", Stopped)
    found = ganeval("weights", "fetch")
    assert calls == [1]
    assert found.code == (130 if isinstance(failure, KeyboardInterrupt) else 4)
    assert found.out == ""
    assert len(found.err.split("\n\n")[-1].strip().splitlines()) == 1
    assert files(own_cache) == []


@pytest.mark.usefixtures("no_sockets")
def test_offline(ganeval: Command, real: Path, own_cache: Path) -> None:
    for words in (("fid", real, real, "--offline"), ("weights", "fetch", "--offline")):
        line = refusal(ganeval(*words), code=4)
        assert "--offline rules out a download" in line
        assert_ways_out(line)
    assert "are not on this machine" in refusal(ganeval("weights", "path"), code=4)
    assert files(own_cache) == []


def test_a_variable_that_names_no_folder(
    ganeval: Command, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANEVAL_WEIGHTS", str(real / "00000.png"))
    line = refusal(ganeval("fid", real, real), code=4)
    assert f"GANEVAL_WEIGHTS is '{real}/00000.png', which is not a folder" in line


@pytest.mark.parametrize(("content", "finding"), list(WRONG.items())[:3])
def test_a_file_of_the_users_own(
    ganeval: Command, real: Path, tmp_path: Path, content: bytes, finding: str
) -> None:
    for suffix in (".pt", ".pth", ".safetensors"):
        path = tmp_path / f"mine{suffix}"
        path.write_bytes(content)
        line = refusal(ganeval("fid", real, real, "--weights", path), code=4)
        assert f"{path}: {finding}" in line


def test_a_truncated_file_of_the_users_own(ganeval: Command, real: Path, tmp_path: Path) -> None:
    state = {"weight": torch.ones(100, 100)}
    for name in ("mine.pt", "mine.safetensors"):
        path = tmp_path / name
        if path.suffix == ".pt":
            torch.save(state, path)
        else:
            save_file(state, path)
        content = path.read_bytes()
        for length in (7, 40, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:length])
            line = refusal(ganeval("fid", real, real, "--weights", path), code=4)
            assert str(path) in line
            assert "weights_only" not in line


def test_a_file_that_runs_code(ganeval: Command, real: Path, tmp_path: Path) -> None:
    trap, path = tmp_path / "trap", tmp_path / "mine.pt"
    torch.save({"weight": Payload(trap)}, path)
    line = refusal(ganeval("fid", real, real, "--weights", path), code=4)
    assert f"{path}: contains Python objects, which are code (posix.mkdir)" in line
    assert not trap.exists()
    torch.load(path, weights_only=False)
    assert trap.exists()  # the trap itself works


def test_another_network(ganeval: Command, real: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    torch.save(torch.nn.Linear(3, 2).state_dict(), path)
    for extractor in ("inception", LITE):
        line = refusal(
            ganeval("fid", real, real, "--extractor", extractor, "--weights", path), code=4
        )
        assert f"{path}: weights of another network: " in line
        assert "tensors missing (" in line
        assert "2 tensors unknown (weight, bias)" in line


def test_no_such_file(ganeval: Command, real: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    assert f"{path}: no such file; " in refusal(ganeval("fid", real, real, "--weights", path))
    line = refusal(ganeval("fid", real, real, "--weights", tmp_path))
    assert str(tmp_path) in line
