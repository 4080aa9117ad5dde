"""Names of many files in one text, as WebDataset writes them."""

import re
from itertools import product

# {0000..0099} or {train,test}
_BRACES = re.compile(r"\{(?P<first>\d+)\.\.(?P<last>\d+)\}|\{(?P<names>[^{},]*(?:,[^{},]*)+)\}")


def expand_braces(text: str) -> list[str]:
    """Return all names that a text stands for, the last braces running fastest.

    >>> expand_braces("faces-{08..11}.tar")
    ['faces-08.tar', 'faces-09.tar', 'faces-10.tar', 'faces-11.tar']
    >>> expand_braces("{train,test}-{0..1}.tar")
    ['train-0.tar', 'train-1.tar', 'test-0.tar', 'test-1.tar']
    >>> expand_braces("faces.tar")
    ['faces.tar']

    Numbers are as long as the longer one of the two if one of them begins with a zero.
    """
    parts: list[list[str]] = []
    end = 0
    for match in _BRACES.finditer(text):
        parts.append([text[end : match.start()]])
        parts.append(_alternatives(match))
        end = match.end()
    return ["".join(chosen) for chosen in product(*parts, [text[end:]])]


def _alternatives(match: re.Match[str]) -> list[str]:
    """Return what one pair of braces stands for."""
    if match["names"] is not None:
        return match["names"].split(",")
    first, last = match["first"], match["last"]
    padded = any(end.startswith("0") and len(end) > 1 for end in (first, last))
    width = max(len(first), len(last)) if padded else 0
    step = 1 if int(first) <= int(last) else -1
    return [f"{number:0{width}}" for number in range(int(first), int(last) + step, step)]
