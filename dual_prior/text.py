"""Names of files as a person can read them on one line."""

import os


def shown(name: str | os.PathLike) -> str:
    """`name` with whatever is not printable escaped: line breaks, bytes of no text."""
    text = os.fspath(name)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
