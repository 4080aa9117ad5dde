"""Files of generators as sources: ours with a card, or others with a few options."""

from dataclasses import dataclass, field
from pathlib import Path

from ganeval.errors import InputError
from ganeval.generators.loading import read_network
from ganeval.generators.options import GeneratorOptions
from ganeval.images.picture import DecodePolicy
from ganeval.machine.devices import resolve_device
from ganeval.machine.remote import is_remote
from ganeval.sources.fit import Crop, Fit
from ganeval.sources.generator import Generator, GeneratorSource, generator_source
from ganeval.sources.paths import (
    check_no_pipeline,
    check_regular_file,
    is_folder,
    unreadable,
)


@dataclass(frozen=True, slots=True)
class GeneratorFile(GeneratorOptions):
    """Read samples of a generator's file: our checkpoint, tensors with an entry, or ONNX.

    It has these options besides those of `GeneratorOptions`.

    Attributes:
        location: The path of the file, or of a folder as Hugging Face's libraries write it.
        num_images: Number of samples of the source; None: 50,000.
        seed: Seed of the samples.
        batch_size: See `Generator`.
        device: Where the network runs. It is set apart from the device of the networks that score,
            because each device rounds differently.
        size: Height and width that images are brought to.
        crop: See `Fit`.
    """

    location: str
    num_images: int | None = field(default=None, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    device: str = field(default="cpu", kw_only=True)
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
            ResourceError: The device is not there.
        """
        device = resolve_device(str(self.device))
        fit = Fit(self.size, self.crop)
        if is_remote(self.location):
            raise InputError(
                f"{self.location}: a generator's file on a remote file system",
                "a file on this machine",
                "copy it here and name the copy",
            )
        check_no_pipeline(self.location)
        path = Path(self.location)
        data = None
        if not is_folder(self.location):
            check_regular_file(self.location)
            try:
                data = path.read_bytes()
            except OSError as error:
                raise unreadable(self.location, error) from error
        loaded = read_network(
            data,
            path,
            self,
            device=device,
            paired=self.condition is not None,
        )
        condition = loaded.condition
        if self.condition is not None:
            condition = self.condition.replace(";", ",")
        generator = Generator(
            loaded.network,
            num_images=self.num_images,
            seed=self.seed,
            name=self.location,
            batch_size=self.batch_size,
            device=str(device),
            condition=condition,
            **loaded.feed,
        )
        return generator_source(
            generator,
            policy=policy,
            location=written or self.location,
            fit=fit,
            settings=loaded.origin,
            offline=offline,
            from_file=True,
        )
