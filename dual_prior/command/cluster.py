"""Spreads pictures over a Ray cluster: the same jobs, the same `files.restore`.

Each worker, a Ray actor, holds one network and restores one picture at a time. If a
worker is lost, alone or with its machine, its picture goes to another worker.
Paths must mean the same files on all machines, as those of a shared file system and
addresses of a store do.
"""

import collections
import contextlib
import dataclasses
import functools
import logging
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from dual_prior.command.loading import NoNetworkError
from dual_prior.command.report import Reporter
from dual_prior.files import restore as files
from dual_prior.files.plan import Job, UsageError
from dual_prior.files.record import FAILED, Record
from dual_prior.files.settings import Settings
from dual_prior.system.atomic_file import remove_leftovers
from dual_prior.system.signals import Terminated, raise_if_requested
from dual_prior.system.text import one_line

# A picture whose workers are lost this often is the cause itself.
_MAX_LOSSES = 3  # ours
_PATIENCE = 30  # ours, seconds: for a first worker, and for unfinished tiles at the end


def restore_on_cluster(
    jobs: Sequence[Job],
    load: Callable,
    settings: Settings,
    reporter: Reporter,
    address: str,
) -> None:
    """Does the jobs on a cluster; reports on each as it ends.

    Args:
        jobs: The pictures, files only.
        load: Makes a `Restorer` of `Options`; each worker calls it once.
        settings: How they are read, restored and written.
        reporter: Prints each record.
        address: Of the cluster, as `ray.init` takes it: "auto", or HOST:PORT.

    Raises:
        UsageError: Ray is not installed, no cluster answers, or a job is a stream.
        NoNetworkError: The workers cannot load the network.
    """
    if any(job.source is None or job.target is None for job in jobs):
        raise UsageError("--cluster: standard input and output are for one machine.")
    if not jobs:
        return
    if settings.weights is not None:
        weights = os.path.abspath(settings.weights)
        settings = dataclasses.replace(settings, weights=weights)
    with _connected(address) as ray:
        resources = ray.cluster_resources()
        devices = int(resources.get("GPU", 0))
        pool = _Pool(
            # A network on one core each restores more pictures a second than one that
            # spreads over all of them.
            ray.remote(_Worker).options(
                num_cpus=1,
                num_gpus=1 if devices else 0,
                memory=int(settings.max_memory * 2**30),
                max_concurrency=2,  # so that `stop` reaches a worker at work
            ),
            (load, settings, bool(devices)),
            size=min(len(jobs), devices or int(resources.get("CPU", 1))),
        )
        try:
            pool.run(jobs, reporter)
        except SystemError:  # what Ray makes of a signal other than Ctrl-C
            raise_if_requested()
            raise
        finally:
            pool.stop()


@contextlib.contextmanager
def _connected(address: str) -> Iterator:
    """Ray, connected to a cluster.

    Raises:
        UsageError: It is not installed, or no cluster answers.
    """
    # Ray has a handler of its own for SIGTERM.
    handler = signal.getsignal(signal.SIGTERM)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UsageError(
            '--cluster needs Ray: pip install "dual-prior[cluster]"'
        ) from error
    # Ray prints messages of lost machines to standard output, where records go; the
    # reporter has its standard output already.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            host, _, port = address.rpartition(":")
            if host and "/" not in host:
                # Ray would retry for minutes.
                socket.create_connection((host, int(port)), _PATIENCE).close()
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"--cluster {address}: no Ray cluster answers ({one_line(error)}). "
                "`ray start --head` starts one on this machine."
            ) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)
        try:
            yield ray
        finally:
            ray.shutdown()


class _Worker:
    """Restores one picture after the other on a machine of the cluster."""

    def __init__(self, load: Callable, settings: Settings, has_device: bool):
        if not has_device:
            os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
        self._settings = settings
        self._restorer = functools.cache(lambda: load(settings))
        self._is_stopping = threading.Event()
        self._remove_leftovers = functools.cache(remove_leftovers)

    def is_up(self) -> None:
        """Returns once the worker runs."""

    def restore(self, job: Job) -> Record | None:
        """The outcome for a picture; None if the worker was stopped meanwhile."""
        for path in filter(None, (job.target, job.comparison)):
            self._remove_leftovers(path.resolve().parent)
        try:
            return files.restore(job, self._restorer, self._settings, self._on_tile)
        except Terminated:
            return None

    def stop(self) -> None:
        """Ends the work after the current tile; no unfinished file is left."""
        self._is_stopping.set()

    def _on_tile(self, done: int, total: int) -> None:
        if self._is_stopping.is_set():
            raise Terminated


