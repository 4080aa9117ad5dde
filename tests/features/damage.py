"""What may happen to a file of the cache."""

DAMAGES = ("flip", "truncate", "empty", "text")


def damaged(content: bytes, how: str) -> bytes:
    """Return other content than that of a file; `how` is one of `DAMAGES`."""
    changed = {
        "flip": content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
        "truncate": content[:-7],
        "empty": b"",
        "text": b"<html>not found</html>",
    }[how]
    assert changed != content
    return changed
