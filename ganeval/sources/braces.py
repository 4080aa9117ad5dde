"""Names of many files in one text, as WebDataset writes them."""

from braceexpand import braceexpand


def expand_braces(text: str) -> list[str]:
    """Return all names that a text stands for; the last braces vary fastest.

    >>> expand_braces("faces-{08..11}.tar")
    ['faces-08.tar', 'faces-09.tar', 'faces-10.tar', 'faces-11.tar']
    >>> expand_braces("{train,test}-{0..1}.tar")
    ['train-0.tar', 'train-1.tar', 'test-0.tar', 'test-1.tar']

    If the braces have no meaning or are not closed, the text itself is the only name.
    Backslashes belong to paths and escape nothing.
    """
    try:
        return list(braceexpand(text, escape=False))
    except ValueError:  # braces that are not closed
        return [text]
