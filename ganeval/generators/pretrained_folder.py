"""Folders of a network as Hugging Face's libraries write them: a config and tensors, or shards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganeval.errors import InputError
from ganeval.machine.json_text import parse_json

CONFIG = "config.json"
_WEIGHTS = (
    "model.safetensors",
    "diffusion_pytorch_model.safetensors",
    "pytorch_model.bin",
    "diffusion_pytorch_model.bin",
)
_INDICES = tuple(f"{name}.index.json" for name in _WEIGHTS)


def weights_in(folder: Path) -> Path | None:
    """Return the file of a network in a folder, or the index of its shards; None if it has none."""
    if not (folder / CONFIG).is_file():
        return None
    return next((folder / one for one in (*_WEIGHTS, *_INDICES) if (folder / one).is_file()), None)


def read_folder(folder: Path) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the tensors of a network in a folder, and what its config says.

    Raises:
        InputError: A file is missing, damaged or holds code.
    """
    weights = weights_in(folder)
    if weights is None:
        raise InputError(
            f"{folder}: a folder without a network",
            f"{CONFIG}, and one of {', '.join(_WEIGHTS)} or the index of its shards",
            "name the generator's file",
        )
    config = _read_json(folder / CONFIG)
    if weights.name not in _INDICES:
        return _read_tensors(weights), config
    places = _read_json(weights).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(one, str) for one in places.values()):
        raise _damaged(weights, "has no weight_map from names to files")
    shards: dict[str, Mapping[str, Any]] = {}
    for shard in sorted(set(places.values())):
        if Path(shard).name != shard or "\\" in shard:
            raise _damaged(weights, f"names '{shard}', which is not a file in its folder")
        shards[shard] = _read_tensors(folder / shard)
    lacking = [name for name, shard in places.items() if name not in shards[shard]]
    if lacking:
        raise _damaged(weights, f"names '{lacking[0]}', which {places[lacking[0]]} lacks")
    return {name: shards[shard][name] for name, shard in places.items()}, config


def _read_tensors(path: Path) -> Mapping[str, Any]:
    """Return the tensors of one file."""
    # Imported late: `weights_in` looks at every folder of pictures, and needs no torch.
    from ganeval.generators.foreign import read_content

    content = read_content(_read_bytes(path), name=str(path))
    if not isinstance(content, Mapping):
        raise _damaged(path, "holds a list")
    return content


def _read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file."""
    try:
        found = parse_json(_read_bytes(path))
    except ValueError as error:
        raise _damaged(path, f"is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise _damaged(path, "is not a JSON object")
    return found


def _read_bytes(path: Path) -> bytes:
    """Return the content of a file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error})",
            "every file of the network",
            "get the folder again from its source",
        ) from error


def _damaged(path: Path, found: str) -> InputError:
    """Return the error for a file that is not as Hugging Face's libraries write it."""
    return InputError(f"{path}: {found}", "a whole folder", "get it again from its source")
