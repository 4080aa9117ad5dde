"""Draw the inputs of a network and make its samples, in batches of one size."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
import torch

from ganeval.audio.samples import check_rate
from ganeval.errors import InputError, UsageError, raised, spelt
from ganeval.generators.card import tensors_sha256
from ganeval.generators.code import code_sha256
from ganeval.generators.drawing import Drawing
from ganeval.generators.inputs import Argument, parse_inputs, usual_inputs
from ganeval.generators.outputs import ClipForm, Form, ImageForm, samples_of
from ganeval.generators.terms import ImageLayout, ValueRange
from ganeval.images.quantise import check_finite, check_range, quantise
from ganeval.machine.devices import gpu_of, inference

# [C, H, W] with 1 or 3 channels: uint8, or float32 if not rounded. A clip is float32 [C, samples].
Pixels = npt.NDArray[Any]
Given = torch.Tensor | list[torch.Tensor]  # one argument of a network

_MICRO_BATCH = {"cpu": 16}
_MICRO_BATCH_ELSEWHERE = 64
_IMAGES_ARE = (
    ", as that of StyleGAN and ProGAN does, or give the values that its own code turns into black "
    "and white"
)
_CLIPS_ARE = ", or give the values that its own code takes for full scale"
_TORCHS_GENERATORS = threading.RLock()  # held while they have a sample's state


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Draws numbered samples of a network.

    Attributes:
        module: Takes what `inputs` says; returns images, floats [B, C, H, W] with 1 or 3 channels
            (or as `image_layout` says), or clips [B, samples] or [B, C, samples] if there is a
            `rate`, alone or among other things.
        drawing: How its inputs are drawn.
        value_range: The output values (low, high) that become 0 and 255, or -1 and 1 for clips.
        name: Its name in messages.
        image_layout: Layout of its output: "nhwc" is [B, H, W, C].
        device: Where its parameters are.
        batch_size: The network sees exactly so many samples at once; None: 16 on the CPU, 64
            elsewhere. With noise it sees each alone.
        conditions: Returns the conditions of samples by their numbers, float32 [B, 3, H, W] in
            [-1, 1]; None for an unpaired network.
        clamp: Whether values beyond the range become its ends; else they are an error.
        inputs: The arguments of the network, as `parse_inputs` reads them; None: latents if there
            are any, then labels if there are classes, then conditions if it is paired.
        image_output: Which output holds the images, if the network returns several things; None:
            the only one that can.
        rounded: Whether images become uint8; else they are float32 on the same scale of 0 to 255,
            and nothing is clipped.
        network_batch: The only number of samples that the network takes, if its file fixes one. A
            batch is cut into parts of that size; the last one is filled up with copies.
        rate: Sampling rate of the clips that it makes; None: it makes images.

    Raises:
        UsageError: An option is out of its range, or parameters are on another device.
    """

    module: torch.nn.Module
    drawing: Drawing
    value_range: ValueRange
    name: str
    image_layout: ImageLayout = "nchw"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch_size: int | None = None
    conditions: Callable[[Sequence[int]], torch.Tensor] | None = None
    clamp: bool = False
    inputs: str | None = None
    image_output: str | None = None
    network_batch: int | None = None
    rounded: bool = True
    rate: int | None = None

    def __post_init__(self) -> None:
        if self.rate is not None:
            check_rate(self.rate, name=self.name)
        if not self.value_range[0] < self.value_range[1]:
            raise UsageError(f"value_range {self.value_range}", "low < high", "change it")
        if self.batch_size is not None and self.batch_size < 1:
            raise UsageError(f"batch_size {self.batch_size}", "at least 1", "change it")
        places = {value.device.type for value in self.module.parameters()}
        if places - {self.device.type}:
            raise UsageError(
                f"{self.name}: parameters on {', '.join(sorted(places))}, device={self.device}",
                "a network that is on its device",
                "move it there, or give the device where it is",
            )
        self._check_inputs()

    def _check_inputs(self) -> None:
        """Refuse inputs that need an option which is missing, or leave out one that is given."""
        words = [one.what for one in self.arguments]
        sizes = [size for one in self.arguments for size in one.sizes]
        options = {
            "latent": ("latent_size", self.drawing.latent_size is not None or None not in sizes),
            "label": ("num_classes", self.drawing.num_classes is not None),
            "condition": ("condition", self.conditions is not None),
        }
        for word, (option, given) in options.items():
            if word in words and not given:
                raise UsageError(
                    f"{self.name}: inputs '{self.called_with}' without {option}",
                    f"{option}, which says what the {word} is",
                    f"add {option}, or leave {word} out of the inputs",
                )
            if word not in words and given and word != "latent":
                raise UsageError(
                    f"{self.name}: {option} is given, but inputs '{self.called_with}' have no "
                    f"{word}",
                    "both or neither",
                    f"add {word} where the network takes it, or leave {option} out",
                )

    @property
    def form(self) -> Form:
        """The type and shape of its samples."""
        return ImageForm(self.image_layout) if self.rate is None else ClipForm()

    @property
    def called_with(self) -> str:
        """The text of the network's arguments."""
        return self.inputs or usual_inputs(
            latent=self.drawing.latent_size is not None,
            label=self.drawing.num_classes is not None,
            condition=self.conditions is not None,
        )

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The network's arguments in their order."""
        return parse_inputs(self.called_with)

    @property
    def micro_batch(self) -> int:
        """The canonical batch size."""
        return self.batch_size or _MICRO_BATCH.get(self.device.type, _MICRO_BATCH_ELSEWHERE)

    def settings(self) -> dict[str, object]:
        """Return all that changes pixels besides the network, as JSON values."""
        gpu = gpu_of(str(self.device)) if self.device.type == "cuda" else None
        return {
            **self.drawing.settings(),
            "inputs": self.called_with,
            "value_range": [float(end) for end in self.value_range],
            "clamp": self.clamp,
            "image_layout": self.image_layout,
            "image_output": self.image_output,
            "generator_batch": self.micro_batch,
            "network_batch": self.network_batch,
            "generator_device": self.device.type,
            **({} if gpu is None else {"generator_gpu": gpu}),
            **({} if self.rounded else {"rounded": False}),
            **({} if self.rate is None else {"rate": self.rate}),
        }

    def identity(self) -> bytes:
        """Return the SHA-256 of the network and of how it is sampled.

        For the network it covers its tensors (also buffers that are not saved), its class, its
        structure as printed, and its code (see `code_sha256`).
        """
        digest = hashlib.sha256(b"generator 2\n")
        for text in (
            f"{type(self.module).__module__}.{type(self.module).__qualname__}",
            tensors_sha256({**dict(self.module.named_buffers()), **self.module.state_dict()}),
            repr(self.module),
            code_sha256(self.module),
            repr(sorted(self.settings().items())),
        ):
            digest.update(hashlib.sha256(text.encode()).digest())
        return digest.digest()

    def batch(self, number: int) -> list[Pixels | InputError]:
        """Return the samples of one canonical batch: number * B up to (number + 1) * B.

        For a sample that cannot be used, the error is returned; the others are not affected.

        Raises:
            InputError: The network fails, or returns no samples.
        """
        indices = range(number * self.micro_batch, (number + 1) * self.micro_batch)
        images = self.forward(indices)
        return [self.finish(image, index) for image, index in zip(images, indices, strict=True)]

    def forward(
        self,
        indices: Sequence[int],
        *,
        labels_of: Sequence[int] | None = None,
        noise_of: Sequence[int] | None = None,
    ) -> torch.Tensor:
        """Run the network in evaluation mode, and check its output's type and shape.

        The network sees all samples at once, or as many as it takes. If it draws random numbers of
        its own, it sees each sample alone, so that torch's generators have that sample's state.

        Args:
            indices: The samples.
            labels_of: Samples whose labels are taken instead of their own.
            noise_of: Samples whose noise is taken instead of their own.

        Returns:
            Floating point [B, C, H, W] on the device, for clips [B, C, samples].

        Raises:
            InputError: The network fails, or returns anything else.
        """
        size = 1 if self.drawing.noise is not None else self.network_batch or len(indices)
        images = []
        for start in range(0, len(indices), size):
            part = slice(start, start + size)
            noise: AbstractContextManager[None] = nullcontext()
            if self.drawing.noise is not None:
                seed = self.drawing.noise_seed((noise_of or indices)[start])
                noise = _torch_seeded(seed, self.device)
            with noise:
                images.append(self._run(indices[part], (labels_of or indices)[part]))
        return torch.cat(images)

    def _run(self, indices: Sequence[int], labels_of: Sequence[int]) -> torch.Tensor:
        """Call the network once for a few samples, as it wants to be called."""
        num = len(indices)
        filling = max(0, (self.network_batch or 0) - num)
        indices = [*indices, *[indices[-1]] * filling]
        labels_of = [*labels_of, *[labels_of[-1]] * filling]
        described, given = self._draw(indices, labels_of)
        try:
            with evaluation_mode(self.module), inference(self.device):
                output = self.module(*given)
        except Exception as error:  # a stranger's network may raise anything at all
            raise InputError(
                f"{self.name}: the network fails ({raised(error)})",
                "one that takes " + " and ".join(described),
                "check latent_size, latent_layout, num_classes, label_form and inputs",
            ) from error
        images = samples_of(
            output,
            num=len(indices),
            form=self.form,
            chosen=self.image_output,
            name=self.name,
        )
        return images[:num]

    def _draw(
        self, indices: Sequence[int], labels_of: Sequence[int]
    ) -> tuple[list[str], list[Given]]:
        """Return the network's arguments, in words and as tensors on the device."""
        types = {one.dtype for one in self.module.parameters() if one.is_floating_point()}
        dtype = types.pop() if len(types) == 1 else torch.float32
        described: list[str] = []
        arguments: list[Given] = []
        num_latents = 0
        for one in self.arguments:
            if one.what == "latent":
                given = []
                for size in one.sizes:
                    given.append(self.drawing.latents(indices, number=num_latents, size=size))
                    num_latents += 1
                word = "latents"
            elif one.what == "label":
                labels = self.drawing.labels(labels_of)
                assert labels is not None
                given, word = [labels], f"{str(labels.dtype).removeprefix('torch.')} labels"
            else:
                assert self.conditions is not None
                given, word = [self.conditions(indices)], "conditions"
            given = [
                value.to(self.device, dtype if value.is_floating_point() else None)
                for value in given
            ]
            shapes = ", ".join(str(list(value.shape)) for value in given)
            described.append(f"a list of {word} {shapes}" if one.is_list else f"{word} {shapes}")
            arguments.append(given if one.is_list else given[0])
        return described, arguments

    def finish(self, image: torch.Tensor, index: int) -> Pixels | InputError:
        """Bring one image [C, H, W] to 0..255 and round it, or return why it cannot be used.

        A clip [C, samples] is brought to -1..1 and not rounded.
        """
        name = f"{self.name}[{index}] (seed {self.drawing.seed})"
        low, high = self.value_range
        try:
            if self.clamp:
                check_finite(image[None], name=name)
            else:
                check_range(
                    image[None],
                    self.value_range,
                    name=name,
                    remedy=f"add {spelt(clamp=True)} if its own code clips to {low:g} "
                    f"and {high:g}{_IMAGES_ARE if self.rate is None else _CLIPS_ARE} "
                    "with --value-range LOW,HIGH",
                )
        except InputError as error:
            return error
        if self.rate is not None:
            # The range (-1, 1) changes no bit, whatever the order of the operations.
            wide = image.double()
            scaled = (wide - (low + high) / 2) * (2 / (high - low))
            return (scaled.clamp(-1, 1) if self.clamp else scaled).float().cpu().numpy()
        if self.rounded:
            return quantise(image, value_range=self.value_range).cpu().numpy()
        wide = image.to(torch.promote_types(image.dtype, torch.float32))
        return ((wide - low) * (255 / (high - low))).float().cpu().numpy()


@contextmanager
def evaluation_mode(module: torch.nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and afterwards put every part of it back as it was."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


@contextmanager
def _torch_seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's own generators, of the CPU and the device, and restore their state afterwards.

    They belong to the whole process, so no other thread draws for a network meanwhile.
    """
    generators = [torch.default_generator]
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        index = torch.cuda.current_device() if device.index is None else device.index
        generators.append(torch.cuda.default_generators[index])
    elif device.type == "mps":
        generators.append(torch.mps._get_default_mps_generator())
    with _TORCHS_GENERATORS:
        states = [one.get_state() for one in generators]
        for one in generators:
            one.manual_seed(seed)
        try:
            yield
        finally:
            for one, state in zip(generators, states, strict=True):
                one.set_state(state)
