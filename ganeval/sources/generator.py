"""A network that makes images or clips, as a source."""

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from ganeval.audio.samples import checked_clip
from ganeval.errors import InputError, UnstableError, UsageError
from ganeval.generators.drawing import Drawing
from ganeval.generators.functions import as_network, name_of
from ganeval.generators.sampler import Pixels, Sampler
from ganeval.generators.terms import NUM_IMAGES, ImageLayout, ValueRange
from ganeval.generators.trial import try_out
from ganeval.images.picture import DecodePolicy
from ganeval.machine.devices import resolve_device
from ganeval.sources.arrays.memory import Images, images_source
from ganeval.sources.arrays.pixels import array_digest, numbers, to_picture
from ganeval.sources.base import Content, Item, Source, SourceInfo
from ganeval.sources.conditions import condition_batch, doubts_of_length
from ganeval.sources.fit import Fit
from ganeval.sources.items import KEPT_BYTES
from ganeval.sources.kinds import open_text


@dataclass(frozen=True, slots=True, eq=False)
class Generator(Drawing):
    """A network or function that makes images or clips of sound, as a source of them.

    Sample i is drawn from its own random stream, seeded by `seed` and i. It is always made in the
    same whole batch (number i // batch size), so it does not depend on how many samples are wanted,
    or which. The network is run in evaluation mode without gradients, and left as it was. Its code
    and attributes do not identify a network in memory; only its images do. So they are made each
    time it is scored, and features are found in the cache by the images.

    >>> import torch
    >>> layers = torch.nn.Linear(4, 3 * 8 * 8), torch.nn.Unflatten(1, (3, 8, 8)), torch.nn.Tanh()
    >>> network = torch.nn.Sequential(*layers)
    >>> sample = Generator(network, latent_size=4, value_range=(-1, 1), num_images=100)
    >>> shifted = Generator(lambda z: network(z + 1), latent_size=4, value_range=(-1, 1))

    Attributes:
        module: A network, or a function like one. It takes latents [B, latent_size], then int64
            labels [B] if there are classes, then, if it is paired, float32 conditions in [-1, 1]:
            pictures [B, 3, H, W] or clips [B, C, samples]. `inputs` overrides this. It returns
            floats, alone or among other things: images [B, 3, H, W] or [B, 1, H, W], or clips
            [B, samples] or [B, channels, samples].
        latent_size: Length of a latent vector; None for a network that takes none.
        value_range: The output values (low, high) that become 0 and 255 (see `quantise`); for
            clips, -1 and 1 without rounding.
        num_images: Number of samples of the source; None: as many as the reference that it is
            scored against, at most 50,000.
        prior: Distribution of the latents: standard normal, or uniform from -1 to 1.
        truncation: The largest absolute value of a normal latent; others are drawn again.
        latent_layout: "map" gives latents [B, latent_size, 1, 1].
        seed: Seed of the samples.
        name: Name of the source in messages and the report; None: the class of the module.
        num_classes: Number of classes; None: no labels.
        label_policy: Labels drawn uniformly, or balanced (`i % num_classes`).
        label_form: Labels as "index" (int64 [B]), "onehot" (float32 [B, num_classes]) or "float"
            (the index as float32 [B, 1]).
        inputs: The arguments of the network, in order, such as `"label,latent"`,
            `"latent,latent:32"`, `"[latent,latent]"` (a list) or `"condition"`; None: latent,
            label, condition, if there are any.
        noise: For a network that draws random numbers from torch's generator in forward: "random"
            draws them from the sample's seed, "fixed" gives all samples the same. Each sample is
            then made alone. None: such a network is refused.
        clamp: Clip values beyond `value_range`, for a network with unbounded output; otherwise
            such values are refused.
        image_layout: Layout of the output; "nhwc" is [B, H, W, C].
        image_output: Which output holds the images, if the network returns several things
            (`"1"`, `"sample"`); None: the only one that can.
        batch_size: Samples made at once; None: 16 on the CPU, 64 elsewhere. Another batch size may
            round a value differently; no difference above one grey level was seen.
        device: Where the module is.
        condition: The source of pictures or clips that a paired network makes its samples from.
        rate: Sampling rate of the clips that the network makes; None: it makes images.
    """

    module: torch.nn.Module | Callable[..., Any]
    value_range: ValueRange = field(kw_only=True)
    num_images: int | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    inputs: str | None = field(default=None, kw_only=True)
    clamp: bool = field(default=False, kw_only=True)
    image_layout: ImageLayout = field(default="nchw", kw_only=True)
    image_output: str | None = field(default=None, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    device: str = field(default="cpu", kw_only=True)
    condition: str | os.PathLike[str] | Images | None = field(default=None, kw_only=True)
    rate: int | None = field(default=None, kw_only=True)


def generator_source(
    generator: Generator,
    *,
    policy: DecodePolicy | None = None,
    location: str | None = None,
    fit: Fit | None = None,
    settings: Mapping[str, object] | None = None,
    offline: bool = False,
    from_file: bool = False,
) -> "GeneratorSource":
    """Return a network as a source, after trying it on eight samples.

    Args:
        generator: The network and how to sample it.
        policy: How the conditions become 8-bit RGB.
        location: As the user wrote it; None: the generator's name.
        fit: The size that images are brought to.
        settings: More settings of the source for the report, as JSON values.
        offline: Download no conditions.
        from_file: Whether file, entry and options determine the network. Then they identify its
            samples before these are made; otherwise the samples' pixels do.

    Raises:
        InputError: It cannot be scored; see `try_out`.
        UsageError: An option is out of its range.
        ResourceError: The device is not there.
    """
    count = NUM_IMAGES if generator.num_images is None else generator.num_images
    if count < 1:
        raise UsageError(f"num_images is {count}", "at least 1", "change it")
    name = generator.name or name_of(generator.module)
    conditions: Source | None = None
    if generator.condition is not None:
        thing, policy = generator.condition, policy or DecodePolicy()
        conditions = (
            images_source(thing, policy=policy)
            if isinstance(thing, Images)
            else open_text(os.fspath(thing), policy, offline=offline)
        )
    trial = try_out(
        Sampler(
            module=as_network(generator.module),
            drawing=generator,
            value_range=generator.value_range,
            name=name,
            image_layout=generator.image_layout,
            device=resolve_device(str(generator.device)),
            batch_size=generator.batch_size,
            conditions=None if conditions is None else partial(condition_batch, conditions),
            clamp=generator.clamp,
            inputs=generator.inputs,
            image_output=generator.image_output,
            rate=generator.rate,
        )
    )
    sampler, chosen = trial.sampler, fit or Fit()
    doubts = list(trial.doubts)
    if generator.rate is not None and conditions is not None:
        doubts += doubts_of_length(name, conditions, generator.rate, trial.extents[0])
    if generator.rate is not None and chosen != Fit():
        raise UsageError(
            f"{name}: a size is given, but the network makes clips",
            "options for clips",
            "leave size and crop out",
        )
    of_conditions: dict[str, object] = {}
    if conditions is not None:
        of_conditions["condition"] = conditions.info.location
        # The same pictures may be prepared in another way: another size, another background.
        of_conditions |= {f"condition_{key}": it for key, it in conditions.info.settings.items()}
    # Code and tensors do not determine an image alone: an object may hold a constant, the entry may
    # read a file. The pixels of the first samples show such a change too.
    identity = hashlib.sha256(sampler.identity() + trial.pixels).digest()
    return GeneratorSource(
        info=SourceInfo(
            kind="generator",
            location=location or name,
            count=count,
            content="picture" if generator.rate is None else "clip",
            noun=sampler.form.noun,
            settings=sampler.settings()
            | of_conditions
            | (chosen.settings() if generator.rate is None else {})
            | dict(settings or {}),
            sizes={(trial.extents[0], trial.extents[1]): count} if generator.rate is None else {},
            found={
                "observed_range": list(trial.observed),
                "normalisation": trial.normalisation,
                "output_channels": trial.channels,
                **_of_clips(generator.rate, trial.extents[0], count),
                "doubts": doubts,
            },
            fingerprint=identity.hex(),
        ),
        sampler=sampler,
        identity=identity if from_file else None,
        fit=chosen,
        conditions=conditions,
    )


def _of_clips(rate: int | None, num_samples: int, count: int) -> dict[str, object]:
    """Return what the trial has shown of a generator's clips; empty for pictures."""
    if rate is None:
        return {}
    seconds = num_samples / rate
    return {
        "output_samples": num_samples,
        "native_rates": {str(rate): count},
        "native_seconds": [seconds, seconds],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSource:
    """Numbered samples of a network.

    Attributes:
        info: Facts about it.
        sampler: What makes them.
        identity: SHA-256 of the network, of how it is sampled and of its first samples. It
            identifies the samples before they are made. None: their pixels identify them.
        fit: The size that images are brought to.
        conditions: What a paired network makes them from.
    """

    info: SourceInfo
    sampler: Sampler
    identity: bytes | None
    fit: Fit
    conditions: Source | None = None
    _lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    def __len__(self) -> int:
        return self.info.count

    def load(self, indices: Sequence[int]) -> list[Item]:
        """Return the samples at `indices` as items.

        With an identity, batches are made when contents are asked for; else they are made now. The
        first `KEPT_BYTES` of samples made now stay in memory. The others are made again later and
        must be the same.
        """
        size = self.sampler.micro_batch
        wanted: dict[int, set[int]] = {}
        for index in indices:
            wanted.setdefault(index // size, set()).add(index % size)
        batches = {
            number: _Batch(self.sampler, number, frozenset(places), self._lock)
            for number, places in wanted.items()
        }
        if self.identity is None:
            return self._load_by_pixels(indices, batches)
        paired = self.conditions
        made_from: list[bytes] = [b""] * len(indices)
        if paired is not None:
            made_from = [
                item.digest for item in paired.load([index % len(paired) for index in indices])
            ]
        return [
            Item(
                self._name(index),
                hashlib.sha256(self.identity + index.to_bytes(8, "little") + condition).digest(),
                partial(self._content, batches[index // size], index % size),
            )
            for index, condition in zip(indices, made_from, strict=True)
        ]

    def _load_by_pixels(
        self, indices: Sequence[int], batches: Mapping[int, "_Batch"]
    ) -> list[Item]:
        """Make the samples at `indices` and hash them."""
        size, left = self.sampler.micro_batch, KEPT_BYTES
        items = []
        for index in indices:
            batch, place = batches[index // size], index % size
            try:
                pixels = batch.take(place)
            except InputError as error:  # of this sample, or of its whole batch
                digest = hashlib.sha256(f"no image\n{error}".encode()).digest()
                items.append(Item(self._name(index), digest, partial(_fail, error)))
                continue
            digest = array_digest(pixels)
            left -= pixels.nbytes
            content = (
                partial(self._fitted, pixels)
                if left >= 0
                else partial(self._content_again, batch, place, self._name(index), digest)
            )
            items.append(Item(self._name(index), digest, content))
        return items

    def _name(self, index: int) -> str:
        """Return the name of a sample in messages."""
        return f"{self.sampler.name}[{index}]"

    def unusable(self) -> Mapping[int, str]:
        """Return nothing: the network was tried out when the source was opened."""
        return {}

    def lengths(self) -> Sequence[tuple[int, int]] | None:
        """Return samples and rate of each clip; None if they are pictures."""
        rate, num = self.sampler.rate, self.info.found.get("output_samples")
        return None if rate is None or not isinstance(num, int) else [(num, rate)] * len(self)

    def names(self) -> Sequence[str]:
        """Return the numbers of the samples."""
        return numbers(len(self))

    def labels(self) -> tuple[str, ...] | None:
        """Return the class that each sample is drawn with; the network is not run."""
        classes = self.sampler.drawing.classes(range(len(self)))
        return None if classes is None else tuple(map(str, classes))

    def _fitted(self, made: Pixels) -> Content:
        """Return a picture of the wanted size, or a clip."""
        rate = self.sampler.rate
        if rate is not None:
            return checked_clip(made, rate, name=self.sampler.name)
        return self.fit(to_picture(made))

    def _content(self, batch: "_Batch", place: int) -> Content:
        """Return one sample."""
        return self._fitted(batch.take(place))

    def _content_again(self, batch: "_Batch", place: int, name: str, digest: bytes) -> Content:
        """Return one sample that was made before, if it is still the same.

        Raises:
            UnstableError: It differs.
        """
        pixels = batch.take(place)
        if array_digest(pixels) != digest:
            raise UnstableError(
                f"{name}: a different {self.info.noun[:-1]} when it is made again",
                "a network that does not change during a run",
                f"do not train it meanwhile, and check what else its {self.info.noun} depend on",
            )
        return self._fitted(pixels)


def _fail(error: InputError) -> Content:
    """Raise why there is no sample."""
    raise InputError(error.found, error.needed, error.remedy)


class _Batch:
    """A whole batch, made on first use and kept until each of its images was taken."""

    def __init__(
        self, sampler: Sampler, number: int, places: frozenset[int], lock: threading.Lock
    ) -> None:
        self._sampler, self._number, self._places = sampler, number, places
        self._lock = lock  # of the network, which all batches share
        self._made: list[Pixels | InputError] = []
        self._left: set[int] = set()

    def take(self, place: int) -> Pixels:
        """Return an image of the batch, made again if all were taken already."""
        with self._lock:
            if not self._left:
                self._made = self._sampler.batch(self._number)
                self._left = set(self._places)
            result = self._made[place]
            self._left.discard(place)
            if not self._left:
                self._made = []
        if isinstance(result, InputError):
            raise InputError(result.found, result.needed, result.remedy)
        return result
