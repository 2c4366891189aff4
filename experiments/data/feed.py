"""`tf.data`: the batches of `patches`, drawn ahead of the training step.

Pictures are decoded, reduced to luma and compressed once (`patches.compress_pictures`)
and kept in memory as bytes; what the pipeline does for every step is to crop, turn and
batch. It is indexed by step, so that it starts anywhere at no cost.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf


def batch_dataset(
    batch_of: Callable[[int], tuple[np.ndarray, ...]],
    shapes: Sequence[Sequence[int]],
    first_step: int,
    num_steps: int,
) -> tf.data.Dataset:
    """The batches of `num_steps` steps from `first_step` on, in order.

    Args:
        batch_of: Maps a step to its batch, a tuple of float32 arrays.
        shapes: Shape of each array.
        first_step: The step of the first batch.
        num_steps: Number of batches.
    """

    def draw(step):
        arrays = tf.numpy_function(batch_of, [step], [tf.float32] * len(shapes))
        return tuple(tf.ensure_shape(a, s) for a, s in zip(arrays, shapes, strict=True))

    steps = tf.data.Dataset.range(first_step, first_step + num_steps)
    return steps.map(draw, num_parallel_calls=tf.data.AUTOTUNE).prefetch(
        tf.data.AUTOTUNE
    )
