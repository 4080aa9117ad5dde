"""Every option that the scoring commands and functions share, in one value."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ganeval.errors import UsageError
from ganeval.extractors.base import Precision
from ganeval.generators.options import GeneratorOptions
from ganeval.images.picture import DecodePolicy
from ganeval.machine.progress import Progress, silent
from ganeval.machine.team import ALONE, Team
from ganeval.registry import check_types, unknown
from ganeval.sources.clusters import ClusterBy

Engine = Literal["local", "ray"]
PairBy = Literal["name", "index"]

# The smallest and the largest value of each; a larger batch fits into no machine's memory.
_LIMITS: Mapping[str, tuple[int, int | None]] = {
    "num_images": (1, None),
    "batch_size": (1, 1_000_000),
    "workers": (0, 10_000),
    "seed": (0, None),
    "memory": (10_000_000, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to score.

    Attributes:
        extractor: Name of the network.
        weights: The user's own weight file for it.
        networks: Further networks by short names, which follow "@" in a metric's text.
        protocol: Name of the conventions.
        num_images: Use a seeded random subset of so many images of each side; a generator makes so
            many.
        pair_by: Whether partners in two sources have the same name, or the same place in the order.
        cluster_by: What items that are not independent have in common, so that errors are taken
            over clusters of them: the folder, or the name without its last part ("img12" of
            "img12_crop3.png"); None if all are independent.
        batch_size: Images in one pass of the network; None for the device's own size.
        engine: Where shards are computed: here, or on a Ray cluster.
        device: "auto", "cpu", "cuda", "cuda:1", "mps", or a torch.device, for the networks that
            score; a generator has a device of its own.
        precision: Precision of the network; scores of different precision are not comparable.
        workers: Decoding threads; None for one per core.
        seed: Seed of every random choice.
        memory: Bytes that metrics may take beyond the features; features larger than a quarter of
            it are mapped from disk. No score depends on it.
        decode: How pictures become 8-bit RGB.
        generator: Options of the generators' files among the sources, if the text of a source does
            not give them itself.
        on_bad_image: Refuse a source with a picture that cannot be used, or skip it and say so.
        max_bad: The largest share of pictures that may be skipped.
        cache_dir: Where features are kept: a folder, or a URL that machines share; None for the
            user's cache folder.
        cache: False keeps features for this run only.
        rehash: Read all files again, even those that have not changed since the last run.
        trust_times: Rely on the times of files on any file system, also on a network, to tell which
            have changed since the last run.
        offline: Never open a network connection.
        gallery: Keep small copies of some pictures for an HTML report.
        progress: Called with how far the work is.
        command: Recorded in the provenance.
        team: The processes that share the work, which the command line finds under torchrun.
    """

    extractor: str = "inception"
    weights: Path | None = None
    networks: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "standard"
    num_images: int | None = None
    pair_by: PairBy = "name"
    cluster_by: ClusterBy | None = None
    batch_size: int | None = None
    engine: Engine = "local"
    device: str = "auto"
    precision: Precision = "float32"
    workers: int | None = None
    seed: int = 0
    memory: int = 10**9
    decode: DecodePolicy = field(default_factory=DecodePolicy)
    generator: GeneratorOptions = field(default_factory=GeneratorOptions)
    on_bad_image: Literal["error", "skip"] = "error"
    max_bad: float = 0.01
    cache_dir: Path | str | None = None
    cache: bool = True
    rehash: bool = False
    trust_times: bool = False
    offline: bool = False
    gallery: bool = False
    progress: Progress = silent
    command: str = "ganeval.evaluate"
    team: Team = ALONE

    def __post_init__(self) -> None:
        """Convert what stands for a text or a path, and refuse values that no command could use."""
        if type(self.device).__module__ == "torch":  # a torch.device
            object.__setattr__(self, "device", str(self.device))
        if isinstance(self.weights, str):
            object.__setattr__(self, "weights", Path(self.weights))
        if self.engine not in get_args(Engine):
            raise unknown("engine", str(self.engine), get_args(Engine))
        for one in (self, self.decode, self.generator):
            check_types(one)
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if value is None or least <= value <= (value if most is None else most):
                continue
            needed = f"at least {least:,}" if value < least else f"at most {most:,}"
            raise UsageError(f"{name} is {value}", needed, "change the value")
        if self.engine != "local" and self.team.size > 1:
            raise UsageError(
                f"--engine {self.engine} under torchrun", "one of them", "drop the other"
            )


# The fields of these are keyword options too.
_GROUPS: Mapping[str, type[DecodePolicy] | type[GeneratorOptions]] = {
    "decode": DecodePolicy,
    "generator": GeneratorOptions,
}


def build_settings(options: Mapping[str, Any]) -> Settings:
    """Return settings from keyword options, including the fields of its groups.

    Raises:
        UsageError: An option does not exist; names the most similar one.
    """
    homes = {
        entry.name: group for group, cls in _GROUPS.items() for entry in dataclasses.fields(cls)
    }
    names = [entry.name for entry in dataclasses.fields(Settings)]
    for name in options:
        if name not in names and name not in homes:
            raise unknown("option", name, [*names, *homes])
    own = {name: value for name, value in options.items() if name in names}
    for group, cls in _GROUPS.items():
        given = {name: value for name, value in options.items() if homes.get(name) == group}
        if given:
            own[group] = dataclasses.replace(own.get(group, cls()), **given)
    return Settings(**own)
