"""What `fit` is fed, on either backend: each step's batch once, through all epochs."""

import pytest

from tests.conftest import run_script

# The loss is the number of the step: an epoch's is their mean.
SCRIPT = """
import keras
import numpy as np
from experiments.training.fit import feed

def batch_of(step):
    number = np.full((1, 1), step, np.float32)
    return number, number

layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
model = keras.Sequential([keras.Input((1,)), layer])
model.compile(
    keras.optimizers.SGD(0.0), lambda step, output: output, steps_per_execution=2
)
history = model.fit(feed(batch_of, 6, 10**9), epochs=3, steps_per_epoch=4, verbose=0)
print(*history.history["loss"])
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_fit_sees_every_batch_once_and_in_order(backend):
    out = run_script(SCRIPT, KERAS_BACKEND=backend)
    assert out.split() == ["7.5", "11.5", "15.5"]
