"""`dual-prior restore --dry-run`: what would be done, and how long it would take."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dual_prior.command.report import Reporter
from dual_prior.files.plan import Job
from dual_prior.files.restore import Restoration
from dual_prior.files.settings import Settings
from dual_prior.system.signals import raise_if_requested

if TYPE_CHECKING:  # importing it takes seconds
    from dual_prior.restoration.restorer import Restorer

_SAMPLE = 512  # ours, pixels a side of the tile that is measured


def preview(
    jobs: Sequence[Job],
    restorer: "Callable[[], Restorer]",
    settings: Settings,
    reporter: Reporter,
) -> float:
    """Reads files, and reports what would be done with each; writes none.

    Args:
        jobs: The files, and where their results would go.
        restorer: Returns the restorer. Called once there is a picture to restore, or
            one that may be clean.
        settings: How they are read, restored and written.
        reporter: Prints each record.

    Returns:
        Seconds that the network would take for all pictures, from one tile of a
        picture.
    """
    work, sample = 0, None
    for job in jobs:
        raise_if_requested()
        restoration = Restoration(job, settings)
        restoration.read()
        if planned := restoration.plan(restorer):
            pixels, tiled_pixels = planned
            work += tiled_pixels
            part = pixels[:_SAMPLE, :_SAMPLE]
            if sample is None or part.size > sample.size:
                sample = part.copy()  # frees the rest
        reporter.tell(restoration.record)
    if sample is None:
        return 0.0
    network = restorer()
    network.restore(sample)  # compiles it
    started = time.monotonic()
    network.restore(sample)
    height, width = sample.shape[:2]
    return work / (height * width) * (time.monotonic() - started)
