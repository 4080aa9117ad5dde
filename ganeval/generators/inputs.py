"""The arguments of a network: the text of the option `inputs`, and the default without it."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from ganeval.errors import UsageError

What = Literal["latent", "label", "condition"]

_LATENT = r"latent(?::[1-9]\d{0,8})?"
_ARGUMENT = rf"\[{_LATENT}(?:,{_LATENT})*\]|{_LATENT}|label|condition"
_NEEDED = "words as in latent,label / label,latent / latent,latent:32 / [latent,latent] / condition"


@dataclass(frozen=True, slots=True)
class Argument:
    """One positional argument of a network.

    Attributes:
        what: What it is.
        sizes: Lengths of the latent vectors in it; None stands for `latent_size`.
        is_list: Whether it is a list of latents.
    """

    what: What
    sizes: tuple[int | None, ...] = ()
    is_list: bool = False


def parse_inputs(text: str) -> tuple[Argument, ...]:
    """Return the arguments of a network in their order.

    The words are `latent`, `label` and `condition`, separated by commas. A latent may have a length
    of its own (`latent:32`). Brackets make a list of latents, which is one argument
    (`[latent,latent]`, the styles of StyleGAN2).

    Raises:
        UsageError: It has another word, has labels or conditions twice, or has nothing to make
            images from.
    """
    plain = text.replace(" ", "")
    whole = re.fullmatch(rf"(?:{_ARGUMENT})(?:,(?:{_ARGUMENT}))*", plain)
    words = re.findall(_ARGUMENT, plain)
    if whole is None or any(words.count(word) > 1 for word in ("label", "condition")):
        raise UsageError(f"inputs '{text}'", _NEEDED, "correct it")
    if words == ["label"]:
        raise UsageError(f"inputs '{text}' without a latent or condition", _NEEDED, "correct it")
    arguments = []
    for word in words:
        if word.startswith(("latent", "[")):
            sizes = [part.partition(":")[2] for part in word.strip("[]").split(",")]
            given = tuple(int(size) if size else None for size in sizes)
            arguments.append(Argument("latent", given, word.startswith("[")))
        else:
            arguments.append(Argument(cast(What, word)))
    return tuple(arguments)


def usual_inputs(*, latent: bool, label: bool, condition: bool) -> str:
    """Return the default text of a network's inputs."""
    given = {"latent": latent, "label": label, "condition": condition}
    return ",".join(word for word, has in given.items() if has)
