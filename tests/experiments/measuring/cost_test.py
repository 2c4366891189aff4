"""What networks cost, beside counts by hand and on the other backend."""

import keras
import pytest

from experiments.contenders.registry import CONTENDERS
from experiments.measuring.cost import macs
from tests.conftest import run_script


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


NAMES = ("TNRD", "dual prior, pyramid", "J = 3")
ON_JAX = """
from experiments.contenders.registry import CONTENDERS
from experiments.measuring.cost import macs
for name in {names}:
    print(macs(CONTENDERS[name](None)))
"""


def test_the_backends_count_alike():
    out = run_script(ON_JAX.format(names=NAMES), KERAS_BACKEND="jax")
    on_tensorflow = [macs(CONTENDERS[name](None)) for name in NAMES]
    assert list(map(float, out.split())) == on_tensorflow
