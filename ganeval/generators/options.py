"""The options of a generator's file, defined once for every place that has them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganeval.errors import UsageError
from ganeval.generators.terms import (
    ImageLayout,
    LabelForm,
    LabelPolicy,
    LatentLayout,
    Noise,
    Prior,
    ValueRange,
)
from ganeval.machine.json_text import parse_json

_KWARGS = 'a JSON object such as {"size": 64}, or @file.json'


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorOptions:
    """Options of a generator's file; without an option the file decides, or else the default.

    The fields are the options of the source kind `generator`, of `ganeval sample` and of every
    scoring command, and keyword options of `ganeval.evaluate`. An option that is given takes
    precedence over the file.

    Attributes:
        entry: `package.module:callable` that builds the network. Importing it runs its code.
        kwargs: Its keyword arguments: a mapping, a JSON object as text, or `@file.json`.
        key: Which of several sets of tensors (`g_ema`); "." is the top of the file.
        allow_missing: Buffers that the file may lack, patterns of their names with commas between
            them (`"noises.*"`). They keep the values that the entry gives them.
        submodule: Which part of the entry's network makes the images (`"decoder"`).
        latent_size: Length of a latent vector.
        latent_layout: "vector" (default) gives latents [B, latent_size], "map" [B, latent_size, 1,
            1].
        prior: Prior of the latents: "normal" (default), or "uniform" from -1 to 1.
        truncation: The largest absolute value of a normal latent; others are drawn again.
        num_classes: Number of classes; the default is no labels.
        label_policy: Labels drawn uniformly (default), or "balanced" (`i % num_classes`).
        label_form: Labels as "index" (int64 [B], default), "onehot" (float32 [B, num_classes]) or
            "float" (the index as float32 [B, 1]).
        inputs: The arguments of the network, in order: `label,latent`, `latent,latent:32` (a second
            latent of another length), `[latent,latent]` (a list), `condition`. The default is
            latent, label, condition, if there are any.
        noise: For a network that draws random numbers of its own in forward: "random" draws them
            from the sample's seed, "fixed" gives all samples the same. The default refuses it.
        value_range: Range of the output, `LOW,HIGH` or two numbers: these become 0 and 255, or -1
            and 1 for clips.
        clamp: Clip values beyond the range, for a network with unbounded output whose own code
            clips them (StyleGAN, ProGAN); the default refuses them.
        image_layout: Layout of the output: "nchw" (default) or "nhwc".
        image_output: Which output holds the images, if the network returns several things: `1`,
            `sample`, `0.image`. The default is the only one that can.
        rate: Sampling rate, for a network that makes clips of sound. The default is images.
        condition: The source of pictures that an image-to-image network makes its images from.
            Within the text of a source, its options follow semicolons (`data:edges;split=test`).
        trust: Run a file that is a program (TorchScript, torch.export).
    """

    entry: str | None = None
    kwargs: str | Mapping[str, Any] | None = None
    key: str | None = None
    allow_missing: str | None = None
    submodule: str | None = None
    latent_size: int | None = None
    latent_layout: LatentLayout | None = None
    prior: Prior | None = None
    truncation: float | None = None
    num_classes: int | None = None
    label_policy: LabelPolicy | None = None
    label_form: LabelForm | None = None
    inputs: str | None = None
    noise: Noise | None = None
    value_range: str | ValueRange | None = None
    clamp: bool = False
    image_layout: ImageLayout | None = None
    image_output: str | None = None
    rate: int | None = None
    condition: str | None = None
    trust: bool = False

    def given(self) -> dict[str, Any]:
        """Return the options that were given, by name."""
        names = [field.name for field in dataclasses.fields(GeneratorOptions)]
        values = {name: getattr(self, name) for name in names}
        return {name: one for name, one in values.items() if one is not None and one is not False}


def parse_kwargs(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments in a mapping, a JSON text, or the file of `@file.json`.

    Raises:
        UsageError: It is not a JSON object.
    """
    if isinstance(given, Mapping):
        return dict(given)
    try:
        text = Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given
        kwargs = parse_json(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"kwargs '{given}': {error}", _KWARGS, "correct it") from error
    if not isinstance(kwargs, dict):
        raise UsageError(f"kwargs '{given}'", _KWARGS, "correct it")
    return kwargs
