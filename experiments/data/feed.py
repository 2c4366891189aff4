"""Batches drawn ahead of the training step, by threads, on any backend."""

import collections
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

Batch = tuple[np.ndarray, ...]


def batch_stream(
    batch_of: Callable[[int], Batch], first_step: int, num_steps: int
) -> Iterator[Batch]:
    """The batches of `num_steps` steps from `first_step` on.

    In order, through all epochs of a `fit`: Keras restarts a `PyDataset` in each epoch,
    and would train on the batches of the first one again and again.

    Args:
        batch_of: Maps a step to its batch, a tuple of arrays.
        first_step: The step of the first batch.
        num_steps: Number of batches.
    """
    # Threads: encoding and decoding JPEG release the interpreter.
    num_threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(num_threads)
    steps = iter(range(first_step, first_step + num_steps))
    drawn: collections.deque[Future[Batch]] = collections.deque()
    try:
        while True:
            for step in itertools.islice(steps, 4 * num_threads - len(drawn)):
                drawn.append(pool.submit(batch_of, step))
            if not drawn:
                return
            yield drawn.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