class _Lost(Exception):
    """A worker is lost, and its picture unfinished."""


class _Pool:
    """Workers, and the current call of each.

    Args:
        worker: The class of actors.
        arguments: Those of its constructor.
        size: Largest number of workers; they start as the cluster has room.
    """

    def __init__(self, worker, arguments: tuple, size: int):
        self._new = lambda: worker.remote(*arguments)
        self._size = size
        self._calls: dict = {}  # reference -> (worker, its job; None: is it up?)
        self._idle: list = []

    def run(self, jobs: Sequence[Job], reporter: Reporter) -> None:
        """Does the jobs; a worker that is lost is replaced, and its job repeated.

        Raises:
            NoNetworkError: The workers do not start, or cannot load the network.
        """
        waiting = collections.deque(jobs)
        losses: collections.Counter[Job] = collections.Counter()
        failed_starts = 0  # in a row
        deadline = time.monotonic() + _PATIENCE  # of the first worker
        for _ in range(self._size):
            self._ask(self._new())
        unfinished = len(jobs)
        while unfinished:
            while self._idle and waiting:
                worker, job = self._idle.pop(), waiting.popleft()
                self._calls[worker.restore.remote(_absolute(job))] = worker, job
                deadline = math.inf
            for worker, job, outcome in self._ended():
                if not isinstance(outcome, _Lost):
                    failed_starts = 0
                    self._idle.append(worker)
                elif job is None:
                    failed_starts += 1
                    if failed_starts > self._size:
                        raise NoNetworkError(f"no worker starts ({outcome})")
                    continue
                else:
                    losses[job] += 1
                    if losses[job] < _MAX_LOSSES:
                        reporter.warn(f"{job.name}: its worker was lost; trying again")
                        waiting.appendleft(job)
                        continue
                    reason = f"its worker was lost {_MAX_LOSSES} times"
                    outcome = Record(job.name, None, FAILED, reason)
                if job is not None:
                    unfinished -= 1
                    reporter.tell(_named(outcome, job))
            if time.monotonic() > deadline:
                reporter.warn("no worker has started yet: are there free cores?")
                deadline = math.inf

    def stop(self) -> None:
        """Stops the running calls; no unfinished file is left."""
        import ray

        at_work = [call for call, (_, job) in self._calls.items() if job]
        for worker, _ in self._calls.values():
            worker.stop.remote()
        if at_work:
            ray.wait(at_work, num_returns=len(at_work), timeout=_PATIENCE)

    def _ask(self, worker) -> None:
        """Asks a worker whether it is up."""
        self._calls[worker.is_up.remote()] = worker, None

    def _ended(self) -> Iterator[tuple]:
        """Waits for a second; (worker, job, its record or `_Lost`) of calls that ended.

        Lost workers are replaced.
        """
        import ray

        ended, _ = ray.wait(list(self._calls), timeout=1)
        raise_if_requested()
        for call in ended:
            worker, job = self._calls.pop(call)
            try:
                yield worker, job, ray.get(call)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, NoNetworkError):
                    raise error.cause from error
                raise NoNetworkError(one_line(error.cause)) from error
            except ray.exceptions.RayError as error:
                ray.kill(worker)  # it may only be out of reach, and must not write
                self._ask(self._new())
                # Other workers of its machine may be lost, too.
                for other in self._idle:
                    self._ask(other)
                self._idle.clear()
                yield worker, job, _Lost(one_line(error))


def _absolute(job: Job) -> Job:
    """The job for a process in another folder."""
    paths = {
        name: path and path.absolute()
        for name in ("source", "target", "comparison", "copy")
        for path in [getattr(job, name)]
    }
    return dataclasses.replace(job, **paths)


def _named(record: Record, job: Job) -> Record:
    """The record with the names that the user gave."""
    given = {str(path.absolute()): str(path) for path in job.outputs}
    output = record.output and given[record.output]
    return dataclasses.replace(record, input=job.name, output=output)
