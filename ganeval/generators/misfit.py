"""How tensors that do not fit a network differ from it, and what to do about that."""

from collections.abc import Sequence
from dataclasses import dataclass

from ganeval.errors import InputError, spelt
from ganeval.extractors.state_dict import told_faults
from ganeval.generators.fitting import NOT_FINITE, Part, shape_of
from ganeval.generators.nesting import Candidate, Tensors
from ganeval.generators.running_statistics import running_statistics

# What a part of a tensor's name says about how its layer was made.
_MAKERS = {
    "weight_orig": "torch.nn.utils.spectral_norm (weight_orig, weight_u)",
    "parametrizations.": "torch.nn.utils.parametrizations",
    "sn_u": "mimicry's spectral normalisation (sn_u, sn_sigma)",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """A set of tensors that does not fit, and how it differs from the network.

    Attributes:
        part: The part of the network that it has most in common with.
        candidate: The set.
        tensors: The set under the network's names.
        alike: How many tensors share name and shape with the network, and how many the name.
    """

    part: Part
    candidate: Candidate
    tensors: Tensors
    alike: tuple[int, int]

    def faults(self) -> dict[str, list[str]]:
        """Return the names of tensors by what is wrong with them; empty faults are left out."""
        outcome = self.part.outcome(self.tensors)
        missing = [one for one in outcome.left if one not in self.part.optional]
        faults = {"missing": missing, "unknown": outcome.unplaced, **outcome.wrong}
        return {fault: names for fault, names in faults.items() if names}

    def told(self) -> str:
        """Return how the set differs."""
        if self.candidate.listed is not None and self.alike == (0, 0):
            return (
                f"a list of {len(self.candidate.tensors)} tensors, whose shapes are not those of "
                f"the {len(self.part.weights)} parameters in their order"
            )
        return told_faults(self.faults())

    def diverged(self) -> bool:
        """Tell whether only its values are wrong; buffers may be missing, others may give them."""
        faults = self.faults()
        rest = set(faults.pop("missing", ())) - {one for one, _ in self.part.module.named_buffers()}
        return faults.keys() == {NOT_FINITE} and not rest

    def statistics(self) -> list[str]:
        """Return the running statistics that are missing."""
        of_layers = running_statistics(self.part.module)
        known = {name for _, *names in of_layers for name in names}
        return [name for name in self.faults().get("missing", ()) if name in known]


def nearest_misfit(parts: Sequence[Part], below: Sequence[Candidate]) -> Misfit:
    """Return the set of tensors that has most in common with the network or a part of it."""

    def misfit(part: Part, candidate: Candidate, tensors: Tensors) -> Misfit:
        shared = tensors.keys() & part.own.keys()
        alike = [name for name in shared if shape_of(tensors[name]) == shape_of(part.own[name])]
        return Misfit(part, candidate, tensors, (len(alike), len(shared)))

    def likeness(one: Misfit) -> tuple[int, int, int, int]:
        # With nothing in common, the largest set is what was meant.
        return *one.alike, one.candidate.num_elements, -len(one.candidate.path)

    every = (
        misfit(part, one, tensors)
        for part in parts
        for one in below
        for tensors in part.readings(one)
    )
    return max(every, key=likeness)


def nothing_fits(name: str, parts: Sequence[Part], below: Sequence[Candidate]) -> InputError:
    """Return the error that says how the nearest set of tensors differs from the network."""
    nearest = nearest_misfit(parts, below)
    part, candidate, faults = nearest.part, nearest.candidate, nearest.faults()
    where = f" under '{candidate.path}'" if candidate.path else ""
    if nearest.diverged():
        return InputError(
            f"{name}: the tensors{where} are those of the entry's network, but not finite: "
            f"{nearest.told()}",
            "weights that are numbers",
            "the training diverged: take a checkpoint from before that",
        )
    buffers = {one for one, _ in part.module.named_buffers()}
    if faults.keys() == {"missing"} and buffers.issuperset(faults["missing"]):
        found = f"{name}: the tensors{where} lack buffers of the entry's network: {nearest.told()}"
        if nearest.statistics():
            return InputError(
                found,
                "the running statistics of its normalisation, without which its images differ",
                "save its own state dict beside the average: "
                "torch.save({'G': G.state_dict(), 'ema': ema.state_dict()}, 'both.pt')"
                if candidate.averaged or candidate.listed is not None
                else "save them too: torch.save(G.state_dict(), 'G.pt')",
            )
        pattern = ",".join(_patterns(part, set(faults["missing"])))
        return InputError(
            found,
            f"all {len(part.own)} tensors of the entry's network",
            f"if its images do not depend on them, add {spelt(allow_missing=pattern)}",
        )
    return InputError(
        f"{name}: the tensors{where} are those of another network: {nearest.told()}",
        f"all {len(part.own)} tensors of the entry's network, and no others",
        f"{_hint(part, candidate)}correct entry or kwargs, or choose with --key NAME",
    )


def _patterns(part: Part, missing: set[str]) -> list[str]:
    """Return the shortest patterns for the names of buffers that a file lacks."""
    found = set()
    for name in missing:
        head, last = name.partition(".")[0], name.rpartition(".")[2]
        group = {one for one in part.own if one.startswith(f"{head}.")}
        found.add(
            f"{head}.*" if group and group <= missing else f"*{last}" if last != name else name
        )
    return sorted(found)


def _hint(part: Part, candidate: Candidate) -> str:
    """Return what the names on one side alone tell about how that network was made."""
    own, given = part.own.keys(), candidate.tensors.keys()
    for side, others, place in ((given, own, "the file"), (own, given, "the entry's network")):
        for mark, maker in _MAKERS.items():
            if any(mark in name for name in side) and not any(mark in name for name in others):
                return f"{place} has tensors of {maker}, the other does not: "
    return ""
