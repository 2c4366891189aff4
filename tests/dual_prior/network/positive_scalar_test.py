import keras
import numpy as np
import pytest

from dual_prior.network.positive_scalar import PositiveScalar


def _scalar(initial=0.01):
    scalar = PositiveScalar(initial)
    scalar.build()
    return scalar


def test_starts_at_the_initial_value():
    np.testing.assert_allclose(np.asarray(_scalar().value()), 0.01, rtol=1e-6)


def test_stays_positive_whatever_the_optimiser_does():
    scalar = _scalar()
    optimizer = keras.optimizers.SGD(100.0)
    optimizer.apply([np.float32(1.0)], [scalar.logarithm])
    assert 0 <= np.asarray(scalar.value()) < 0.01


@pytest.mark.parametrize("initial", [0.0, -1.0, float("nan")])
def test_values_that_are_not_positive_are_rejected(initial):
    with pytest.raises(ValueError, match="positive"):
        PositiveScalar(initial)


def test_round_trips_through_its_config():
    twin = PositiveScalar.from_config(_scalar(0.25).get_config())
    twin.build()
    np.testing.assert_allclose(np.asarray(twin.value()), 0.25, rtol=1e-6)
