"""Training on several devices, the batch divided among them.

On JAX they may be those of several hosts, each of which runs the same program: see
"Several devices" in TRAINING.md. Every host draws the whole batch and takes its part.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import keras
import numpy as np

from experiments.data.feed import Batch, batch_stream


def find(wanted: str | None, batch_sizes: Iterable[int] = ()) -> list[str]:
    """The devices to train on, accelerators where there are any.

    Args:
        wanted: A number in digits, or "all"; None for the device that the backend
            chooses, [].
        batch_sizes: Sizes of the batches to divide among them.

    Raises:
        ValueError: There are fewer devices, or a batch cannot be divided among them.
    """
    if wanted is None:
        return []
    found = _found()
    number = len(found) if wanted == "all" else int(wanted) if wanted.isdecimal() else 0
    if not 1 <= number <= len(found):
        raise ValueError(
            f"--devices: expected a number from 1 to {len(found)}, or all; got "
            f"{wanted}."
        )
    for size in batch_sizes:
        if size % number:
            raise ValueError(
                f"--batch_size: expected a multiple of {number}, the number of "
                f"devices; got {size}."
            )
    return found[:number]


@contextlib.contextmanager
def scope(found: Sequence[str]) -> Iterator[None]:
    """Models that are built and trained within train on the devices of `find`.

    `tf.distribute.MirroredStrategy` on TensorFlow, `keras.distribution.DataParallel` on
    JAX: each device has an equal part of each batch and a copy of the weights, and
    gradients are averaged. Checkpoints do not depend on the number of devices.
    """
    if not found:
        yield
    elif keras.backend.backend() == "tensorflow":
        with _mirrored(tuple(found)).scope():
            yield
    else:
        before = keras.distribution.distribution()
        # `batches` gives each host its part.
        parallel = keras.distribution.DataParallel(
            devices=found, auto_shard_dataset=False
        )
        keras.distribution.set_distribution(parallel)
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)


@functools.cache  # two strategies would confuse their reductions
def _mirrored(found: tuple[str, ...]):
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(found)


def count() -> int:
    """Number of devices of the `scope`, 1 outside."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.distribute.get_strategy().num_replicas_in_sync
    parallel = keras.distribution.distribution()
    return 1 if parallel is None else parallel.device_mesh.devices.size


def batches(batch_of: Callable[[int], Batch], first_step: int, num_steps: int):
    """A `batch_stream` for `fit` in this `scope`.

    With a strategy of TensorFlow, Keras reads a batch and then restarts; a generator
    would lose the batches drawn until then.

    Args:
        batch_of, first_step, num_steps: As for `batch_stream`.
    """
    stream = functools.partial(
        batch_stream, lambda step: _part(batch_of(step)), first_step, num_steps
    )
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.distribute.has_strategy():
            signature = tuple(
                tf.TensorSpec((None, *part.shape[1:]), part.dtype)
                for part in batch_of(first_step)
            )
            return tf.data.Dataset.from_generator(stream, output_signature=signature)
    return stream()


def repeated(images: Batch) -> Batch:
    """`images`, repeated until the devices can share them; means do not change."""
    times = math.lcm(len(images[0]), count()) // len(images[0])
    return _part(tuple(np.concatenate([part] * times) for part in images))


def num_hosts() -> int:
    """How many processes train together."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def _part(batch: Batch) -> Batch:
    """What this host has of a batch."""
    if num_hosts() == 1:
        return batch
    import jax

    return tuple(np.split(part, num_hosts())[jax.process_index()] for part in batch)


def _found() -> list[str]:
    if keras.backend.backend() != "tensorflow":
        return keras.distribution.list_devices()
    import tensorflow as tf

    logical = (tf.config.list_logical_devices(kind) for kind in ("GPU", "CPU"))
    return [device.name for device in next(filter(None, logical))]
