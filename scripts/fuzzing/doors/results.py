"""What a run leaves: reports, baselines and the influence values beside them."""

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.numpy

from ganeval.report.beside import scores_digest
from scripts.fuzzing.case import Case
from scripts.fuzzing.doors.pictures import some_outputs
from scripts.fuzzing.mutation import json_text, mutate_bytes, mutate_json
from scripts.fuzzing.originals import scored

FILES = ("run.json", "run.influence.safetensors", "base.json", "base.influence.safetensors")
KEY = "ganeval.influence"


def reports(rng: Random, folder: Path) -> Case:
    """Reports, to every command that reads them."""
    _write(folder, *FILES, "pairs.json")
    name = rng.choice(("run.json", "run.json", "pairs.json"))
    content = mutate_json(rng, json.loads(scored()[name]))
    (folder / name).write_bytes(json_text(rng, content))
    _follow(rng, folder, "run", content)
    if rng.random() < 0.5:
        outputs, writes = some_outputs(rng)
        others = rng.choice(([], [], ["pairs.json"], ["run.json"]))
        return Case(words=["table", name, *others, *outputs], writes=writes)
    return _gate(rng, name)


def baselines(rng: Random, folder: Path) -> Case:
    """Baselines, and both sides changed alike."""
    _write(folder, *FILES)
    content = mutate_json(rng, json.loads(scored()["base.json"]))
    (folder / "base.json").write_bytes(json_text(rng, content))
    _follow(rng, folder, "base", content)
    if isinstance(content, dict) and rng.random() < 0.4:
        both = content | {"schema": "ganeval.report/1"}
        (folder / "run.json").write_text(json.dumps(both), encoding="utf-8")
        _follow(rng, folder, "run", both)
    return _gate(rng, "run.json")


def influence(rng: Random, folder: Path) -> Case:
    """Influence values: changed bytes, and other values with the right digests."""
    _write(folder, *FILES)
    for name in rng.sample(("run", "base"), rng.randint(1, 2)):
        path = folder / f"{name}.influence.safetensors"
        data = path.read_bytes()
        if rng.random() < 0.3:
            path.write_bytes(mutate_bytes(rng, data, front=900))
            continue
        arrays = safetensors.numpy.load(data)
        end = 8 + int.from_bytes(data[:8], "little")
        card = json.loads(json.loads(data[8:end])["__metadata__"][KEY])
        if rng.random() < 0.7:
            chosen = rng.choice(sorted(arrays))
            arrays[chosen] = _other_values(rng, arrays[chosen])
            at, _, side = chosen.partition(".")
            digest = _digest(arrays[chosen])
            card["scores"][int(at)]["sha256"][side] = digest
        else:
            card = mutate_json(rng, card)
        text = json.dumps(card).encode("utf-8", "replace").decode()
        path.write_bytes(safetensors.numpy.save(arrays, metadata={KEY: text}))
    return _gate(rng, "run.json")


def _gate(rng: Random, name: str) -> Case:
    """Return a command of the gate."""
    if rng.random() < 0.3:
        output = rng.choice(("new.json", "base.json"))
        writes = (output, output.replace(".json", ".influence.safetensors"))
        return Case(words=["baseline", "accept", name, "-o", output], writes=writes)
    limits = rng.choice(("fid=2%", "kid=0.001", "fid=2%,kid=1,precision=5%", "recall=0"))
    words = ["check", name, "--baseline", "base.json", "--max-regress", limits]
    outputs = rng.sample(("gate.json", "gate.xml", "gate.md"), rng.randrange(3))
    words += [word for output in outputs for word in ("-o", output)]
    words += rng.choice(([], [], ["--json"], ["--on-inconclusive", "fail"], ["--alpha", "0.3"]))
    environment = rng.choice(({}, {}, {"GITHUB_STEP_SUMMARY": "summary.md"}))
    return Case(words=words, environment=environment, writes=(*outputs, "summary.md"))


def _follow(rng: Random, folder: Path, name: str, content: Any) -> None:
    """Tie the influence values to the changed scores, so that they are used."""
    path = folder / f"{name}.influence.safetensors"
    if not path.exists() or not isinstance(content, dict) or rng.random() < 0.3:
        return
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    card = json.loads(json.loads(data[8:end])["__metadata__"][KEY])
    try:
        card["scores_digest"] = scores_digest(content.get("scores"))
    except ValueError:  # NaN has no digest
        return
    tensors = safetensors.numpy.load(data)
    path.write_bytes(safetensors.numpy.save(tensors, metadata={KEY: json.dumps(card)}))


def _other_values(rng: Random, values: Any) -> Any:
    """Return influence values of another number, size or type."""
    changed = values.copy()
    if changed.size:
        changed[rng.randrange(changed.size)] = rng.choice((np.nan, np.inf, 1e308, -1e308, 1e160))
    return rng.choice(
        (
            changed, changed, values[:1], values[:0], values[:-1], np.tile(values, 3), values * 0,
            values * 1e300, values.astype(np.float32), values[None], -values, values * 1e-320,
        )
    )  # fmt: skip


def _digest(values: Any) -> str:
    """Return the digest of an array's bytes, as the card has it."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _write(folder: Path, *names: str) -> None:
    """Write files of a run that nothing is wrong with."""
    for name in names:
        (folder / name).write_bytes(scored()[name])
