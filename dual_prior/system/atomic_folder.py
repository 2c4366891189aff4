"""Folders that are complete or absent."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_folder(
    path: str | os.PathLike, replaces: str | None = None
) -> Iterator[Path]:
    """A new, empty folder that becomes `path` when the block succeeds.

    Args:
        path: Where it goes; the folders above it are made.
        replaces: The name of a file: an older folder that holds it is replaced.

    Raises:
        OSError: Something else is at `path`, or the folder cannot be written.
    """
    path = Path(path)
    if path.exists() and not (replaces and (path / replaces).is_file()):
        holds = f", and holds no {replaces}: it is not replaced" if replaces else ""
        raise FileExistsError(f"{path}: exists{holds}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=f".{path.name}."
    ) as beside:
        new, old = Path(beside, "new"), Path(beside, "old")
        new.mkdir()
        yield new
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except BaseException:
            if old.exists():
                old.rename(path)
            raise
