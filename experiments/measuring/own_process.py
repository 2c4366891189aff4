"""Runs a function in a separate process."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


def alone(function: Callable, *args, **kwargs):
    """The result of `function` in a new process, which inherits no memory of this one.

    The new process ends with this one, even if this one is killed: a run that is
    started again must not find it at work in the same folder.

    Raises:
        OSError: The process was killed, for instance for lack of memory.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, _end_with_parent) as process:
        try:
            return process.submit(function, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise OSError(
                f"{function.__name__}: its process was killed, perhaps for lack of "
                "memory. Finished results are kept."
            ) from error


def _end_with_parent() -> None:
    def wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
