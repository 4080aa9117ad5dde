"""Recognise archives that are programs of torch by the names of their members alone."""

import io
import zipfile
from typing import Literal

ProgramKind = Literal["a TorchScript archive", "a program of torch.export (.pt2)"]

_EXPORTED = ("/models/model.json", "serialized_exported_program.json")  # since 2.7, and before

_CONSTANTS = "/constants.pkl"


def program_kind(data: bytes) -> ProgramKind | None:
    """Return which kind of program a file is, by the members of the archive; None if none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return kind_of_members(archive.namelist())
    except Exception:  # no zip file; zipfile raises many kinds on a damaged one
        return None


def kind_of_members(members: list[str]) -> ProgramKind | None:
    """Return which kind of program an archive of these members is, None if none."""
    if any(member.endswith(_EXPORTED) for member in members):
        return "a program of torch.export (.pt2)"
    if any("/code/__torch__" in member or member.endswith(_CONSTANTS) for member in members):
        return "a TorchScript archive"
    return None
