"""Works through jobs: reading, restoring and writing overlap, and no picture stops it.

While one picture is restored, the next is read and the one before is encoded and
written, each in a thread of its own; the libraries that do it release the interpreter.
"""

import collections
import dataclasses
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
    """Takes note of what happens."""

    def on_tile(self, done: int, total: int) -> None:
        """A tile of the picture at work is done."""

    def tell(self, record: Record) -> None:
        """A picture is done."""


def restore_all(
    jobs: Sequence[Job],
    restorer: "Callable[[], Restorer]",
    settings: Settings,
    reports: Reports,
) -> None:
    """Does the jobs in order, and reports on each.

    Args:
        jobs: What is to be restored.
        restorer: Returns what restores; called for each picture that could be read, so
            that a mistake is answered before a network is loaded.
        settings: How.
        reports: Told of each record, in the order of the jobs.
    """
    _remove_leftovers(jobs)
    most = max_overlapping_pixels(settings.max_memory)
    written: collections.deque[Future] = collections.deque()

    def report(all_but: int) -> None:
        while len(written) > all_but:
            reports.tell(written.popleft().result())

    def on_tile(done: int, total: int) -> None:
        raise_if_requested()
        reports.on_tile(done, total)

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
                    # Here, not in a thread, which would wait for standard input
                    # whatever signal comes.
                    picture = Restoration(job, settings)
                    picture.read()
                # Of a large one, memory matters more than that the work overlaps.
                waiting = 0 if picture.pixel_bytes > most else 1
                report(all_but=waiting)
                ahead = None
                if index + 1 < len(jobs) and waiting:
                    ahead = reading.submit(_read_small, jobs[index + 1], settings, most)
                if picture.pixel_bytes:
                    # Without a network there is no other picture to try. Nor is
                    # loading it the first picture's time.
                    network = restorer()
                    raise_if_requested()
                    picture.restore(network, on_tile)
                written.append(writing.submit(picture.write))
                picture = None  # its memory is the next one's
                report(all_but=waiting)
            report(all_but=0)
        finally:
            reading.shutdown(wait=False, cancel_futures=True)


def _read_small(job: Job, settings: Settings, most: int) -> Restoration | None:
    """The picture of a job, if it may be read while another one is restored.

    A large one is refused by its header, before it takes memory.
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
