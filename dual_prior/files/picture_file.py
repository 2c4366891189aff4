"""Writes picture files that exist only once they are complete."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

from dual_prior.files.address import Address, located
from dual_prior.pictures.errors import PictureError
from dual_prior.system.atomic_file import atomic_file
from dual_prior.system.text import one_line


@contextlib.contextmanager
def picture_file(
    path: str | os.PathLike, source: str | os.PathLike | None = None
) -> Iterator[Callable[[bytes], object]]:
    """Opens a file that gets its name once it is complete; makes its folders.

    Entering the context checks that the file can be written, before any work is done;
    a store is asked when there is something to put.

    Args:
        path: Where it goes.
        source: The source picture, whose permissions a new file takes.

    Yields:
        A function that writes the content, to be called once.

    Raises:
        PictureError: The file cannot be written.
    """
    path = located(path)
    if isinstance(path, Address):
        with _stored(path) as write:
            yield write
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OSError("not a regular file")  # renaming would replace a device
        # Renaming would ignore both, and root may write even a file of mode 0444.
        if path.exists() and not (
            path.stat().st_mode & 0o222 and os.access(path, os.W_OK)
        ):
            raise OSError("write-protected")
        with atomic_file(path, source) as file:
            yield file.write
    except PictureError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PictureError(path, f"cannot be written ({reason})") from error


@contextlib.contextmanager
def _stored(address: Address) -> Iterator[Callable[[bytes], object]]:
    """`picture_file` in a store: the object is put when the block ends well."""
    parts: list[bytes] = []
    yield parts.append
    try:
        address.put(b"".join(parts))
    except Exception as error:  # stores raise nearly everything
        raise PictureError(address, f"cannot be written ({one_line(error)})") from error
