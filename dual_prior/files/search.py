"""Finding pictures: by name, in folders, by patterns."""

import glob
import itertools
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dual_prior.files.address import Address, located
from dual_prior.pictures.formats import READABLE_SUFFIXES
from dual_prior.system.text import one_line

_JPEG_START = b"\xff\xd8\xff"


class UsageError(ValueError):
    """Inputs, outputs or settings that cannot work together; the message says why.

    Example:
        >>> try:
        ...     dual_prior.restore_file("photo.jpg", "-")
        ... except dual_prior.UsageError as error:
        ...     print(error)
        Expected the name of a file or a folder, got '-'.
    """


class Search:
    """Finds pictures, and counts the files that it skips.

    Args:
        inputs: Files, folders (searched through), patterns, and addresses of either.
        marks: Endings of the names of earlier results, which are skipped.
        by_links: Count a link and its file as one picture.

    Attributes:
        pictures: (file, its place among the results), each once, in order. The place is
            relative to the input folder (with several inputs: to its parent), or to the
            part of a pattern before the first wildcard.
        passed_over: Number of files that were skipped as not being pictures, by
            suffix, not counting hidden files and earlier results.
        warnings: Other files and folders that were skipped, a sentence each.
        unsearched: Folders that could not be searched, a sentence each.

    Raises:
        UsageError: A pattern matches no picture, or a store cannot be searched.
        OSError: A name is too long, or the current folder is gone.
    """

    def __init__(
        self, inputs: Sequence[str], marks: Iterable[str], by_links: bool = False
    ):
        self.passed_over: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.unsearched: list[str] = []
        self._marks = tuple(marks)
        found: dict[str, tuple[Path, Path]] = {}
        absolute = os.path.realpath if by_links else os.path.abspath
        for text in inputs:
            for path, place in self._expanded(text, is_one_of_many=len(inputs) > 1):
                found.setdefault(absolute(path), (path, place))
        self.pictures = list(found.values())

    def _expanded(self, text: str, is_one_of_many: bool) -> Iterator[tuple[Path, Path]]:
        path = located(text)
        if isinstance(path, Address):
            yield from self._stored(path, is_one_of_many)
        elif os.path.isdir(path):
            # The name of a folder given as "..".
            name = os.path.basename(os.path.abspath(path)) if is_one_of_many else ""
            for picture in self._below(path):
                yield picture, name / picture.relative_to(path)
        elif not os.path.lexists(path) and glob.has_magic(text):
            folder = _fixed(path)
            pictures = self._matches(folder, path.relative_to(folder))
            if not pictures:
                raise UsageError(f"{text}: no picture matches this pattern.")
            yield from ((picture, picture.relative_to(folder)) for picture in pictures)
        else:
            yield path, Path(path.name)

    def _stored(
        self, address: Address, is_one_of_many: bool
    ) -> Iterator[tuple[Path, Path]]:
        """The pictures at an address, below it, or that match it."""
        try:
            found = address.below()
            is_pattern = not found and glob.has_magic(str(address))
            if is_pattern:
                found = address.matches()
        except Exception as error:  # stores raise nearly everything
            raise UsageError(f"{address}: {one_line(error)}") from error
        if is_pattern and not found:
            raise UsageError(f"{address}: no picture matches this pattern.")
        base = _fixed(address) if is_pattern else address
        name = address.name if is_one_of_many and not is_pattern else ""
        if found == [str(address)] or not found:  # which then fails: it is not there
            yield address, Path(address.name)
            return
        count = 0
        for text in found:
            path = Address(text)
            if str(path) != text:  # as a//b.jpg, which is not a/b.jpg
                self.unsearched.append(f"{text}: no path can have such a name")
                continue
            place = Path(*path.relative_to(base).parts)
            is_hidden = any(part.startswith(".") for part in place.parts)
            if not is_hidden and self._takes(path):
                count += 1
                yield path, name / place
        if not count:
            self.warnings.append(f"{address}: no pictures there")

    def _matches(self, folder: Path, pattern: Path) -> list[Path]:
        """The pictures that match a pattern, none in hidden folders.

        Unlike `glob.glob`, `Path.glob` does not follow links in `**`, which may form a
        loop.
        """
        if pattern.name == "**":  # as the shell has it, files too
            pattern = pattern / "*"
        try:
            matches = sorted(folder.glob(str(pattern)))
        except ValueError as error:
            raise UsageError(f"{pattern}: {error}") from error
        named = {part for part in pattern.parts if part.startswith(".")}

        def is_hidden(path: Path) -> bool:
            parts = path.relative_to(folder).parts
            return any(part.startswith(".") and part not in named for part in parts)

        return [
            path
            for path in matches
            if not is_hidden(path) and not os.path.isdir(path) and self._takes(path)
        ]

    def _below(self, folder: Path) -> Iterator[Path]:
        """The pictures below a folder, in the order of their names."""
        seen = set()
        found = 0

        def on_error(error: OSError):
            self.unsearched.append(
                f"{error.filename}: cannot be searched ({error.strerror})"
            )

        walk = os.walk(folder, onerror=on_error, followlinks=True)
        for place, folders, files in walk:
            try:
                status = os.stat(place)
            except OSError as error:
                on_error(error)
                folders.clear()
                continue
            if (status.st_dev, status.st_ino) in seen:  # a link led back
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(place, name)
                if not self._takes(path):
                    continue
                # One without permission is reported when it cannot be read.
                if os.path.exists(path) and not os.path.isfile(path):
                    self.warnings.append(f"{path}: not a regular file, skipped")
                    continue
                found += 1
                yield path
        if not found:
            self.warnings.append(f"{folder}: no pictures in this folder")

    def _takes(self, path: Path) -> bool:
        """Whether a file counts as a picture."""
        if path.name.startswith(".") or path.stem.endswith(self._marks):
            return False
        if path.suffix.lower() in READABLE_SUFFIXES:
            return True
        # In a store, looking into each object would cost a request.
        if not isinstance(path, Address) and _begins_as_jpeg(path):
            return True
        self.passed_over[path.suffix.lower() or "without suffix"] += 1
        return False


def _fixed(pattern: Path) -> Path:
    """The part of a pattern before the first wildcard."""
    parts = itertools.takewhile(lambda part: not glob.has_magic(part), pattern.parts)
    return type(pattern)(*parts)


def _begins_as_jpeg(path: Path) -> bool:
    """Whether a file is a JPEG under another name, as recovered files often are.

    False for photo.jpg.bak, a copy of another one.
    """
    if Path(path.stem).suffix.lower() in READABLE_SUFFIXES:
        return False
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with open(path, "rb") as file:
            return file.read(len(_JPEG_START)) == _JPEG_START
    except OSError:
        return False
