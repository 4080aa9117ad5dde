"""The protocols: named sets of conventions, each with the metrics as one tool defines them.

Scores can be compared only under the same protocol. Its preprocessing applies to the extractor
`inception`; other extractors have their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganeval.images.preparation import Preparation
from ganeval.images.resize import Resize
from ganeval.metrics.audio_frechet import Fad
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet import Fid
from ganeval.metrics.inception_score import InceptionScore
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall
from ganeval.metrics.table import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationProtocol:
    """A set of conventions.

    Attributes:
        name: Name on the command line.
        version: Version, raised whenever a change of a convention changes the numbers.
        summary: One line for `ganeval list protocols`.
        preprocess: Preparation of pictures for `inception`.
        metrics: Metrics that are computed if none is named, by name.
        defines_all: Whether all other metrics of the table are defined too, with their own
            defaults.
    """

    name: str
    version: int
    summary: str
    preprocess: Preparation
    metrics: Mapping[str, Metric] = field(hash=False)
    defines_all: bool = False

    def names(self) -> tuple[str, ...]:
        """Return the names of the metrics that the protocol defines."""
        further = METRICS.names() if self.defines_all else ()
        return tuple(dict.fromkeys([*self.metrics, *further]))

    def metric(self, name: str) -> Metric:
        """Return a metric with the protocol's options."""
        found: Metric = self.metrics[name] if name in self.metrics else METRICS.load(name)()
        return found


_TF1 = Preparation(
    resize=Resize(size=299, backend="tf1", filter="bilinear", antialias=False),
    mean=128.0,
    std=128.0,
)
_HALF_PIXEL = Preparation(
    resize=Resize(size=299, backend="torch", filter="bilinear", antialias=False),
    mean=127.5,
    std=127.5,
)
_PIL_BICUBIC = Preparation(
    resize=Resize(size=299, backend="pil", filter="bicubic", antialias=True),
    mean=128.0,
    std=128.0,
)
_ANTIALIASED = Preparation(
    resize=Resize(size=299, backend="torch", filter="bilinear", antialias=True),
    mean=128.0,
    std=128.0,
)

PROTOCOLS: Mapping[str, EvaluationProtocol] = {
    protocol.name: protocol
    for protocol in (
        EvaluationProtocol(
            name="standard",
            version=1,
            summary="FID of TTUR, torch-fidelity, ADM and EDM; KID over all pairs.",
            preprocess=_TF1,
            metrics={
                "fid": Fid(),
                "is": InceptionScore(),
                "kid": Kid(),
                "pr": PrecisionRecall(k=3, inclusion="closed"),
                "dc": DensityCoverage(k=5, inclusion="strict"),
            },
            defines_all=True,
        ),
        EvaluationProtocol(
            name="torch-fidelity",
            version=1,
            summary="torch-fidelity 0.4: KID over 100 subsets of 1000, with its seed.",
            preprocess=_TF1,
            metrics={
                "fid": Fid(),
                "is": InceptionScore(),
                "kid": Kid(subset_size=1000, subsets="torch-fidelity"),
                "pr": PrecisionRecall(k=3, inclusion="closed"),
            },
        ),
        EvaluationProtocol(
            name="pytorch-fid",
            version=1,
            summary="pytorch-fid 0.3: half-pixel bilinear resize, inputs from -1 to 1; FID only.",
            preprocess=_HALF_PIXEL,
            metrics={"fid": Fid()},
        ),
        EvaluationProtocol(
            name="clean-fid",
            version=1,
            summary="clean-fid, mode clean: antialiased Pillow bicubic resize; FID and KID.",
            preprocess=_PIL_BICUBIC,
            metrics={
                "fid": Fid(),
                "kid": Kid(subset_size=1000, subsets="clean-fid"),
            },
        ),
        EvaluationProtocol(
            name="torchmetrics",
            version=1,
            summary="torchmetrics 1.9: antialiased bilinear resize; FID, IS and KID.",
            preprocess=_ANTIALIASED,
            metrics={
                "fid": Fid(),
                "is": InceptionScore(order="seeded", cut="torch-chunk", std_ddof=1),
                "kid": Kid(subset_size=1000, subsets="torchmetrics"),
            },
        ),
        EvaluationProtocol(
            name="google-fad",
            version=1,
            summary="Google's frechet_audio_distance: windows of 1 s, clips divided by their peak.",
            preprocess=_TF1,
            metrics={"fad": Fad(convention="google")},
        ),
        EvaluationProtocol(
            name="frechet-audio-distance",
            version=1,
            summary="gudgud96's frechet-audio-distance 0.3: clips as they are, cut by VGGish.",
            preprocess=_TF1,
            metrics={"fad": Fad(convention="gudgud96")},
        ),
        EvaluationProtocol(
            name="fadtk",
            version=1,
            summary="fadtk 1.1: VGGish's own pieces of clips of 16 bits and at least 1 s.",
            preprocess=_TF1,
            metrics={"fad": Fad(convention="fadtk")},
        ),
    )
}
