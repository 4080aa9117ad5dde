"""The table of metrics: names and where each one is, so that listing them imports nothing heavy."""

from ganeval.packages import Outside
from ganeval.registry import Registry

METRICS = Registry(
    "metric",
    {
        "fid": "ganeval.metrics.frechet:Fid",
        "is": "ganeval.metrics.inception_score:InceptionScore",
        "kid": "ganeval.metrics.kernel:Kid",
        "pr": "ganeval.metrics.neighbours:PrecisionRecall",
        "dc": "ganeval.metrics.neighbours:DensityCoverage",
        "fid-debiased": "ganeval.metrics.frechet_limit:FidDebiased",
        "fid-infinity": "ganeval.metrics.frechet_limit:FidInfinity",
        "sfid": "ganeval.metrics.spatial_frechet:SpatialFid",
        "intra-fid": "ganeval.metrics.intra_class:IntraFid",
        "authenticity": "ganeval.metrics.authenticity:Authenticity",
        "birthday": "ganeval.metrics.birthday:Birthday",
        "psnr": "ganeval.metrics.paired:Psnr",
        "ssim": "ganeval.metrics.paired:Ssim",
        "ppl": "ganeval.metrics.path_length:PathLength",
        "fad": "ganeval.metrics.audio_frechet:Fad",
        "kad": "ganeval.metrics.audio_kernel:Kad",
        "snr": "ganeval.metrics.audio_paired:Snr",
        "si-sdr": "ganeval.metrics.audio_paired:SiSdr",
        "lsd": "ganeval.metrics.audio_paired:Lsd",
        "log-mel-distance": "ganeval.metrics.audio_paired:LogMelDistance",
    },
    Outside(
        group="ganeval.metrics",
        members=("common_name", "kinds", "needs", "compute"),
        required=(),
        check="ganeval.metrics.admission:what_it_lacks",
        reserved=(
            *("all", "set", "eval", "compare", "table", "check", "baseline", "doctor", "sample"),
            *("latents", "likelihood"),
            *("train", "benchmark", "quickstart", "list", "stats", "extract", "cache", "weights"),
        ),
    ),
)
