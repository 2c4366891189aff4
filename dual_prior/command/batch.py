"""Works through jobs: reading, restoring and writing overlap, and no picture stops it.

While one picture is restored, the next is read and the one before is encoded and
written, each in a thread of its own; the libraries that do it release the interpreter.
"""

import collections
import contextlib
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from dual_prior.command.report import Reporter
from dual_prior.drawing.comparison import comparison_png
from dual_prior.files.picture_file import picture_file
from dual_prior.files.plan import Job
from dual_prior.files.record import FAILED, SKIPPED, Record
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.formats import FORMATS, output_format
from dual_prior.pictures.metadata import is_marked, mark, without_metadata
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.reader import Limits, read_picture
from dual_prior.pictures.writer import check_fits, encode_picture
from dual_prior.system.atomic_file import remove_leftovers
from dual_prior.system.signals import raise_if_requested
from dual_prior.system.text import one_line, shown


class _Skipped(Exception):
    """No result is wanted: the files that were opened for it are to go."""


@dataclasses.dataclass(frozen=True)
class FileOptions:
    """How files are read and written.

    Attributes:
        format: Of the results, "png", "webp", "tiff" or "jpeg"; None: as the suffix of
            the result says, or as the input is, in place.
        jpeg_quality: Of JPEG results, 1 to 100.
        strip: Carry over the colour profile only.
        depth: Bits a channel of what the restorer returns; None for the picture's own.
        overwrite: Replace results that are there.
        strict: Refuse damaged JPEGs that can be decoded.
        salvage: Restore what is there of truncated ones.
        limits: Of what is read.
        max_overlap: Larger pictures, in pixels of 8 bits, are read, restored, written
            one by one: there, memory matters more. See `restorer.overlapping`.
    """

    format: str | None = None
    jpeg_quality: int = 95
    strip: bool = False
    depth: int | None = None
    overwrite: bool = False
    strict: bool = False
    salvage: bool = False
    limits: Limits = Limits()
    max_overlap: int = 16_000_000


