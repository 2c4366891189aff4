"""Restores one file into one file: reads, restores, writes."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dual_prior import __version__
from dual_prior.drawing.comparison import comparison_png
from dual_prior.files.address import Address, located
from dual_prior.files.picture_file import picture_file
from dual_prior.files.plan import Job
from dual_prior.files.record import (
    COPIED,
    FAILED,
    PLANNED,
    SKIPPED,
    TO_COPY,
    Record,
)
from dual_prior.files.settings import Settings
from dual_prior.pictures.consistency import Clipping, clipping_of
from dual_prior.pictures.crop import cropped
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.formats import SUFFIXES, output_format
from dual_prior.pictures.metadata import is_marked, losses, mark, without_metadata
from dual_prior.pictures.picture import Picture, of_depth
from dual_prior.pictures.reader import Limits, read_picture
from dual_prior.pictures.writer import check_fits, encode_picture
from dual_prior.restoration.memory import largest_tile
from dual_prior.restoration.tiles import tiled_pixels
from dual_prior.system.text import one_line, shown

if TYPE_CHECKING:  # importing it takes seconds
    from dual_prior.restoration.restorer import Restorer
    from dual_prior.restoration.tiles import OnTile


def restore(
    job: Job,
    restorer: "Callable[[], Restorer]",
    settings: Settings,
    on_tile: "OnTile | None" = None,
) -> Record:
    """Restores one file. The result is complete, or no file has changed.

    Args:
        job: The file, and where its result goes.
        restorer: Makes the restorer. Called after the file has been read, so that a bad
            file fails before a network is loaded.
        settings: How it is read, restored and written.
        on_tile: Called with (tiles done, tiles in all) after each tile.

    Returns:
        The outcome. Errors that concern the file are recorded there, not raised.

    Raises:
        ValueError, OSError: By `restorer`.
    """
    restoration = Restoration(job, settings)
    if restoration.read():
        restoration.restore(restorer(), on_tile)
    return restoration.write()


class Restoration:
    """The three steps of restoring one file: `read`, `restore`, `write`.

    Each step may run in a thread of its own. Once a step has failed, the others do
    nothing.

    Args:
        job: The file, and where its result goes.
        settings: How it is read, restored and written.
    """

    def __init__(self, job: Job, settings: Settings):
        self._job = job
        self._settings = settings
        self._record = Record(
            job.name, None if job.target is None else os.fspath(job.target)
        )
        self._source: os.stat_result | None = None  # as it was read
        self._before: Picture | None = None
        self._after: Picture | None = None
        self._content: Callable[[], bytes] = self._encoded
        self._outputs: contextlib.ExitStack | None = None
        self._write: Callable[[bytes], object] = _write_to_stdout
        self._draw: Callable[[bytes], object] | None = None

    @property
    def record(self) -> Record:
        """The outcome so far."""
        return self._record

    @property
    def pixel_bytes(self) -> int:
        """Bytes of the pixels that were read; 0 if none were."""
        return 0 if self._before is None else self._before.pixels.nbytes

    def read(self, limits: Limits | None = None) -> bool:
        """Reads the picture. Returns whether there is one to restore.

        Args:
            limits: Limits to use instead of those of the settings.
        """
        job, settings, record = self._job, self._settings, self._record
        with self._errors_recorded("read", (OSError, ValueError)):
            if not job.in_place:
                self._check_not_there(job.target)
            self._source = _status(job.source)
            picture = read_picture(
                job.source or sys.stdin.buffer,
                limits or settings.limits,
                strict=settings.strict,
                salvage=settings.salvage,
                name=record.input,
                page=settings.page,
            )
            if settings.box is not None:
                picture = cropped(picture, *settings.box)
            if job.in_place and is_marked(picture) and not settings.overwrite:
                raise _Skipped("restored before; --overwrite restores it again")
            if is_kept(job.comparison, settings):
                raise ValueError(f"{job.comparison} exists; --overwrite draws over it")
            self._check_format(picture)
            self._check_losses(picture)
            record.height, record.width = picture.pixels.shape[:2]
            record.kind, record.quality = picture.description, picture.quality
            record.warnings = list(picture.warnings)
            self._before = picture
        return self._before is not None

    def plan(self, restorer: "Callable[[], Restorer]") -> tuple[np.ndarray, int] | None:
        """Instead of `restore`, in a dry run.

        Args:
            restorer: Makes the restorer. Called to ask whether a picture is clean.

        Returns:
            (the pixels that were read, the pixels of all tiles together, which overlap)
            or None if there is nothing for a network to restore.
        """
        before, record = self._before, self._record
        if before is None:
            return None
        with self._errors_recorded("restored", ()):
            if before.jpeg is None and self._is_clean(before, restorer()):
                record.output = _name(self._place_of_clean(before))
                record.status = TO_COPY
                return None
            clipping = self._clipping(before)
            tile = largest_tile(
                before.pixels,
                self._settings,
                before.num_channels,
                clipping.held.nbytes if clipping.held else 0,
            )
            record.status = PLANNED
            if clipping.is_all:  # the network has no work
                return None
            height, width = before.pixels.shape[:2]
            return before.pixels, tiled_pixels(height, width, tile)
        return None

    def restore(self, restorer: "Restorer", on_tile: "OnTile | None" = None) -> None:
        """Restores the picture, after making sure that its result can be written.

        A clean picture that is not a JPEG is skipped, or copied unchanged.
        """
        before, record = self._before, self._record
        if before is None:
            return
        with (
            self._errors_recorded("restored", (PictureError,)),
            contextlib.ExitStack() as outputs,
        ):
            if self._is_clean(before, restorer):
                self._copy(before, outputs)
            else:
                self._open(outputs)
                started = time.monotonic()
                clipping = self._clipping(before)
                pixels = restorer.restore(
                    before.pixels,
                    on_tile,
                    before.num_channels,
                    before.tables,
                    clipping.held,
                    clipping.is_all,
                    before.trace,
                )
                record.seconds = time.monotonic() - started
                self._after = before.with_pixels(pixels)
            self._outputs = outputs.pop_all()

    def write(self) -> Record:
        """Encodes and writes the result. Returns the outcome."""
        settings, record = self._settings, self._record
        before, after = self._before, self._after
        if self._outputs is None or before is None:
            return record
        with (
            self._errors_recorded("encoded", (PictureError, ValueError)),
            self._outputs,
        ):
            self._write(self._content())
            if self._draw is not None and after is not None:
                self._draw(comparison_png(before.pixels, after.pixels))
            self._check_nobody_else_wrote()
        if settings.preserve_times and record.output:
            self._date(record.output)
        if settings.backup is not None:
            self._date(f"{record.input}{settings.backup}")
        return record

    def _encoded(self) -> bytes:
        """The file of the result or of the copy."""
        settings, before, picture = self._settings, self._before, self._after
        assert before is not None and picture is not None
        if settings.strip:
            picture = without_metadata(picture)
        format = self._format(before)
        return encode_picture(
            self._marked(picture, format),
            format,
            quality=settings.quality,
            subsampling=settings.subsampling,
            notes=self._record.warnings,
        )

    def _clipping(self, picture: Picture) -> Clipping:
        """How the result is clipped, which is recorded."""
        settings, record = self._settings, self._record
        clipping = clipping_of(
            picture, settings.consistency if settings.strength else "never"
        )
        record.clipping = clipping.words
        if picture.trace is not None:
            record.reason = str(picture.trace)
        if clipping.is_all:
            what = "unchanged" if clipping.held is None else "chroma only"
            record.reason = f"quality {picture.quality}: {what}"
        return clipping

    def _is_clean(self, picture: Picture, restorer: "Restorer") -> bool:
        """Whether a picture is clean; records its probability, and the reason."""
        record = self._record
        record.probability = restorer.probability(picture.pixels)
        is_clean = restorer.is_clean(record.probability, picture.trace)
        if picture.jpeg is not None or not is_clean:
            return False
        chance = f"probability {record.probability:.2f}"
        record.reason = f"no trace of JPEG, {chance}; --always restores it"
        return True

    def _place_of_clean(self, picture: Picture) -> Path | None:
        """Where a clean picture is copied to; None for standard output.

        Raises:
            _Skipped: It is not copied.
        """
        job = self._job
        if job.target is not None and job.copy is None:
            raise _Skipped(self._record.reason or "")
        path = job.copy if self._is_copied(picture) else job.target
        self._check_not_there(path)
        return path

    def _is_copied(self, picture: Picture) -> bool:
        """Whether a clean picture is copied byte for byte.

        Otherwise the settings request another format or depth, and its pixels are
        encoded.
        """
        job, settings = self._job, self._settings
        if job.copy is None or job.source is None:
            return False
        if settings.strip or settings.crop or settings.depth:
            return False
        if job.copy.suffix == job.source.suffix:
            return True
        return output_format(job.copy.suffix) == picture.format.lower()

    def _copy(self, picture: Picture, outputs: contextlib.ExitStack) -> None:
        """Opens the file of the copy of a clean picture."""
        path = self._place_of_clean(picture)
        if path is not None:
            self._write = outputs.enter_context(picture_file(path, self._job.source))
        if self._is_copied(picture):
            self._content = located(self._job.name).read_bytes
        self._after = picture.with_pixels(
            of_depth(picture.pixels, self._settings.depth)
        )
        self._record.status, self._record.output = COPIED, _name(path)

    def _check_not_there(self, path: Path | None) -> None:
        """Checks that no existing file would be overwritten without permission.

        Raises:
            _Skipped: A file exists.
        """
        if is_kept(path, self._settings):
            raise _Skipped(f"{path} exists; --overwrite replaces it")

    def _date(self, path: str) -> None:
        """Gives a file the date of the source."""
        if times := self._source:
            with contextlib.suppress(OSError):  # it does not exist
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def _marked(self, picture: Picture, format: str) -> Picture:
        """The picture with a mark that says how it was restored.

        A picture restored in place is marked even with `strip`, so that the next run
        skips it.

        Raises:
            ValueError: In place, and its EXIF data have no room for the mark.
        """
        settings, in_place = self._settings, self._job.in_place
        if self._record.status == COPIED or not settings.strength:
            return picture
        if settings.strip:
            return mark(picture) if in_place else picture
        strength = f"strength {settings.strength:g}"
        details = f"{__version__}, {settings.network}, {strength}"
        try:
            return mark(picture, details, format)
        except ValueError as error:
            if in_place:
                raise ValueError(f"{error}; restore it into another file") from error
            self._record.warnings.append(str(error))
            return picture

    def _open(self, outputs: contextlib.ExitStack) -> None:
        """Opens the output files, which get their names when they are complete.

        The last one opened is completed first: the backup before its original is
        replaced, the comparison after the result, since it would never be drawn if the
        next run skipped the picture.
        """
        job = self._job
        if job.comparison is not None:
            self._draw = outputs.enter_context(picture_file(job.comparison, job.source))
        if job.target is not None:
            self._write = outputs.enter_context(picture_file(job.target, job.source))
        if job.in_place and self._settings.backup is not None:
            self._keep_original(outputs)

    def _keep_original(self, outputs: contextlib.ExitStack) -> None:
        """Copies the source to its backup.

        Raises:
            PictureError: Another file has that name; it may be an earlier original.
        """
        original = located(self._job.name).read_bytes()
        backup = located(f"{self._job.name}{self._settings.backup}")
        if not backup.exists():
            outputs.enter_context(picture_file(backup, self._job.source))(original)
        elif backup.read_bytes() != original:
            raise PictureError(
                backup, "exists, and backups are not overwritten: name another --backup"
            )

    def _format(self, picture: Picture) -> str:
        # In place the content decides: the name may be wrong.
        return self._job.format or picture.format.lower()

    def _check_format(self, picture: Picture) -> None:
        """Checks that the result can be written, before it is computed.

        Raises:
            ValueError: The format is not supported, or cannot hold the picture.
        """
        format = self._format(picture)
        if format not in SUFFIXES:
            raise ValueError(
                f"{picture.format} cannot be written in place: --output names another "
                "file"
            )
        check_fits(picture, format, self._settings.depth)

    def _check_losses(self, picture: Picture) -> None:
        """Checks that no part of a file is lost when it is overwritten.

        Raises:
            ValueError: A part would be lost.
        """
        settings = self._settings
        if self._job.in_place and settings.backup is None and not settings.force:
            after = without_metadata(picture) if settings.strip else picture
            if lost := losses(after, self._format(picture)):
                raise ValueError(
                    f"not replaced: {'; '.join(lost)} (--backup SUFFIX keeps the "
                    "original, --force replaces it)"
                )

    def _check_nobody_else_wrote(self) -> None:
        """Checks that no other program has written the file meanwhile.

        Raises:
            PictureError: Another program has.
        """
        job, path = self._job, self._record.output
        is_same = _version(_status(job.source)) == _version(self._source)
        if (job.in_place or self._record.status == COPIED) and not is_same:
            raise PictureError(job.name, "changed while it was restored")
        if not job.in_place and path and is_kept(located(path), self._settings):
            reason = "was written by another program meanwhile; --overwrite replaces it"
            raise PictureError(path, reason)

    @contextlib.contextmanager
    def _errors_recorded(
        self, verb: str, readable: tuple[type[Exception], ...]
    ) -> Iterator:
        """Records the errors that the block raises.

        Args:
            verb: For errors of libraries: "cannot be <verb> (...)".
            readable: Errors whose message is shown unchanged.
        """
        record = self._record
        try:
            yield
            return
        except _Skipped as skipped:
            record.status, record.reason = SKIPPED, str(skipped)
            return
        except readable as error:
            reason = getattr(error, "strerror", None) or str(error)
        except MemoryError as error:
            reason = one_line(error) or (
                "not enough memory; a lower --max-memory takes smaller tiles"
            )
        except Exception as error:  # backends and encoders raise many kinds
            reason = f"cannot be {verb} ({one_line(error)})"
        record.status, record.output = FAILED, None
        record.reason = reason.removeprefix(f"{shown(record.input)}: ")


class _Skipped(Exception):
    """The picture gets no result, for the reason given."""


def _name(path: Path | None) -> str | None:
    return None if path is None else os.fspath(path)


def is_kept(path: Path | None, settings: Settings) -> bool:
    """Whether a file exists that must not be overwritten."""
    if settings.overwrite or path is None:
        return False
    return path.is_file() if isinstance(path, Address) else os.path.isfile(path)


def _status(path: Path | None) -> os.stat_result | None:
    try:
        return None if path is None else path.stat()
    except OSError:
        return None


def _version(status: os.stat_result | None) -> tuple[int, ...]:
    """Changes whenever a file is written; empty if it does not exist."""
    if status is None:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _write_to_stdout(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PictureError(
            "standard output", f"cannot be written ({reason})"
        ) from error
