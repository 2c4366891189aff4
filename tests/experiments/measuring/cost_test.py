"""The cost of layers beside counts by hand; on JAX: on_jax_test.py."""

import keras
import pytest

from experiments.measuring.cost import macs


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.Conv2D(5, 3, padding="same"), 9 * 3 * 5),
        (keras.layers.Conv2D(5, 3, 2, padding="same"), 9 * 3 * 5 / 4),
        (keras.layers.Conv2D(5, 3, padding="same", dilation_rate=3), 9 * 3 * 5),
        (keras.layers.Conv2DTranspose(5, 2, 2), 4 * 3 * 5),
        (keras.layers.Dense(5), 3 * 5),
        (keras.layers.ReLU(), 0),
    ],
)
def test_layers_cost_what_they_multiply(layer, expected):
    assert macs(layer, channels=3) == expected