class Runner:
    """Restores pictures from files into files.

    Args:
        restorer: Makes the `Restorer`. Called for the first picture that can be read,
            so that a mistake is answered before a network is loaded.
        options: How files are read and written.
        reporter: What is told of each.
    """

    def __init__(self, restorer: Callable, options: FileOptions, reporter: Reporter):
        self._restorer = restorer
        self._options = options
        self._reporter = reporter
        self._versions = {}  # of what is to be replaced, as it was read

    def run(self, jobs: Sequence[Job]) -> None:
        """Does the jobs in order, and tells of each, whatever comes of it."""
        self._remove_leftovers(jobs)
        ended: collections.deque[Future] = collections.deque()
        with (
            ThreadPoolExecutor(1, "read") as reading,
            ThreadPoolExecutor(1, "write") as writing,
        ):
            try:
                ahead = None
                for index, job in enumerate(jobs):
                    raise_if_requested()
                    # Here, not in a thread, which would wait for standard input
                    # whatever signal comes.
                    outcome = (ahead and ahead.result()) or self._read(job)
                    is_large = self._is_large(outcome)
                    self._tell(ended, keep=0 if is_large else 1)
                    ahead = None
                    if index + 1 < len(jobs) and not is_large:
                        ahead = reading.submit(self._read_small, jobs[index + 1])
                    ended.append(self._restore(job, outcome, writing))
                    outcome = None  # its memory is the next one's
                    self._tell(ended, keep=0 if is_large else 1)
                self._tell(ended, keep=0)
            finally:
                reading.shutdown(wait=False, cancel_futures=True)

    def _is_large(self, outcome: Picture | Record) -> bool:
        """Whether memory matters more than that the work overlaps."""
        if isinstance(outcome, Record):
            return False
        height, width = outcome.pixels.shape[:2]
        size = height * width * outcome.pixels.itemsize
        return size > self._options.max_overlap

    def _tell(self, ended: collections.deque, keep: int) -> None:
        while len(ended) > keep:
            self._reporter.tell(ended.popleft().result())

    def _remove_leftovers(self, jobs: Sequence[Job]) -> None:
        files = (path for job in jobs for path in (job.target, job.comparison) if path)
        for folder in {os.path.dirname(os.path.realpath(path)) for path in files}:
            remove_leftovers(folder)

    def _read_small(self, job: Job) -> Picture | Record | None:
        """As `_read`, if it may be read while another one is restored.

        A large one is refused by its header, before it takes memory.
        """
        limits = self._options.limits
        most = min(limits.max_megapixels, self._options.max_overlap / 1e6)
        small = dataclasses.replace(limits, max_megapixels=most)
        outcome = self._read(job, small)
        failed = isinstance(outcome, Record) and outcome.status == FAILED
        return None if failed else outcome

    def _read(self, job: Job, limits: Limits | None = None) -> Picture | Record:
        """The picture of a job, or what became of it before there was one."""
        options = self._options
        record = Record(
            job.name,
            None if job.target is None else os.fspath(job.target),
        )
        try:
            if self._is_there(job.target) and job.target != job.source:
                reason = f"{job.target} exists; --overwrite replaces it"
                return dataclasses.replace(record, status=SKIPPED, reason=reason)
            if job.in_place:
                self._versions[job.source] = _version(job.source)
            picture = read_picture(
                job.source or sys.stdin.buffer,
                limits or options.limits,
                strict=options.strict,
                salvage=options.salvage,
                name=record.input,
            )
            if job.in_place and is_marked(picture) and not options.overwrite:
                reason = "restored before; --overwrite restores it again"
                return dataclasses.replace(record, status=SKIPPED, reason=reason)
            if self._is_there(job.comparison):
                reason = f"{job.comparison} exists; --overwrite draws over it"
                return _failed(record, reason)
            self._check_format(job, picture)
            return picture
        except (OSError, ValueError) as error:
            return _failed(record, getattr(error, "strerror", None) or error)

    def _is_there(self, path: Path | None) -> bool:
        """Whether a file is there that is to stay; other things cannot be replaced."""
        return not self._options.overwrite and path is not None and os.path.isfile(path)

    def _restore(
        self, job: Job, outcome: Picture | Record, writing: ThreadPoolExecutor
    ) -> Future:
        """Restores what was read; the future record of its being written."""
        if isinstance(outcome, Record):
            return writing.submit(lambda: outcome)
        # Outside of what one picture may raise: without a network there is none to try.
        # Nor is it the first picture's time.
        restorer = self._restorer()
        raise_if_requested()  # while it was loaded
        record = _record(job, outcome)
        try:
            with contextlib.ExitStack() as stack:
                files = stack.enter_context(_files(job))
                started = time.monotonic()
                result = restorer.restore(
                    outcome.pixels, self._on_tile, outcome.num_channels
                )
                record.seconds = time.monotonic() - started
                record.probability = result.probability
                if result.skipped:
                    record.status = SKIPPED
                    record.reason = (
                        "looks uncompressed: a probability of "
                        f"{result.probability:.3f} that it was"
                    )
                    if job.target is not None:  # what is read from a pipe is passed on
                        raise _Skipped
                restored = outcome.with_pixels(result.pixels)
                finish = stack.pop_all()
        except _Skipped:
            ended = record
        except PictureError as error:
            ended = _failed(record, error)
        except MemoryError as error:
            ended = _failed(
                record,
                one_line(error)
                or "not enough memory; a lower --max_memory takes smaller tiles",
            )
        except Exception as error:  # of a backend: mostly, that it has no memory left
            ended = _failed(record, f"cannot be restored ({one_line(error)})")
        else:
            return writing.submit(
                self._write, job, outcome, restored, record, files, finish
            )
        return writing.submit(lambda: ended)

    def _write(self, job, before, restored, record, files, finish) -> Record:
        """Encodes and writes; `finish` completes the files, or removes them."""
        options = self._options
        try:
            with finish:
                if options.strip:
                    restored = without_metadata(restored)
                if job.in_place:
                    restored = mark(restored)
                write, draw = files
                write(
                    encode_picture(
                        restored,
                        self._format(job, before),
                        options.jpeg_quality,
                        record.warnings,
                    )
                )
                if draw is not None:
                    draw(comparison_png(before.pixels, restored.pixels))
                self._check_nobody_else_wrote(job)
        except (PictureError, ValueError) as error:
            return _failed(record, error)
        except Exception as error:  # encoders raise nearly everything
            return _failed(record, f"cannot be encoded ({one_line(error)})")
        return record

    def _check_nobody_else_wrote(self, job: Job) -> None:
        """Refuses to replace what came while the picture was restored.

        Raises:
            PictureError: Something did.
        """
        if job.in_place:
            if _version(job.source) != self._versions.pop(job.source):
                raise PictureError(job.source, "changed while it was restored")
        elif self._is_there(job.target):
            reason = "was written by somebody else meanwhile; --overwrite replaces it"
            raise PictureError(job.target, reason)

    def _on_tile(self, done: int, total: int) -> None:
        raise_if_requested()
        self._reporter.on_tile(done, total)

    def _check_format(self, job: Job, picture: Picture) -> None:
        """Refuses what could not be written, before the work of restoring it.

        Raises:
            ValueError: The format is not written, or does not take the picture.
        """
        format = self._format(job, picture)
        if format not in FORMATS:
            raise ValueError(
                f"{picture.format} cannot be written in place: --output names another "
                "file"
            )
        check_fits(picture, format, self._options.depth)

    def _format(self, job: Job, picture: Picture) -> str:
        if self._options.format:
            return self._options.format
        if job.target is None:
            return "png"
        if job.in_place:  # its name may lie
            return picture.format.lower()
        return output_format(job.target.suffix)


def _version(path: Path) -> tuple[int, ...]:
    """What differs once a file was written again; nothing of one that is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _record(job: Job, picture: Picture) -> Record:
    height, width = picture.pixels.shape[:2]
    return Record(
        job.name,
        None if job.target is None else os.fspath(job.target),
        width=width,
        height=height,
        kind=picture.description,
        quality=picture.quality,
        warnings=list(picture.warnings),
    )


def _failed(record: Record, error: Exception | str) -> Record:
    reason = str(error).removeprefix(f"{shown(record.input)}: ")
    return dataclasses.replace(record, status=FAILED, reason=reason, output=None)


@contextlib.contextmanager
def _files(job: Job) -> Iterator[tuple[Callable, Callable | None]]:
    """What writes a job's result, and its comparison if there is to be one.

    To files that are complete or not there: the comparison is completed last, since
    pictures that have a result are skipped the next time.
    """
    with contextlib.ExitStack() as stack:
        draw = None
        if job.comparison is not None:
            draw = stack.enter_context(picture_file(job.comparison))
        if job.target is not None:
            yield stack.enter_context(picture_file(job.target)), draw
            return
        yield _write_to_stdout, draw


def _write_to_stdout(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PictureError(
            "standard output", f"cannot be written ({reason})"
        ) from error
