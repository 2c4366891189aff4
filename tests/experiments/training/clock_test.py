import types

import numpy as np
import pytest

from experiments.training.clock import Clock, factor
from tests.conftest import run_script


class Training:
    """What a clock sees of `fit`, whose steps take some seconds each."""

    def __init__(self, seconds_of_steps, minutes=1.0, cosine=True, spent=0.0):
        self.time = 1000.0
        self.rates = []
        self.clock = Clock(minutes, 2e-3, cosine, spent, now=lambda: self.time)
        self.model = types.SimpleNamespace(
            optimizer=types.SimpleNamespace(learning_rate=2e-3), stop_training=False
        )
        self.clock.set_model(self.model)
        self.time += 100.0  # before training begins, which does not count
        self.clock.on_train_begin()
        for step, seconds in enumerate(seconds_of_steps):
            self.rates.append(self.model.optimizer.learning_rate)
            self.time += seconds
            self.clock.on_train_batch_end(step, {})
            if self.model.stop_training:
                break
        self.time += 2  # a validation
        self.clock.on_epoch_end(0, {})


def test_the_step_in_which_time_runs_out_is_the_last():
    training = Training([25] * 10)
    assert len(training.rates) == 3  # 75 of 60 seconds
    assert training.clock.is_over and training.clock.left == -17
    assert training.clock.spent == 77


def test_what_was_trained_before_counts():
    training = Training([25] * 10, spent=40.0)
    assert len(training.rates) == 1 and training.clock.spent == 67


def test_time_is_left_until_then():
    training = Training([25])
    assert not training.clock.is_over and training.clock.left == 33
    assert not training.model.stop_training


def test_the_rate_follows_the_time_and_not_the_steps():
    rates = Training([30, 15, 10, 4, 1, 1]).rates
    shares = [0, 30 / 60, 45 / 60, 55 / 60, 59 / 60]
    np.testing.assert_allclose(rates, [2e-3 * factor(share) for share in shares])


def test_the_rate_is_not_set_at_every_step():
    rates = Training([0.2] * 30).rates
    assert len(set(rates)) == 15  # after 1/200 of 60 seconds, which is 0.3


def test_a_fixed_rate_stays():
    assert Training([25] * 3, cosine=False).rates == [2e-3] * 3


def test_the_rate_warms_up_and_falls_to_zero():
    shares = np.linspace(0, 1, 201)
    factors = np.array([factor(share) for share in shares])
    assert factors[0] == pytest.approx(0.1) and factors[4] == 1.0
    assert np.all(np.diff(factors[:5]) > 0) and np.all(np.diff(factors[4:]) < 0)
    assert factors[-1] == pytest.approx(0) == factor(1.5)
    assert factor(0.51) == pytest.approx(0.5)  # half way of what follows the warm-up


# Each step lowers the weight by the rate.
SCRIPT = """
import keras
import numpy as np
from experiments.training.clock import Clock

time = 0.0

class Step(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        global time
        time += 15.0

layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
model = keras.Sequential([keras.Input((1,)), layer])
model.compile(keras.optimizers.SGD(0.1), lambda ones, output: output)
ones = np.ones((100, 1), np.float32)
clock = Clock(1.0, 0.1, cosine=True, now=lambda: time)
model.fit(
    ones, ones, batch_size=1, steps_per_epoch=10, epochs=9, verbose=0,
    callbacks=[Step(), clock],
)
print(float(np.asarray(layer.kernel)[0, 0]))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_fit_steps_at_the_rate_of_the_moment_and_ends_amid_an_epoch(backend):
    out = run_script(SCRIPT, KERAS_BACKEND=backend)
    lowered = 0.1 * sum(map(factor, (0, 0.25, 0.5, 0.75)))
    assert float(out) == pytest.approx(1 - lowered, abs=1e-5)
