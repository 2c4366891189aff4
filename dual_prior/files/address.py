"""Addresses of objects in a store, such as s3://bucket/photos/a.jpg, used like paths.

fsspec reaches the stores; each needs a package of its own (s3fs, gcsfs, ...).
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path, PosixPath

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")

# Where an object is written by one request: it is there whole, or not at all. Other
# file systems would show a result while it is being written.
STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")


def located(text: str | os.PathLike) -> Path:
    """The path that a text means; an `Address` where it begins as s3:// does."""
    name = os.fspath(text)
    return Address(name) if _SCHEME.match(name) else Path(name)


class Address(PosixPath):
    """The address of an object, or of all objects whose addresses go on after it.

    Raises (all methods that ask the store):
        ImportError: A package is missing; the message names it.
        ValueError: There is no such kind of store.
        Exception: The store does not answer, or says no.
    """

    def __str__(self) -> str:
        # pathlib takes the two slashes for one.
        return super().__str__().replace(":/", "://", 1)

    @property
    def scheme(self) -> str:
        return self.parts[0].removesuffix(":")

    def store(self):
        """What fsspec reaches the store by."""
        try:
            import fsspec
        except ModuleNotFoundError as error:
            raise ImportError("addresses need pip install fsspec") from error
        # A listing kept would hide what other machines have written since.
        return fsspec.filesystem(self.scheme, use_listings_cache=False)

    def absolute(self) -> "Address":
        return self

    def resolve(self, strict: bool = False) -> "Address":
        return self

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Kind and size of what is there; `st_ino` changes whenever it is written.

        Raises:
            FileNotFoundError: There is nothing.
        """
        try:
            info = self._ask("info")
        except FileNotFoundError as error:
            reason = os.strerror(errno.ENOENT)
            raise FileNotFoundError(errno.ENOENT, reason, str(self)) from error
        mode = stat.S_IFREG if info["type"] == "file" else stat.S_IFDIR
        version = hash(str(info))  # with its date, and a checksum in many stores
        fields = (mode | 0o644, version, 0, 1, 0, 0, info["size"] or 0, 0, 0, 0)
        return os.stat_result(fields, {"st_atime_ns": 0, "st_mtime_ns": 0})

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        # fsspec's own answer is no where the store does not answer.
        try:
            return stat.S_ISREG(self.stat().st_mode)
        except FileNotFoundError:
            return False

    def read_bytes(self) -> bytes:
        return self._ask("cat_file")

    def put(self, content: bytes) -> None:
        """Writes the object, all of it at once."""
        self._ask("pipe_file", content)

    def below(self) -> list[str]:
        """The object itself, or all below this address, in order."""
        return self._texts(self._ask("find"))

    def matches(self) -> list[str]:
        """All objects whose address fits this one, a pattern, in order."""
        found = self._ask("glob", detail=True)
        return self._texts(n for n, info in found.items() if info["type"] == "file")

    def _texts(self, names: Iterable[str]) -> list[str]:
        return sorted(f"{self.scheme}://{name.lstrip('/')}" for name in names)

    def _ask(self, request: str, *args, **kwargs):
        store = self.store()
        ask: Callable = getattr(store, request)
        return ask(store._strip_protocol(str(self)), *args, **kwargs)
