"""File names and error messages on one printable line."""

import os


def shown(name: str | os.PathLike) -> str:
    """`name` with unprintable characters escaped: line breaks, invalid bytes."""
    text = os.fspath(name)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def one_line(error: BaseException) -> str:
    """The message of an error, on one line of at most 200 characters."""
    return " ".join(str(error).split())[:200]
