"""Check clips of sound: rates, lengths, silence, clipping, offset, codecs."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ganeval.audio.samples import BEYOND, CLIPPED, SILENT
from ganeval.doctor.finding import Finding, Severity, first_names, of
from ganeval.doctor.hearing import ClipInventory, Heard

_MANY = 0.01  # of the clips
_NEARLY_SILENT = 1e-3  # of full scale, 60 dB below it: the noise of a quiet room
_OFFSET = 0.01  # of full scale
_EMPTY = 1e-6  # of the energy; rounding to 16 bits leaves a hundredth of this in a loud clip
_NEARLY_ALL = 0.8
_ENOUGH = 10  # clips
_LOUDER = 6.0  # dB
_OTHER_LENGTH = 1.25  # ratio of lengths
_LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_III", "MPEG_LAYER_II", "MPEG_LAYER_I", "ULAW", "ALAW")
_SHOWN = 3

Value = TypeVar("Value")


def several_rates(inventory: ClipInventory) -> list[Finding]:
    """Find different rates; each clip is resampled on its own."""
    if len(inventory.rates) < 2:
        return []
    rates = _counts(Counter({f"{rate:,} Hz": num for rate, num in inventory.rates.items()}))
    return [
        Finding(
            check="several-rates",
            severity="warning",
            source=inventory.location,
            what=f"clips of {len(inventory.rates)} rates ({rates}); each is resampled on its own, "
            "and those of low rates lack high frequencies",
            needed="clips of one rate",
            remedy="find out why they differ, and resample them alike",
        )
    ]


def several_channels(inventory: ClipInventory) -> list[Finding]:
    """Find different numbers of channels; networks mix several to one."""
    if len(inventory.channels) < 2:
        return []
    channels = _counts(Counter({str(at): num for at, num in inventory.channels.items()}))
    return [
        Finding(
            check="several-channels",
            severity="warning",
            source=inventory.location,
            what=f"clips of different numbers of channels ({channels})",
            needed="clips with the same number of channels",
            remedy=f"write `folder:{inventory.location},channels=mono` if that is intended",
        )
    ]


def several_lengths(inventory: ClipInventory) -> list[Finding]:
    """Find lengths that differ."""
    seconds = sorted(heard.seconds for heard in inventory.looks)
    if not seconds or seconds[0] == seconds[-1]:
        return []
    return [
        Finding(
            check="several-lengths",
            severity="note",
            source=inventory.location,
            what=f"clips of {seconds[0]:.4g} to {seconds[-1]:.4g} s, in the middle "
            f"{seconds[len(seconds) // 2]:.4g} s",
            needed="clips of one length, if each is to have the same weight: fad counts windows",
            remedy="add `,seconds=N` to the source to cut them, if that is intended",
        )
    ]


def silent(inventory: ClipInventory) -> list[Finding]:
    """Find clips without a sound."""
    return _found(
        inventory,
        "silent",
        lambda heard: SILENT in heard.notes or heard.peak == 0,
        what="silent (one value throughout)",
        needed="clips with sound",
        remedy="listen to them, and remove those that are not results",
    )


def nearly_silent(inventory: ClipInventory) -> list[Finding]:
    """Find clips that are too quiet to hear."""
    return _found(
        inventory,
        "nearly-silent",
        lambda heard: SILENT not in heard.notes and 0 < heard.level < _NEARLY_SILENT,
        what="60 dB or more below full scale",
        needed="clips with sound",
        remedy="check their scale: samples of 16 bits are divided by 32768",
        only_many=True,
    )


def clipped(inventory: ClipInventory) -> list[Finding]:
    """Find clips that were cut off at full scale."""
    return _found(
        inventory,
        "clipped",
        lambda heard: CLIPPED in heard.notes,
        what="clipped (equal samples in a row at full scale)",
        needed="clips that were recorded or made within full scale",
        remedy="lower the level where they are made",
        few="note",
    )


def beyond(inventory: ClipInventory) -> list[Finding]:
    """Find clips that go beyond full scale."""
    return _found(
        inventory,
        "beyond-full-scale",
        lambda heard: BEYOND in heard.notes,
        what="with values beyond -1 to 1, which a file of 16 bits would clip",
        needed="clips within full scale",
        remedy="lower the level where they are made; lossy codecs overshoot a little",
        few="note",
    )


def offset(inventory: ClipInventory) -> list[Finding]:
    """Find clips whose mean is not 0."""
    return _found(
        inventory,
        "offset",
        lambda heard: SILENT not in heard.notes and abs(heard.offset) > _OFFSET,
        what=f"with a constant part (DC) of more than {_OFFSET:g} of full scale",
        needed="clips around 0",
        remedy="subtract the mean, or find out what adds it",
    )


def empty_top(inventory: ClipInventory) -> list[Finding]:
    """Find clips that have nothing in the upper half of their frequencies."""
    told = [heard for heard in inventory.looks if not np.isnan(heard.upper)]
    names = [heard.name for heard in told if heard.upper < _EMPTY]
    if len(told) < _ENOUGH or len(names) < _NEARLY_ALL * len(told):
        return []
    return [
        Finding(
            check="empty-top",
            severity="warning",
            source=inventory.location,
            what=f"nothing above a quarter of their rate: {of(len(names), len(told), 'clip')}; "
            "they seem to be resampled from a lower one",
            needed="clips whose content fills their rate",
            remedy="score both sides at the lower rate, for example folder:PATH,rate=8000",
            examples=first_names(names),
        )
    ]


def mixed_codecs(inventory: ClipInventory) -> list[Finding]:
    """Find lossy files among lossless ones."""
    lossy = Counter(_is_lossy(codec) for codec in inventory.codecs.elements())
    if len(lossy) < 2:
        return []
    return [
        Finding(
            check="mixed-codecs",
            severity="warning",
            source=inventory.location,
            what=f"lossy files beside lossless ones ({_counts(inventory.codecs)})",
            needed="clips that were stored alike, since networks hear the traces of codecs",
            remedy="store all of them lossless, from their originals",
        )
    ]


def overlap(reference: ClipInventory, sample: ClipInventory) -> list[Finding]:
    """Find clips of a sample that are in the reference, byte for byte."""
    names = [heard.name for heard in sample.looks if heard.digest in reference.digests]
    if not names:
        return []
    same = reference.digests == sample.digests
    shared = f"in both: {of(len(names), len(sample.looks), 'clip')} of {sample.location}"
    return [
        Finding(
            check="overlap",
            severity="warning",
            source=_pair(reference, sample),
            what="the same clips" if same else shared,
            needed="a sample that was made without the reference",
            remedy="name another source" if same else "remove them from one of the two",
            examples=() if same else first_names(names),
        )
    ]


def other_rate(reference: ClipInventory, sample: ClipInventory) -> list[Finding]:
    """Find that most clips of the two have other rates."""
    if not reference.looks or not sample.looks:
        return []
    one, other = (side.rates.most_common(1)[0][0] for side in (reference, sample))
    if one == other:
        return []
    return [
        Finding(
            check="other-rate",
            severity="warning",
            source=_pair(reference, sample),
            what=f"clips of {one:,} Hz and of {other:,} Hz",
            needed="one rate, since the effect of resampling counts as a difference",
            remedy=f"bring both to the lower one, for example folder:PATH,rate={min(one, other)}",
        )
    ]


def other_length(reference: ClipInventory, sample: ClipInventory) -> list[Finding]:
    """Find that the clips of one of the two are longer than those of the other."""
    if not reference.looks or not sample.looks:
        return []
    lengths = [[heard.seconds for heard in side.looks] for side in (reference, sample)]
    shorter, longer = sorted(lengths, key=max)
    if max(shorter) * _OTHER_LENGTH >= min(longer):
        return []
    one, other = (f"{np.median(side):.4g}" for side in lengths)
    return [
        Finding(
            check="other-length",
            severity="warning",
            source=_pair(reference, sample),
            what=f"clips of {one} s and of {other} s in the middle",
            needed="clips of one length, for what a network says of a whole clip depends on it",
            remedy=f"cut the longer ones, as in folder:PATH,seconds={min(shorter):.4g}",
        )
    ]


def other_level(reference: ClipInventory, sample: ClipInventory) -> list[Finding]:
    """Find that one of the two is much louder."""
    levels = [
        [heard.level for heard in side.looks if heard.level > 0] for side in (reference, sample)
    ]
    if min(map(len, levels)) < _ENOUGH:
        return []
    gap = 20 * float(np.log10(np.median(levels[1]) / np.median(levels[0])))
    if abs(gap) < _LOUDER:
        return []
    return [
        Finding(
            check="other-level",
            severity="warning",
            source=_pair(reference, sample),
            what=f"{sample.location} is {abs(gap):.1f} dB {'louder' if gap > 0 else 'quieter'}",
            needed="one loudness, unless the score is to include the difference",
            remedy="bring both to one loudness before they are scored",
        )
    ]


def other_codecs(reference: ClipInventory, sample: ClipInventory) -> list[Finding]:
    """Find that one of the two is stored lossy and the other lossless."""
    kinds = [{_is_lossy(codec) for codec in side.codecs} for side in (reference, sample)]
    if not all(len(kind) == 1 for kind in kinds) or kinds[0] == kinds[1]:
        return []
    return [
        Finding(
            check="other-codecs",
            severity="warning",
            source=_pair(reference, sample),
            what=f"{_counts(reference.codecs)} beside {_counts(sample.codecs)}",
            needed="clips that were stored alike, since networks hear the traces of codecs",
            remedy="store both lossless, from their originals",
        )
    ]


CHECKS: tuple[Callable[[ClipInventory], list[Finding]], ...] = (
    *(several_rates, several_channels, several_lengths, silent, nearly_silent, clipped, beyond),
    *(offset, empty_top, mixed_codecs),
)
"""The checks for a source of clips, in addition to those for every source."""

PAIR_CHECKS: tuple[Callable[[ClipInventory, ClipInventory], list[Finding]], ...] = (
    *(overlap, other_rate, other_length, other_level, other_codecs),
)
"""The checks for the first source of clips together with another one."""


def _found(
    inventory: ClipInventory,
    check: str,
    has_it: Callable[[Heard], bool],
    *,
    what: str,
    needed: str,
    remedy: str,
    few: Severity = "warning",
    only_many: bool = False,
) -> list[Finding]:
    """Return a finding about all clips with a property; none if no clip has it."""
    names = [heard.name for heard in inventory.looks if has_it(heard)]
    many = len(names) > _MANY * len(inventory.looks)
    if not names or (only_many and not many):
        return []
    return [
        Finding(
            check=check,
            severity="warning" if many else few,
            source=inventory.location,
            what=f"{what}: {of(len(names), len(inventory.looks), 'clip')}",
            needed=needed,
            remedy=remedy,
            examples=first_names(names),
        )
    ]


def _is_lossy(codec: str) -> bool:
    """Tell whether a codec loses something."""
    return codec.rpartition(" ")[2] in _LOSSY or "ADPCM" in codec


def _counts(counter: Counter[str]) -> str:
    """Return the most frequent values with their numbers."""
    frequent: Sequence[tuple[str, int]] = counter.most_common(_SHOWN)
    shown = [f"{what}: {num:,}" for what, num in frequent]
    return ", ".join([*shown, *(["..."] if len(counter) > _SHOWN else [])])


def _pair(reference: ClipInventory, sample: ClipInventory) -> str:
    """Return the name of both."""
    return f"{sample.location} and {reference.location}"
