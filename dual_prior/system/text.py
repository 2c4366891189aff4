"""What a person can read on one line: names of files, and what went wrong."""

import os


def shown(name: str | os.PathLike) -> str:
    """`name` with whatever is not printable escaped: line breaks, bytes of no text."""
    text = os.fspath(name)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def one_line(error: BaseException) -> str:
    """What an error says, on one line of at most 200 characters."""
    return " ".join(str(error).split())[:200]
