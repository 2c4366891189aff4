"""The training speed of this machine: of a network, and of plain 3x3 convolutions."""

import itertools
import time
import timeit
from collections.abc import Callable

import keras
import numpy as np

# A multiply and an add; forward, and backward to the input and to the weights.
FLOP_PER_MAC = 2
PASSES = 3

# Timed to choose a precision: shows a difference of sevenfold within a second.
_SMALL = {"layers": 2, "channels": 64, "side": 32, "batch_size": 1}
_REPEATS = 5

# Of `seconds_per_step`: executions an epoch, and epochs, the first of which warms up.
_EXECUTIONS, _EPOCHS = 4, 4


def best_seconds(run: Callable[[], object], repeats: int) -> float:
    """The shortest of `repeats` times that `run` takes, after a first one."""
    return min(timeit.repeat(run, number=1, repeat=1 + repeats))


def training_seconds(model: keras.Model, batch: np.ndarray, repeats: int) -> float:
    """Seconds of one training step of `model` from `batch` to itself."""
    model.compile(keras.optimizers.Adam(1e-4), "mean_absolute_error")
    return best_seconds(lambda: model.train_on_batch(batch, batch), repeats)


def seconds_per_step(model: keras.Model, batch: tuple[np.ndarray, ...]) -> float:
    """Seconds of one training step of `fit`, the best of a few epochs.

    Validation and the time it takes to compile do not count.

    Args:
        model: Compiled; it is trained.
        batch: The input of each step.
    """
    steps = _EXECUTIONS * (model.steps_per_execution or 1)
    ends = []
    at_end = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    batches = (batch for _ in itertools.count())
    model.fit(
        batches,
        epochs=_EPOCHS,
        steps_per_epoch=steps,
        shuffle=False,
        verbose=0,
        callbacks=[at_end],
    )
    return float(np.diff(ends).min()) / steps


def convolution_peak(
    dtype: str,
    repeats: int,
    layers: int = 6,
    channels: int = 128,
    side: int = 64,
    batch_size: int = 10,
) -> float:
    """FLOP/s of the steps, the best of `repeats`, under a Keras dtype policy."""
    inputs = keras.Input((side, side, channels))
    x = inputs
    for _ in range(layers):
        x = keras.layers.Conv2D(channels, 3, padding="same", dtype=dtype)(x)
    batch = np.zeros((batch_size, side, side, channels), np.float32)
    macs = 9 * channels**2 * batch_size * side**2 * layers
    # The first layer has no gradient to its input.
    passes = PASSES - 1 / layers
    seconds = training_seconds(keras.Model(inputs, x), batch, repeats)
    return FLOP_PER_MAC * passes * macs / seconds


def faster_dtype(dtype: str) -> str:
    """`dtype`, or float32 if this machine trains twice as fast in that.

    A processor without bfloat16 emulates it in software, correctly but several times
    slower than float32.
    """
    if dtype == "float32":
        return dtype
    peak, peak_in_float32 = (
        convolution_peak(d, _REPEATS, **_SMALL) for d in (dtype, "float32")
    )
    return "float32" if peak_in_float32 > 2 * peak else dtype
