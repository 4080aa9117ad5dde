"""What every test gets: its own cache, no network, and a way to call the command line."""

import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch

from ganeval.cli.main import main
from tests.command import Command, Outcome
from tests.pictures import blobs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_BROWSER_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--on-device",
        metavar="NAME",
        help="device of the tests marked gpu (default: cuda where there is one, else cpu)",
    )


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """Where the tests marked gpu run, the same bodies on a GPU and on the CPU."""
    chosen = request.config.getoption("--on-device")
    return chosen or ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def seeming_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch say that there are two CUDA devices, the second of which is current."""
    for name, answer in {
        "is_available": True,
        "device_count": 2,
        "current_device": 1,
        "get_device_capability": (9, 0),
        "get_device_name": "Seeming GPU",
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the cache, the weights or the terminal of the user."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GANEVAL_CACHE", str(folder))
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    monkeypatch.delenv("GANEVAL_WEIGHTS", raising=False)
    return folder


@pytest.fixture(autouse=True)
def own_process_state() -> Iterator[None]:
    """The command line sets up logging and a signal's handler for a process of its own."""
    log = logging.getLogger("ganeval")
    before = signal.getsignal(signal.SIGTERM), log.handlers, log.propagate, log.level
    yield
    signal.signal(signal.SIGTERM, before[0])
    log.handlers, log.propagate = before[1], before[2]
    log.setLevel(before[3])


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine itself may be reached."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    def no_names(host: object, *args: object, **kwargs: object) -> list[object]:
        if host in ("127.0.0.1", "::1", "localhost", None):
            return resolve(host, *args, **kwargs)  # type: ignore[arg-type, return-value]
        raise socket.gaierror(f"a test tried to reach {host}")

    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", local_only)
    monkeypatch.setattr(socket, "getaddrinfo", no_names)


@pytest.fixture
def ganeval(capsys: pytest.CaptureFixture[str]) -> Command:
    """Call the command line in this process."""

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, captured.out, captured.err)

    return call


@pytest.fixture
def write_pictures() -> Callable[[Path, npt.NDArray[np.uint8]], Path]:
    """Write uint8 [N, H, W, 3] as numbered PNG files into a new folder."""

    def write(folder: Path, pictures: npt.NDArray[np.uint8]) -> Path:
        folder.mkdir(parents=True)
        for number, picture in enumerate(pictures):
            PIL.Image.fromarray(picture).save(folder / f"{number:05}.png")
        return folder

    return write


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one network as `g.onnx` (and `g.onnx.data`), `g.ts` and `g.pt2`."""
    from tests.exported import write_exported  # torch.onnx is slow to import

    return write_exported(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def real(tmp_path: Path, write_pictures: Callable[..., Path]) -> Path:
    """Thirty pictures that stand for real ones."""
    return write_pictures(tmp_path / "real", blobs(30, seed=1))


@pytest.fixture
def fake(tmp_path: Path, write_pictures: Callable[..., Path]) -> Path:
    """Twenty-five pictures that stand for generated ones."""
    return write_pictures(tmp_path / "fake", blobs(25, seed=2, shift=12))


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium as the system has it, with a profile of its own that goes away."""
    from playwright.sync_api import sync_playwright  # slow to import

    path = next(filter(None, map(shutil.which, _BROWSER_NAMES)), None)
    if path is None:
        reason = "no Chromium here, so no page is opened in a browser (scripts/test gets it)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_BROWSER_FLAGS))
        yield browser
        browser.close()
