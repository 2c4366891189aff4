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

from dual_prior.atomic_file import remove_leftovers
from dual_prior.comparison import comparison_png
from dual_prior.interruption import raise_if_requested
from dual_prior.jobs import Job
from dual_prior.picture import Picture
from dual_prior.picture_reader import Limits, PictureError, read_picture
from dual_prior.picture_writer import (
    FORMATS,
    encode_picture,
    output_format,
    picture_file,
)
from dual_prior.report import FAILED, SKIPPED, Record, Reporter
from dual_prior.text import shown

# Larger pictures are read, restored and written one after the other: there, memory
# matters more than the overlap.
_LARGE = 16_000_000  # ours, pixels


@dataclasses.dataclass(frozen=True)
class FileOptions:
    """How files are read and written.

    Attributes:
        format: Of the results, "png", "webp", "tiff" or "jpeg"; None: as the suffix of
            the result says, or as the input is, in place.
        jpeg_quality: Of JPEG results, 1 to 100.
        strip: Carry over the colour profile only.
        overwrite: Replace results that are there.
        strict: Refuse damaged JPEGs that can be decoded.
        salvage: Restore what is there of truncated ones.
        limits: Of what is read.
    """

    format: str | None = None
    jpeg_quality: int = 95
    strip: bool = False
    overwrite: bool = False
    strict: bool = False
    salvage: bool = False
    limits: Limits = Limits()


class _Skipped(Exception):
    """No result is wanted, for the reason given."""


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
                    outcome = (ahead or reading.submit(self._read, job)).result()
                    is_large = _is_large(outcome)
                    self._tell(ended, keep=0 if is_large else 1)
                    ahead = None
                    if index + 1 < len(jobs) and not is_large:
                        ahead = reading.submit(self._read, jobs[index + 1])
                    ended.append(self._restore(job, outcome, writing))
                    self._tell(ended, keep=0 if is_large else 1)
                self._tell(ended, keep=0)
            finally:
                reading.shutdown(wait=False, cancel_futures=True)

    def _tell(self, ended: collections.deque, keep: int) -> None:
        while len(ended) > keep:
            self._reporter.tell(ended.popleft().result())

    def _remove_leftovers(self, jobs: Sequence[Job]) -> None:
        for folder in {os.path.dirname(job.target) for job in jobs if job.target}:
            with contextlib.suppress(OSError):  # not there yet, or not to be read
                remove_leftovers(folder or os.curdir)

    def _read(self, job: Job) -> Picture | Record:
        """The picture of a job, or what became of it before there was one."""
        options = self._options
        record = Record(
            job.name,
            None if job.target is None else os.fspath(job.target),
        )
        try:
            if there := self._in_the_way(job):
                reason = f"{there} exists; --overwrite replaces it"
                return dataclasses.replace(record, status=SKIPPED, reason=reason)
            picture = read_picture(
                job.source or sys.stdin.buffer,
                options.limits,
                strict=options.strict,
                salvage=options.salvage,
                name=record.input,
            )
            self._check_format(job, picture)
            return picture
        except PictureError as error:
            reason = str(error).removeprefix(f"{shown(record.input)}: ")
            return dataclasses.replace(record, status=FAILED, reason=reason)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return dataclasses.replace(record, status=FAILED, reason=reason)

    def _in_the_way(self, job: Job) -> Path | None:
        """A file that is there where one is to be written, and is to stay."""
        if self._options.overwrite:
            return None
        target = None if job.target == job.source else job.target
        paths = filter(None, (target, job.comparison))
        return next((path for path in paths if path.exists()), None)

    def _restore(
        self, job: Job, outcome: Picture | Record, writing: ThreadPoolExecutor
    ) -> Future:
        """Restores what was read; the future record of its being written."""
        if isinstance(outcome, Record):
            return writing.submit(lambda: outcome)
        record = _record(job, outcome)
        try:
            with contextlib.ExitStack() as stack:
                write = stack.enter_context(_target(job))
                # The first picture waits for the network; that is not its time.
                restorer = self._restorer()
                raise_if_requested()  # while it was loaded
                started = time.monotonic()
                result = restorer.restore(outcome.pixels, self._on_tile)
                record.seconds = time.monotonic() - started
                record.probability = result.probability
                if result.skipped and job.target is not None:
                    raise _Skipped(
                        "looks uncompressed: a probability of "
                        f"{result.probability:.3f} that it was"
                    )
                finish = stack.pop_all()
        except _Skipped as reason:
            ended = dataclasses.replace(record, status=SKIPPED, reason=str(reason))
        except PictureError as error:
            ended = dataclasses.replace(record, status=FAILED, reason=str(error))
        except MemoryError as error:
            reason = str(error) or (
                "not enough memory; a lower --max_memory takes smaller tiles"
            )
            ended = dataclasses.replace(record, status=FAILED, reason=reason)
        except Exception as error:  # of a backend: mostly, that it has no memory left
            reason = f"cannot be restored ({' '.join(str(error).split())[:200]})"
            ended = dataclasses.replace(record, status=FAILED, reason=reason)
        else:
            restored = outcome.with_pixels(result.pixels)
            return writing.submit(
                self._write, job, outcome, restored, record, write, finish
            )
        return writing.submit(lambda: ended)

    def _write(self, job, before, restored, record, write, finish) -> Record:
        """Encodes and writes; `finish` completes the file, or removes it."""
        options = self._options
        try:
            with finish:
                data = encode_picture(
                    restored,
                    self._format(job, before),
                    options.jpeg_quality,
                    options.strip,
                )
                write(data)
            if job.comparison is not None:
                with picture_file(job.comparison) as write_comparison:
                    write_comparison(comparison_png(before.pixels, restored.pixels))
        except (PictureError, ValueError) as error:
            return dataclasses.replace(record, status=FAILED, reason=str(error))
        except Exception as error:  # encoders raise nearly everything
            reason = f"cannot be encoded ({' '.join(str(error).split())})"
            return dataclasses.replace(record, status=FAILED, reason=reason)
        return record

    def _on_tile(self, done: int, total: int) -> None:
        raise_if_requested()
        self._reporter.on_tile(done, total)

    def _check_format(self, job: Job, picture: Picture) -> None:
        """Refuses what could not be written, before the work of restoring it."""
        if self._format(job, picture) not in FORMATS:
            raise PictureError(
                job.name,
                f"{picture.format} cannot be written in place: --output names another "
                "file",
            )

    def _format(self, job: Job, picture: Picture) -> str:
        if self._options.format:
            return self._options.format
        if job.target is None:
            return "png"
        if job.target == job.source:  # its name may lie
            return picture.format.lower()
        return output_format(job.target.suffix)


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


@contextlib.contextmanager
def _target(job: Job) -> Iterator[Callable[[bytes], object]]:
    """What writes a job's result, to a file that is complete or not there."""
    if job.target is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
    else:
        with picture_file(job.target) as write:
            yield write


def _is_large(outcome: Picture | Record) -> bool:
    return isinstance(outcome, Picture) and outcome.pixels.size > 3 * _LARGE
