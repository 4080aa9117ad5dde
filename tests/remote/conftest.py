"""Servers and clients that know them."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import fsspec
import pytest
import s3fs

from tests.remote.proxy import Proxy
from tests.remote.servers import Server, client_settings, s3_server

Connect = Callable[..., None]


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One S3 server for all tests, each of which has a bucket of its own."""
    server = s3_server(tmp_path_factory.mktemp("buckets"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One web server for all tests."""
    server = Server("http", tmp_path_factory.mktemp("web"))
    yield server
    server.kill()


@pytest.fixture
def own_s3(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Start an S3 server that the test may kill; all of one test have the same buckets."""
    root = tmp_path / "buckets"
    root.mkdir()
    with ExitStack() as servers:

        def start() -> Server:
            server = s3_server(root)
            servers.callback(server.kill)
            return server

        yield start


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Make a server the one that s3:// goes to, as `connect(server.url, secret="...")`."""

    def connect(url: str, **credentials: str) -> None:
        for name, value in client_settings(url, **credentials).items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()  # connected as the settings were

    yield connect
    s3fs.S3FileSystem.clear_instance_cache()
    fsspec.get_filesystem_class("http").clear_instance_cache()


@pytest.fixture
def bucket(s3: Server, connect: Connect) -> Path:
    """The folder of a new bucket, which is called like it."""
    connect(s3.url)
    folder = s3.root / f"bucket-{uuid.uuid4().hex}"
    folder.mkdir()
    s3.forget()
    return folder


@pytest.fixture
def proxy(s3: Server, bucket: Path, connect: Connect) -> Iterator[Proxy]:
    """A proxy before the server of the bucket, which s3:// goes to now."""
    proxy = Proxy(s3.url)
    connect(proxy.url)
    yield proxy
    proxy.close()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Work from now on as another machine, whose own cache is in the folder that is returned."""

    def machine(name: str) -> Path:
        monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path / name))
        return tmp_path / name

    return machine
