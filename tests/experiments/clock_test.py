import types

import numpy as np
import pytest

from experiments.clock import Clock, factor


class Training:
    """What a clock sees of `fit`, whose epochs take some seconds each."""

    def __init__(self, seconds_of_epochs, minutes=1.0, cosine=True, spent=0.0):
        self.time = 1000.0
        self.rates = []
        self.clock = Clock(minutes, 2e-3, cosine, spent, now=lambda: self.time)
        self.model = types.SimpleNamespace(
            optimizer=types.SimpleNamespace(learning_rate=2e-3), stop_training=False
        )
        self.clock.set_model(self.model)
        self.clock.on_train_begin()
        for epoch, seconds in enumerate(seconds_of_epochs):
            self.clock.on_epoch_begin(epoch)
            self.rates.append(self.model.optimizer.learning_rate)
            self.time += seconds
            self.clock.on_epoch_end(epoch, {})
            if self.model.stop_training:
                break


def test_the_epoch_in_which_time_runs_out_is_the_last():
    training = Training([25] * 10)
    assert len(training.rates) == 3  # 75 of 60 seconds
    assert training.clock.is_over and training.clock.left == 0
    assert training.clock.spent == 75


def test_what_was_trained_before_counts():
    training = Training([25] * 10, spent=40.0)
    assert len(training.rates) == 1 and training.clock.spent == 65


def test_time_is_left_until_then():
    training = Training([25])
    assert not training.clock.is_over and training.clock.left == 35
    assert not training.model.stop_training


def test_the_rate_follows_the_time_and_not_the_steps():
    rates = Training([30, 15, 10, 4, 1, 1]).rates
    shares = [0, 30 / 60, 45 / 60, 55 / 60, 59 / 60]
    np.testing.assert_allclose(rates, [2e-3 * factor(share) for share in shares])


def test_a_fixed_rate_stays():
    assert Training([25] * 3, cosine=False).rates == [2e-3] * 3


def test_the_rate_warms_up_and_falls_to_zero():
    shares = np.linspace(0, 1, 201)
    factors = np.array([factor(share) for share in shares])
    assert factors[0] == pytest.approx(0.1) and factors[4] == 1.0
    assert np.all(np.diff(factors[:5]) > 0) and np.all(np.diff(factors[4:]) < 0)
    assert factors[-1] == pytest.approx(0) == factor(1.5)
    assert factor(0.51) == pytest.approx(0.5)  # half way of what follows the warm-up
