"""Restores many files: reading, restoring and writing overlap; no failure stops it.

While one picture is restored, the next is read and the one before is encoded and
written, each in a thread of its own; the libraries that do it release the interpreter.
"""

import collections
import dataclasses
import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from dual_prior.files.plan import Job
from dual_prior.files.record import FAILED, Record
from dual_prior.files.restore import Restoration
from dual_prior.files.settings import Settings
from dual_prior.restoration.memory import max_overlapping_pixels
from dual_prior.system.atomic_file import remove_leftovers
from dual_prior.system.signals import raise_if_requested

if TYPE_CHECKING:  # importing it takes seconds
    from dual_prior.restoration.restorer import Restorer


class Reports(Protocol):
    """Receives the progress of a run."""

    def on_tile(self, name: str, done: int, total: int) -> None:
        """A tile of a picture is done."""

    def tell(self, record: Record) -> None:
        """A picture is done."""


def restore_all(
    jobs: Sequence[Job],
    restorer: "Callable[[], Restorer]",
    settings: Settings,
    reports: Reports,
) -> None:
    """Restores files, and reports each outcome in the order of the jobs.

    Args:
        jobs: The files, and where their results go.
        restorer: Returns the restorer. Called for each picture that could be read, so
            that bad files fail before a network is loaded.
        settings: How they are read, restored and written.
        reports: Receives the progress.
    """
    _remove_leftovers(jobs)
    most = max_overlapping_pixels(settings.max_memory)
    written: collections.deque[Future] = collections.deque()

    def report(all_but: int) -> None:
        while len(written) > all_but:
            reports.tell(written.popleft().result())

    def on_tile(name: str, done: int, total: int) -> None:
        raise_if_requested()
        reports.on_tile(name, done, total)

    with (
        ThreadPoolExecutor(1, "read") as reading,
        ThreadPoolExecutor(1, "write") as writing,
    ):
        try:
            ahead = None
            for index, job in enumerate(jobs):
                raise_if_requested()
                picture = ahead and ahead.result()
                if not picture:
                    # In the main thread: another one would still wait for standard
                    # input after Ctrl-C.
                    picture = Restoration(job, settings)
                    picture.read()
                # Large pictures do not overlap, to save memory.
                waiting = 0 if picture.pixel_bytes > most else 1
                report(all_but=waiting)
                ahead = None
                if index + 1 < len(jobs) and waiting:
                    ahead = reading.submit(_read_small, jobs[index + 1], settings, most)
                if picture.pixel_bytes:
                    # Loaded here: an error is not one of this picture, and the time
                    # is not its time.
                    network = restorer()
                    raise_if_requested()
                    picture.restore(network, functools.partial(on_tile, job.name))
                written.append(writing.submit(picture.write))
                picture = None  # frees its memory
                report(all_but=waiting)
            report(all_but=0)
        finally:
            reading.shutdown(wait=False, cancel_futures=True)


def _read_small(job: Job, settings: Settings, most: int) -> Restoration | None:
    """Reads a picture while another one is restored; None if it is too large for that.

    Its size is checked before it is decoded.
    """
    limits = settings.limits
    megapixels = min(limits.max_megapixels, most / 1e6)
    picture = Restoration(job, settings)
    picture.read(dataclasses.replace(limits, max_megapixels=megapixels))
    return None if picture.record.status == FAILED else picture


def _remove_leftovers(jobs: Sequence[Job]) -> None:
    files = (path for job in jobs for path in (job.target, job.comparison) if path)
    for folder in {os.path.dirname(os.path.realpath(path)) for path in files}:
        remove_leftovers(folder)
