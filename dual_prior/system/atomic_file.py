"""Files that are complete or absent, whatever happens while they are written."""

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# Machine and process distinguish the leftovers of a killed process from files that
# another process is writing. In a shared folder, age or process alone would not.
_PREFIX = f".dual-prior-{socket.gethostname()}-"


def _read_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


# Read once: reading sets it to 0 for a moment, for files of other threads, too.
_UMASK = _read_umask()


@contextlib.contextmanager
def atomic_file(
    path: str | os.PathLike, source: str | os.PathLike | None = None
) -> Iterator[BinaryIO]:
    """A new file, open for writing, that becomes `path` when the block succeeds.

    Opening it shows that the folder can be written to, before any work is done. If the
    block raises, `path` is unchanged and no other file is left. The target of a
    symbolic link is replaced, not the link. Permissions are kept, and where the system
    allows it the owner and extended attributes, access control lists among them.

    Args:
        path: Where the file goes; one that exists is replaced.
        source: The file it is made from, whose permissions a new file takes, and its
            owner may write it. By default the umask decides.

    Raises:
        OSError: The file cannot be written to the folder or the disk.
    """
    path = Path(os.path.realpath(path))
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f"{_PREFIX}{os.getpid()}-"
    )
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _take_after(path, source, temporary)
        os.replace(temporary, path)
    except BaseException:
        # A signal may arrive when it already has its final name.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Removes the temporary files that killed processes of this machine left.

    Does nothing for a folder that is missing or cannot be read.
    """
    for path in Path(folder).glob(f"{_PREFIX}*"):
        pid, _, _ = path.name.removeprefix(_PREFIX).partition("-")
        if pid.isdecimal() and not _is_alive(int(pid)):
            with contextlib.suppress(OSError):
                path.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # the second: not a process number
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _take_after(path: Path, source: str | os.PathLike | None, temporary: str) -> None:
    """Owner, permissions and attributes of `path`, or the permissions of `source`."""
    mode = 0o666 & ~_UMASK  # mkstemp's files are private
    with contextlib.suppress(OSError):  # the source was deleted meanwhile
        if source is not None:
            mode = os.stat(source).st_mode & 0o666 | stat.S_IWUSR
    if path.exists():
        status = path.stat()
        mode = stat.S_IMODE(status.st_mode)
        with contextlib.suppress(OSError, AttributeError):  # not allowed; Windows
            os.chown(temporary, status.st_uid, status.st_gid)
    os.chmod(temporary, mode)
    with contextlib.suppress(OSError, AttributeError):  # no such file; macOS
        for name in os.listxattr(path):
            with contextlib.suppress(OSError):  # reserved for the system
                os.setxattr(temporary, name, os.getxattr(path, name))
