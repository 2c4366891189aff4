"""The feed of `fit` on either backend: each step's batch once, in all epochs."""

import pytest

from experiments.data.feed import batch_stream
from tests.conftest import run_script

# The loss is the number of the step: an epoch's is their mean.
SCRIPT = """
import keras
import numpy as np
from experiments.data.feed import batch_stream
from experiments.measuring.throughput import seconds_per_step

def batch_of(step):
    number = np.full((1, 1), step, np.float32)
    return number, number

layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
model = keras.Sequential([keras.Input((1,)), layer])
model.compile(
    keras.optimizers.SGD(0.0), lambda step, output: output, steps_per_execution=2
)
history = model.fit(
    batch_stream(batch_of, 6, 10**9), epochs=3, steps_per_epoch=4, shuffle=False,
    verbose=0,
)
print(*history.history["loss"])
assert 0 < seconds_per_step(model, batch_of(0)) < 1
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_fit_sees_every_batch_once_and_in_order(backend):
    out = run_script(SCRIPT, KERAS_BACKEND=backend)
    assert out.split() == ["7.5", "11.5", "15.5"]


def test_the_stream_gives_the_batches_of_any_steps_in_order():
    stream = batch_stream(lambda step: (step, 10 * step), first_step=5, num_steps=3)
    assert list(stream) == [(5, 50), (6, 60), (7, 70)]


def test_a_stream_draws_only_a_few_batches_ahead():
    drawn = []
    stream = batch_stream(lambda step: drawn.append(step) or (step,), 5, 10**9)
    assert [next(stream) for _ in range(3)] == [(5,), (6,), (7,)]
    stream.close()
    assert 3 <= len(drawn) < 1000


def test_an_error_of_a_batch_reaches_who_asks_for_it():
    def batch_of(step):
        if step == 2:
            raise OSError("no such picture")
        return (step,)

    stream = batch_stream(batch_of, 0, 5)
    assert [next(stream), next(stream)] == [(0,), (1,)]
    with pytest.raises(OSError, match="no such picture"):
        next(stream)
