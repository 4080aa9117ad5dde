"""Evaluate GANs and other image generators: the numbers of the papers, to the digit."""

import importlib
from typing import TYPE_CHECKING, Any

from ganeval.version import __version__

if TYPE_CHECKING:
    from ganeval.accumulate import Accumulator
    from ganeval.audio.clip import Clip
    from ganeval.errors import GanevalError
    from ganeval.evaluation import compare, evaluate
    from ganeval.flow.settings import Settings
    from ganeval.generators.card import Card, read_card, write_checkpoint
    from ganeval.generators.interpolation import slerp
    from ganeval.latents.arithmetic import latent_arithmetic
    from ganeval.latents.inversion import invert
    from ganeval.likelihood.estimate import log_likelihood
    from ganeval.machine.folders import index_folder, prepared_folder
    from ganeval.machine.team import Team
    from ganeval.report.report import Report
    from ganeval.sources.arrays.clips import Clips
    from ganeval.sources.arrays.memory import Images
    from ganeval.sources.files.index import open_index
    from ganeval.sources.generator import Generator
    from ganeval.sources.load_generator import load_generator
    from ganeval.sources.open import open_source

# Loaded on use, so that `import ganeval` and `ganeval --help` are quick.
_HOMES = {
    "Accumulator": "ganeval.accumulate",
    "Card": "ganeval.generators.card",
    "Clip": "ganeval.audio.clip",
    "Clips": "ganeval.sources.arrays.clips",
    "GanevalError": "ganeval.errors",
    "Generator": "ganeval.sources.generator",
    "Images": "ganeval.sources.arrays.memory",
    "Report": "ganeval.report.report",
    "Settings": "ganeval.flow.settings",
    "Team": "ganeval.machine.team",
    "compare": "ganeval.evaluation",
    "evaluate": "ganeval.evaluation",
    "index_folder": "ganeval.machine.folders",
    "invert": "ganeval.latents.inversion",
    "latent_arithmetic": "ganeval.latents.arithmetic",
    "load_generator": "ganeval.sources.load_generator",
    "log_likelihood": "ganeval.likelihood.estimate",
    "open_index": "ganeval.sources.files.index",
    "open_source": "ganeval.sources.open",
    "prepared_folder": "ganeval.machine.folders",
    "read_card": "ganeval.generators.card",
    "slerp": "ganeval.generators.interpolation",
    "write_checkpoint": "ganeval.generators.card",
}

__all__ = [
    "Accumulator",
    "Card",
    "Clip",
    "Clips",
    "GanevalError",
    "Generator",
    "Images",
    "Report",
    "Settings",
    "Team",
    "__version__",
    "compare",
    "evaluate",
    "index_folder",
    "invert",
    "latent_arithmetic",
    "load_generator",
    "log_likelihood",
    "open_index",
    "open_source",
    "prepared_folder",
    "read_card",
    "slerp",
    "write_checkpoint",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ganeval' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
