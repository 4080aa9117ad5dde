"""A cache on S3: the level behind the local one, which machines share."""

import json
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import safetensors.numpy
import torch

import ganeval as package
from ganeval.extractors.random_network import RandomNetwork
from ganeval.features import jobs
from ganeval.features.shared import SharedFiles
from ganeval.flow import compute as flow_compute
from ganeval.machine import remote
from tests.bad_input.outcomes import JSON, RANDOM, files, refusal, report, shards, values
from tests.command import Command
from tests.remote.proxy import Proxy
from tests.remote.servers import Server

Machine = Callable[[str], Path]

FILES = 8
"""Files of one side: two layers, "pool" and "logits", of four parts."""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let thirty pictures make four parts, and twenty-five also."""
    monkeypatch.setattr(jobs, "SHARD_SIZE", 8)


@pytest.fixture
def there(bucket: Path) -> tuple[str, str]:
    """The options for a cache in the bucket."""
    return ("--cache-dir", f"s3://{bucket.name}/team/cache")


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count what goes through the network."""
    sizes: list[int] = []
    call = RandomNetwork.__call__

    def counting(self: RandomNetwork, batch: torch.Tensor, layers: Sequence[str]) -> object:
        sizes.append(len(batch))
        return call(self, batch, layers)

    monkeypatch.setattr(RandomNetwork, "__call__", counting)
    return sizes


def stored(bucket: Path) -> dict[str, bytes]:
    """The shards in a bucket."""
    return {path.name: path.read_bytes() for path in shards(bucket / "team" / "cache")}


