"""Compare each clip with its partner: for super-resolution, vocoders and enhancement."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ganeval.errors import InputError
from ganeval.metrics.base import Feature, Inputs, Need, Pairs, Result, rows_of
from ganeval.metrics.parts.per_item import mean_score, worst_pairs
from ganeval.scores.kind import Direction, ScoreKind


def _kind(name: str, direction: Direction, stands_in: str | None) -> ScoreKind:
    """Return the kind of a score that is a mean over pairs."""
    return ScoreKind(
        name=name,
        direction=direction,
        bias="none",
        error="per-item",
        stream=name,
        stands_in=stands_in,
        plotted_against=None,
    )


@dataclass(frozen=True, slots=True)
class Snr:
    """Compute the mean signal-to-noise ratio of pairs of clips of one name (SNR), in dB.

    Estimand: the mean over pairs of 10 log10(|y|^2 / |x - y|^2), x of the sample, y of the
    reference. Identical pairs, whose ratio is infinite, and silent partners, which have no ratio,
    are counted and left out of the mean.

    Reference: Kuleshov et al., "Audio Super-Resolution using Neural Nets", ICLR 2017 workshop,
    section 4.
    Numbers: any number of pairs from 2 on; an error is given from 30 pairs on.
    Bias: none; but the pairs that are left out are the best ones.
    Direction: higher is better.
    Misleads: it compares sample by sample, so a shift of a few samples or another loudness costs
    more than missing frequencies.

    Standard error: that of a mean of independent pairs, or clusters of pairs.
    """

    common_name: ClassVar[str] = "signal-to-noise ratio"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (_kind("snr", "higher", "lsd"),)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The energies of each pair."""
        return (_of_pairs("energies"),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `snr`; see `_mean_of_ratios`."""
        return _mean_of_ratios(self.kinds[0], inputs)


@dataclass(frozen=True, slots=True)
class SiSdr:
    """Compute the mean scale-invariant signal-to-distortion ratio of pairs (SI-SDR), in dB.

    Estimand: the mean over pairs of 10 log10(|a y|^2 / |x - a y|^2) with a = <x, y> / |y|^2, x of
    the sample, y of the reference; with several channels, both energies are means over channels.
    The means of the signals are not subtracted. Identical pairs and silent partners are counted and
    left out of the mean.

    Reference: Le Roux et al., "SDR - Half-baked or Well Done?", ICASSP 2019, equation 5.
    Numbers: any number of pairs from 2 on; an error is given from 30 pairs on.
    Bias: none; but the pairs that are left out are the best ones.
    Direction: higher is better.
    Misleads: a shift of a few samples costs more than missing frequencies, and an added constant
    counts as distortion.

    Standard error: that of a mean of independent pairs, or clusters of pairs.
    """

    common_name: ClassVar[str] = "scale-invariant signal-to-distortion ratio"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (_kind("si-sdr", "higher", "lsd"),)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The energies of each pair."""
        return (_of_pairs("scaled-energies"),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `si-sdr`; see `_mean_of_ratios`."""
        return _mean_of_ratios(self.kinds[0], inputs)


@dataclass(frozen=True, slots=True)
class Lsd:
    """Compute the mean log-spectral distance of pairs of clips of one name (LSD).

    Estimand: the mean over pairs, frames and channels of the root of the mean over frequencies of
    (log10(|X|^2 + 1e-8) - log10(|Y|^2 + 1e-8))^2, with frames of 2,048 samples every 512 under a
    Hann window. The authors' code caps each pair at 10, which is not done here.

    Reference: Kuleshov et al., "Audio Super-Resolution using Neural Nets", ICLR 2017 workshop,
    section 4.
    Numbers: any number of pairs from 2 on; an error is given from 30 pairs on.
    Bias: none.
    Direction: lower is better; 0 for clips whose spectra are equal.
    Misleads: it ignores the phase, and all frequencies count alike, so noise that nobody can hear
    weighs as much as the sound.

    Standard error: that of a mean of independent pairs, or clusters of pairs.
    """

    common_name: ClassVar[str] = "log-spectral distance"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (_kind("lsd", "lower", None),)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The distance of each pair."""
        return (_of_pairs("lsd"),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `lsd`."""
        return _mean_of_values(self.kinds[0], inputs)


@dataclass(frozen=True, slots=True)
class LogMelDistance:
    """Compute the mean distance of the log-mel spectra of pairs of clips of one name.

    Estimand: the mean over pairs, frames, bands and channels of |log m(x) - log m(y)| with the
    log-mel spectra of VGGish: 64 bands from 125 to 7,500 Hz of clips of 16,000 Hz, log(m + 0.01).

    Reference: Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP
    2017, section 3.1, for the spectra.
    Numbers: any number of pairs from 2 on; an error is given from 30 pairs on.
    Bias: none.
    Direction: lower is better; 0 for clips whose spectra are equal.
    Misleads: it ignores the phase, and everything above 7,500 Hz.

    Standard error: that of a mean of independent pairs, or clusters of pairs.
    """

    common_name: ClassVar[str] = "log-mel distance"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (_kind("log-mel-distance", "lower", None),)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The distance of each pair."""
        return (_of_pairs("log-mel", "log-mel-pairs"),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `log-mel-distance`."""
        return _mean_of_values(self.kinds[0], inputs)


def _of_pairs(layer: str, extractor: str = "waveforms") -> Need:
    """Return the need for a comparer's value of each pair of clips."""
    return Need(
        role="sample",
        feature=Feature(layer=layer, extractor=extractor),
        view=Pairs(to="reference"),
        content="clip",
        minimum=2,
        why="a standard error",
    )


def _mean_of_values(kind: ScoreKind, inputs: Inputs) -> Result:
    """Return the mean of a value for each pair."""
    (pairs,) = inputs.values()
    values = rows_of(pairs)[:, 0].astype(np.float64)
    score = mean_score(kind, values, pairs.noun, clusters=pairs.clusters)
    return Result(scores=(score,), per_item={kind.name: values}, evidence=worst_pairs(kind, values))


def _mean_of_ratios(kind: ScoreKind, inputs: Inputs) -> Result:
    """Return the mean of 10 log10 of a ratio of energies; its details have `left_out`.

    Raises:
        InputError: Fewer than two pairs have a finite ratio.
    """
    (pairs,) = inputs.values()
    signal, noise = rows_of(pairs).astype(np.float64).T
    finite = (signal > 0) & (noise > 0)
    left_out = int((~finite).sum())
    if finite.sum() < 2:
        raise InputError(
            f"{left_out:,} of {len(signal):,} pairs are identical, or their partners are silent",
            f"at least 2 with a finite {kind.name}",
            f"check that sample and reference are not the same, or leave out {kind.name}",
        )
    ratios = np.full(len(signal), np.nan)
    ratios[finite] = 10 * np.log10(signal[finite] / noise[finite])
    score = mean_score(kind, ratios, pairs.noun, clusters=pairs.clusters)
    score = replace(score, details={"left_out": float(left_out)})
    if left_out:
        fact = f"{left_out:,} of {len(signal):,} pairs are identical or have a silent partner"
        consequence = f"left out of the mean of {kind.name}"
        score = replace(score, cautions={**score.cautions, fact: consequence})
    return Result(scores=(score,), per_item={kind.name: ratios}, evidence=worst_pairs(kind, ratios))
