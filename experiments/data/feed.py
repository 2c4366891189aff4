"""Batches drawn ahead of the training step: by `tf.data`, or by threads on JAX.

Both are indexed by step, so that they start anywhere at no cost.
"""

import collections
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def batch_dataset(
    batch_of: Callable[[int], tuple[np.ndarray, ...]],
    shapes: Sequence[Sequence[int]],
    first_step: int,
    num_steps: int,
):
    """The batches of `num_steps` steps from `first_step` on, in order.

    Args:
        batch_of: Maps a step to its batch, a tuple of float32 arrays.
        shapes: Shape of each array.
        first_step: The step of the first batch.
        num_steps: Number of batches.

    Returns:
        A `tf.data.Dataset`.
    """
    import tensorflow as tf

    def draw(step):
        arrays = tf.numpy_function(batch_of, [step], [tf.float32] * len(shapes))
        return tuple(tf.ensure_shape(a, s) for a, s in zip(arrays, shapes, strict=True))

    steps = tf.data.Dataset.range(first_step, first_step + num_steps)
    return steps.map(draw, num_parallel_calls=tf.data.AUTOTUNE).prefetch(
        tf.data.AUTOTUNE
    )


def batch_stream(
    batch_of: Callable[[int], tuple[np.ndarray, ...]], first_step: int, num_steps: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """The batches of `num_steps` steps from `first_step` on, drawn ahead by threads.

    In order, and through all epochs of a `fit`: Keras begins a `PyDataset` anew in
    each, and would train on the batches of the first one for ever.

    Args:
        batch_of: Maps a step to its batch, a tuple of arrays.
        first_step: The step of the first batch.
        num_steps: Number of batches.
    """
    # Threads: encoding and decoding JPEG leave the interpreter to the others.
    num_threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(num_threads)
    steps = iter(range(first_step, first_step + num_steps))
    drawn = collections.deque()
    try:
        while True:
            for step in itertools.islice(steps, 4 * num_threads - len(drawn)):
                drawn.append(pool.submit(batch_of, step))
            if not drawn:
                return
            yield drawn.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
