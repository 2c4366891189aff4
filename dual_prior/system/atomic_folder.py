"""Folders that are complete or not there."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_folder(
    path: str | os.PathLike, replaces: str | None = None
) -> Iterator[Path]:
    """A new, empty folder that becomes `path` when the block ends well.

    Args:
        path: Where it goes; the folders above it are made.
        replaces: A name: an older folder that holds a file so called is replaced.

    Raises:
        OSError: Something else is at `path`, or the disk does not take the folder.
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
