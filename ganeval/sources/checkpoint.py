"""Checkpoints of generators as sources: with our card, or of others with a few options."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch

from ganeval.errors import InputError, UsageError
from ganeval.generators.card import Card, card_text, parse_checkpoint, tensors_sha256
from ganeval.generators.drawing import LabelPolicy, LatentLayout, Prior
from ganeval.generators.entries import build, check_listed, parse_kwargs
from ganeval.generators.foreign import read_content
from ganeval.generators.nesting import fill
from ganeval.images.image import DecodePolicy
from ganeval.sources.fit import Crop, Fit
from ganeval.sources.generator import Generator, GeneratorSource, generator_source, named_device
from ganeval.sources.paths import check_regular_file, unreadable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GeneratorFile:
    """Read samples of a checkpoint: ours, or tensors by name with entry, latent_size, value_range.

    The fields but `location` are options; those that our card answers may be left out, and one that
    is given goes before the card.

    Attributes:
        location: The path of the checkpoint.
        num_images: How many samples the source has.
        seed: Of the samples.
        entry: `package.module:callable` that builds the network. Importing it runs its code.
        kwargs: Its keyword arguments as a JSON object, or `@file.json`.
        key: Which of several sets of tensors (`g_ema`).
        latent_size: Length of a latent vector.
        latent_layout: "map" gives latents [B, latent_size, 1, 1].
        prior: Of the latents; "normal" without a card.
        value_range: Of the output, `LOW,HIGH`.
        num_classes: Number of classes; none without a card.
        label_policy: See `Generator`.
        batch_size: See `Generator`.
        device: Where the network runs.
        condition: The pictures that a paired network makes its images from, a source whose own
            options stand behind semicolons (`data:edges;split=test`).
        size: Height and width that images are brought to.
        crop: See `Fit`.
    """

    location: str
    num_images: int = field(default=5000, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    entry: str | None = field(default=None, kw_only=True)
    kwargs: str | None = field(default=None, kw_only=True)
    key: str | None = field(default=None, kw_only=True)
    latent_size: int | None = field(default=None, kw_only=True)
    latent_layout: LatentLayout = field(default="vector", kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)
    value_range: str | None = field(default=None, kw_only=True)
    num_classes: int | None = field(default=None, kw_only=True)
    label_policy: LabelPolicy = field(default="uniform", kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    device: str = field(default="cpu", kw_only=True)
    condition: str | None = field(default=None, kw_only=True)
    size: int | None = field(default=None, kw_only=True)
    crop: Crop = field(default="none", kw_only=True)

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> GeneratorSource:
        """Build the network, fill it and try it out; `policy` is for its conditions, if it has any.

        Raises:
            InputError: The file is damaged, holds code, or does not fit its network; the network
                cannot be scored.
            UsageError: An option is missing or does not fit.
        """
        fit = Fit(self.size, self.crop)
        device = named_device(self.device)
        check_regular_file(self.location)
        try:
            data = Path(self.location).read_bytes()
        except OSError as error:
            raise unreadable(self.location, error) from error
        card, content = self._content(data)
        entry, latent_size, value_range = self._answers(card)
        if card is not None and self.entry is None:
            check_listed(entry, name=self.location)
        if self.kwargs is not None:
            kwargs = parse_kwargs(self.kwargs)
        else:
            kwargs = dict(card.kwargs) if card is not None else {}
        network = build(entry, kwargs)
        key = fill(network, content, name=self.location, key=self.key)
        if key and self.key is None:
            log.info("%s: the tensors under '%s' are used", self.location, key)
        generator = Generator(
            network.to(device),
            latent_size=latent_size,
            value_range=value_range,
            num_images=self.num_images,
            prior=self.prior or (cast(Prior, card.prior) if card is not None else "normal"),
            latent_layout=self.latent_layout,
            seed=self.seed,
            name=self.location,
            num_classes=self.num_classes or (card.num_classes if card is not None else None),
            label_policy=self.label_policy,
            batch_size=self.batch_size,
            device=self.device,
            condition=self.condition.replace(";", ",")
            if self.condition is not None
            else (card.condition if card is not None else None),
        )
        origin = {"entry": entry, "key": key, "weights": _weights(network)}
        return generator_source(
            generator,
            policy=policy,
            location=written or self.location,
            fit=fit,
            settings=origin,
        )

    def _content(self, data: bytes) -> tuple[Card | None, Mapping[str, Any]]:
        """Return the card, if there is one, and the tensors of the file."""
        if card_text(data) is not None:
            return parse_checkpoint(data, name=self.location)
        return None, read_content(data, name=self.location)

    def _answers(self, card: Card | None) -> tuple[str, int, tuple[float, float]]:
        """Return entry, latent size and value range, from the options or else the card."""
        entry, latent_size = self.entry, self.latent_size
        value_range = None if self.value_range is None else _parse_range(self.value_range)
        if card is not None:
            entry = entry or card.entry
            latent_size = latent_size or card.latent_size
            value_range = value_range or card.value_range
        if entry is None or latent_size is None or value_range is None:
            raise InputError(
                f"{self.location}: tensors without a card that says what network they are of",
                "the options entry, latent_size and value_range",
                f"generator:{self.location},entry=MODULE:CALLABLE,latent_size=N,value_range=-1,1 "
                "(and kwargs={...} if it takes any)",
            )
        return entry, latent_size, value_range


def _weights(network: torch.nn.Module) -> str:
    """Return the digest of a network's tensors as the report writes it."""
    return f"sha256:{tensors_sha256(network.state_dict())}"


def _parse_range(text: str) -> tuple[float, float]:
    """Read `LOW,HIGH`."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"value_range '{text}'", "LOW,HIGH as -1,1", "correct it") from error
    return low, high
