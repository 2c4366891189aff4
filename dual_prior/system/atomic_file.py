"""Files that are complete or not there, whatever happens while they are written."""

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# Machine and process tell the leftovers of a killed process from files that another
# process is writing; on a shared folder, an age or the process alone would not.
_PREFIX = f".dual-prior-{socket.gethostname()}-"


def _read_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


# Read once: while it is read, it is 0, for whatever another thread makes just then.
_UMASK = _read_umask()


@contextlib.contextmanager
def atomic_file(
    path: str | os.PathLike, source: str | os.PathLike | None = None
) -> Iterator[BinaryIO]:
    """A new file, open for writing, that becomes `path` when the block ends well.

    Opening it shows that the folder can be written to, before any work is done. If the
    block raises, what was at `path` before is still there, and nothing else. What is
    behind a symbolic link is replaced, not the link; permissions stay, and the owner
    and extended attributes (lists of access are among them) where the system lets us.

    Args:
        path: Where the file goes; one that exists is replaced.
        source: What it is made from: a new file may be read and written by the same
            people, and by its owner. By default the umask decides.

    Raises:
        OSError: The folder or the disk does not take the file.
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
        # A signal may come when it has its name already.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Removes the temporary files that killed processes of this machine left.

    A folder that is not there yet, or may not be read, stays as it is.
    """
    for path in Path(folder).glob(f"{_PREFIX}*"):
        pid, _, _ = path.name.removeprefix(_PREFIX).partition("-")
        if pid.isdecimal() and not _is_alive(int(pid)):
            with contextlib.suppress(OSError):
                path.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no process has such a number
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _take_after(path: Path, source: str | os.PathLike | None, temporary: str) -> None:
    """Owner, permissions and attributes of `path`, or the permissions of `source`."""
    mode = 0o666 & ~_UMASK  # mkstemp's files are private
    with contextlib.suppress(OSError):  # the source is gone meanwhile
        if source is not None:
            mode = os.stat(source).st_mode & 0o666 | stat.S_IWUSR
    if path.exists():
        status = path.stat()
        mode = stat.S_IMODE(status.st_mode)
        with contextlib.suppress(OSError, AttributeError):  # nobody else's, Windows
            os.chown(temporary, status.st_uid, status.st_gid)
    os.chmod(temporary, mode)
    with contextlib.suppress(OSError, AttributeError):  # no such file, macOS
        for name in os.listxattr(path):
            with contextlib.suppress(OSError):  # one that is the system's to set
                os.setxattr(temporary, name, os.getxattr(path, name))