def derived(cache: Path) -> dict[str, bytes]:
    """The derived values in a cache: results of metrics among them."""
    folder = cache / "shards" / "derived"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_another_machine_computes_nothing(
    ganeval: Command,
    real: Path,
    fake: Path,
    there: tuple[str, str],
    bucket: Path,
    machine: Machine,
    batches: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_result(*_: object) -> None:
        raise AssertionError("a metric was computed")

    words = ("eval", real, fake, *JSON, *there)
    one = machine("one")
    first = ganeval(*words)
    assert len(batches) == 8
    assert stored(bucket) == {path.name: path.read_bytes() for path in shards(one)}
    assert len(stored(bucket)) == 2 * FILES
    assert derived(bucket / "team" / "cache") == derived(one)
    two = machine("two")
    monkeypatch.setattr(flow_compute, "keep_result", no_result)
    second = ganeval(*words)
    assert len(batches) == 8
    assert second.out == first.out
    read = {path.name: path.read_bytes() for path in shards(two)}
    assert read.items() < stored(bucket).items()  # no metric looks at the reference's logits
    assert len(read) == 2 * FILES - 4
    assert derived(two).items() < derived(one).items()  # what results were made of is not needed
    assert not list((two / "shards" / "tmp").iterdir())


def test_parts_of_two_machines_are_found_by_a_third(
    ganeval: Command, real: Path, there: tuple[str, str], machine: Machine
) -> None:
    words = ("extract", real, *RANDOM, *there)
    machine("one")
    assert "2 of 4 shards, 16 images, 16 computed" in ganeval(*words, "--part", "0/2").out
    machine("two")
    assert "2 of 4 shards, 14 images, 14 computed" in ganeval(*words, "--part", "1/2").out
    machine("three")
    assert "4 of 4 shards, 30 images, 0 computed" in ganeval(*words).out


@pytest.mark.parametrize("damage", ["truncated", "empty", "changed", "foreign"])
def test_a_damaged_object_is_computed_and_stored_again(
    damage: str,
    ganeval: Command,
    real: Path,
    there: tuple[str, str],
    bucket: Path,
    s3: Server,
    proxy: Proxy,
    machine: Machine,
) -> None:
    words = ("extract", real, *RANDOM, *there)
    machine("one")
    ganeval(*words)
    good = stored(bucket)
    path, other = shards(bucket / "team" / "cache")[:2]
    num = len(safetensors.numpy.load_file(path)["features"])
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    bad = {
        "truncated": bytes(content[:-9]),
        "empty": b"",
        "changed": bytes(content),
        "foreign": other.read_bytes(),
    }
    path.write_bytes(bad[damage])
    s3.forget()
    machine("two")
    proxy.passed.clear()
    outcome = ganeval(*words)
    assert f"{there[1]}/shards/{path.parent.name}/{path.name}: damaged cache file" in outcome.err
    assert f"30 images, {num} computed" in outcome.out
    puts = [passed.path for passed in proxy.passed if passed.method == "PUT"]
    assert [put.rpartition("/")[2] for put in puts] == ["ganeval-cache", path.name]
    assert stored(bucket) == good


def test_what_only_this_machine_has_is_stored(
    ganeval: Command,
    real: Path,
    there: tuple[str, str],
    bucket: Path,
    s3: Server,
    machine: Machine,
    batches: list[int],
) -> None:
    one = machine("one")
    ganeval("extract", real, *RANDOM)
    assert stored(bucket) == {}
    words = ("extract", real, *RANDOM, *there)
    assert "30 images, 0 computed" in ganeval(*words).out
    good = stored(bucket)
    assert good == {path.name: path.read_bytes() for path in shards(one)}
    path = shards(bucket / "team" / "cache")[0]
    path.write_bytes(b"cut")
    s3.forget()
    outcome = ganeval(*words)
    assert "3 bytes long; storing it again" in outcome.err
    assert stored(bucket) == good


def test_a_server_that_dies_ends_the_run_and_the_next_one_goes_on(
    ganeval: Command,
    real: Path,
    connect: Callable[..., None],
    own_s3: Callable[[], Server],
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = own_s3()
    bucket = server.root / "bucket"
    bucket.mkdir()
    connect(server.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = SharedFiles.store

    def dying(self: SharedFiles, name: str, content: bytes) -> None:
        store(self, name, content)
        if len(shards(bucket)) == 5:  # of two parts, and one layer of the third
            server.kill()

    machine("one")
    words = ("extract", real, *RANDOM, "--cache-dir", "s3://bucket")
    with monkeypatch.context() as patched:
        patched.setattr(SharedFiles, "store", dying)
        line = refusal(ganeval(*words), code=4)
    assert "s3://bucket/shards/" in line
    left = {path: path.read_bytes() for path in shards(bucket)}
    assert len(left) == 5
    connect(own_s3().url)
    machine("two")
    assert "30 images, 14 computed" in ganeval(*words).out
    whole = {path: path.read_bytes() for path in shards(bucket)}
    assert len(whole) == FILES
    assert left.items() < whole.items()


@pytest.mark.parametrize(
    ("url", "credentials", "status", "message"),
    [
        ("s3://no-such-bucket/x", {}, None, "The specified bucket does not exist"),
        ("s3://BUCKET/x", {"secret": "wrong-secret"}, None, "signature"),
        ("s3://BUCKET/x", {"key": "nobodyskey"}, None, "Access Key Id"),
        ("s3://BUCKET/x", {"key": "", "secret": ""}, None, "Unable to locate credentials"),
        ("s3://BUCKET/x", {}, 403, "Access Denied"),
        ("s4://BUCKET/x", {}, None, "Protocol not known"),
        ("http://127.0.0.1:9/x", {}, None, "Cannot connect"),
    ],
)
def test_a_cache_that_cannot_be_used_is_refused_before_the_work(
    url: str,
    credentials: dict[str, str],
    status: int | None,
    message: str,
    ganeval: Command,
    real: Path,
    bucket: Path,
    proxy: Proxy,
    connect: Callable[..., None],
    batches: list[int],
) -> None:
    connect(proxy.url, **credentials)
    proxy.refuses = lambda method, path: status if method == "PUT" else None
    url = url.replace("BUCKET", bucket.name)
    code = 2 if url.startswith("s4") else 4
    line = refusal(ganeval("extract", real, *RANDOM, "--cache-dir", url), code=code)
    assert url in line
    assert message in line
    assert "wrong-secret" not in line
    assert batches == []


def test_a_bucket_that_becomes_read_only_ends_the_run(
    ganeval: Command, real: Path, there: tuple[str, str], proxy: Proxy
) -> None:
    def refuses(method: str, path: str) -> int | None:
        return 403 if method == "PUT" and path.endswith(".safetensors") else None

    proxy.refuses = refuses
    assert "Access Denied" in refusal(ganeval("extract", real, *RANDOM, *there), code=4)


def test_a_server_that_is_busy_is_asked_again(
    ganeval: Command, real: Path, there: tuple[str, str], bucket: Path, proxy: Proxy
) -> None:
    busy = [503, 503]
    proxy.refuses = lambda method, path: busy.pop() if busy and "safetensors" in path else None
    assert "30 computed" in ganeval("extract", real, *RANDOM, *there).out
    assert busy == []
    assert len(stored(bucket)) == FILES


def test_a_server_that_never_answers(
    ganeval: Command,
    real: Path,
    connect: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "_SECONDS_TO_WRITE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect(f"http://127.0.0.1:{silent.getsockname()[1]}")
        line = refusal(ganeval("extract", real, *RANDOM, "--cache-dir", "s3://b/x"), code=4)
    assert "s3://b/x/shards/ganeval-cache: no answer" in line


def test_requests_for_each_file_are_few(
    ganeval: Command,
    real: Path,
    fake: Path,
    there: tuple[str, str],
    proxy: Proxy,
    machine: Machine,
) -> None:
    extract = ("extract", real, *RANDOM, *there)
    scores = ("eval", real, fake, *RANDOM, "--metrics", "fid,kid", *there)

    def asked(words: Sequence[object]) -> Mapping[str, int]:
        proxy.passed.clear()
        assert ganeval(*words).code == 0
        requests = [(passed.method, passed.path) for passed in proxy.passed]
        assert len(set(requests)) == len(requests)  # no file is looked for or stored twice
        assert requests[0][1].endswith("/shards/ganeval-cache")  # says what the folder is
        return Counter(
            f"{method} {'derived' if '/derived/' in path else 'shard'}"
            for method, path in requests[1:]
        )

    machine("one")
    assert asked(extract) == {"GET shard": FILES, "PUT shard": FILES}
    assert asked(extract) == {"HEAD shard": FILES}
    machine("two")
    assert asked(extract) == {"GET shard": FILES}
    asked(scores)
    assert asked(scores) == {"HEAD shard": FILES, "HEAD derived": 2}  # "pool" of both sides
    machine("three")
    assert asked(scores) == {"GET shard": FILES, "GET derived": 2}


def test_the_environment_names_a_shared_cache(
    ganeval: Command,
    real: Path,
    bucket: Path,
    there: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GANEVAL_CACHE", there[1])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert "30 computed" in ganeval("extract", real, *RANDOM).out
    assert len(stored(bucket)) == FILES
    assert len(shards(tmp_path / "home" / "ganeval")) == FILES
    assert there[1] in refusal(ganeval("extract", real, *RANDOM, "--offline"))
    assert "0 computed" in ganeval("extract", real, *RANDOM, "--cache-dir", *there[1:]).out
    own = tmp_path / "own"
    assert "30 computed" in ganeval("extract", real, *RANDOM, "--cache-dir", own).out


def test_upkeep_of_a_shared_cache(
    ganeval: Command, real: Path, there: tuple[str, str], own_cache: Path, bucket: Path
) -> None:
    assert ganeval("cache", "info", *there).out.splitlines() == [
        f"{there[1]}/shards: 0 shards, 0.0 MiB",
        f"{own_cache}/shards: 0 shards, 0.0 MiB",
        f"{own_cache}/index: records of the files of 0 sources, 0.0 MiB",
    ]
    ganeval("extract", real, *RANDOM, *there)
    for line in ganeval("cache", "info", *there).out.splitlines()[:2]:
        assert f": {FILES} shards, " in line
    for command in ("prune", "clear"):
        line = refusal(ganeval("cache", command, *there))
        assert f"--cache-dir {own_cache}" in line
    assert len(stored(bucket)) == len(shards(own_cache)) == FILES


def test_a_file_system_without_whole_writes(
    ganeval: Command, real: Path, tmp_path: Path, machine: Machine
) -> None:
    shared = tmp_path / "mounted" / "cache"
    words = ("extract", real, *RANDOM, "--cache-dir", f"file://{shared}")
    machine("one")
    assert "30 computed" in ganeval(*words).out
    machine("two")
    assert "0 computed" in ganeval(*words).out
    assert len(shards(shared)) == FILES
    assert len(files(shared)) == FILES + 1  # which says what the folder is


def test_in_python_a_url_is_text(
    real: Path, fake: Path, there: tuple[str, str], bucket: Path, ganeval: Command, machine: Machine
) -> None:
    machine("one")
    made = package.evaluate(
        sample=fake, reference=real, metrics=["fid"], extractor="random", cache_dir=there[1]
    )
    assert len(stored(bucket)) == 2 * FILES
    machine("two")
    again = ganeval("fid", real, fake, *JSON, *there)
    assert values(again) == {"fid": made["fid"].value}
    assert "s3" not in json.dumps(
        {name: value for name, value in report(again)["provenance"].items() if name != "command"}
    )
