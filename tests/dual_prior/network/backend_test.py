import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from dual_prior.network.backend import compiled, value_and_input_gradient
from dual_prior.network.colour_network import load_network
from tests.conftest import run_script


def test_other_backends_are_refused_when_imported():
    done = subprocess.run(
        [sys.executable, "-c", "import dual_prior.network.backend"],
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
    )
    assert "runs on tensorflow and jax only" in done.stderr.splitlines()[-1]


def test_each_example_gets_its_own_derivative():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    values, derivative = value_and_input_gradient(
        lambda x: ops.sum(x**3, axis=1, keepdims=True), ops.convert_to_tensor(x)
    )
    np.testing.assert_allclose(np.asarray(values), (x**3).sum(1, keepdims=True), 1e-5)
    np.testing.assert_allclose(np.asarray(derivative), 3 * x**2, rtol=1e-5)


def test_derivative_is_differentiable():
    import tensorflow as tf

    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        _, derivative = value_and_input_gradient(lambda x: ops.sum(x**3, axis=1), x)
    np.testing.assert_allclose(np.asarray(tape.gradient(derivative, x)), [[6.0, 12.0]])


@pytest.mark.parametrize("preset", ["compact", "photo"])
def test_compiled_the_network_is_the_same_at_any_size(preset):
    network = load_network(preset)
    channels, aux_channels = network.channels, network.aux_channels
    graph = compiled(network, channels, aux_channels)
    rng = np.random.default_rng(0)
    for shape in ((1, 40, 64), (2, 33, 47)):
        y = rng.uniform(size=(*shape, channels)).astype(np.float32)
        aux = [np.zeros((*shape, aux_channels), np.float32)] if aux_channels else []
        np.testing.assert_allclose(
            np.asarray(graph(y, *aux)), np.asarray(network(y)), atol=1e-5
        )


def test_compiled_once_for_all_sizes_and_weights():
    class Scaling(keras.layers.Layer):
        traces = 0

        def build(self, shape):
            self.scale = self.add_weight(initializer="ones")

        def call(self, y):
            Scaling.traces += 1
            return self.scale * y

    layer = Scaling()
    layer.build(None)
    graph = compiled(layer, 1)
    for size in (8, 9, 10):
        graph(np.ones((1, size, size, 1), np.float32))
    assert Scaling.traces == 1
    layer.scale.assign(2.0)
    assert np.asarray(graph(np.ones((1, 4, 4, 1), np.float32))).max() == 2.0


COMPILED_ON_JAX = """
import keras
import numpy as np
from dual_prior.network.backend import PIXELS_BEFORE_COMPILING, compiled

class Scaling(keras.layers.Layer):
    calls = 0

    def build(self, shape):
        self.scale = self.add_weight(initializer="ones")

    def call(self, y):
        Scaling.calls += 1
        return self.scale * y

layer = Scaling()
layer.build(None)
graph = compiled(layer, 1)
side = 500
assert side**2 * 2 == PIXELS_BEFORE_COMPILING
y = np.full((1, side, side, 1), 3.0, np.float32)
for _ in range(9):
    assert np.asarray(graph(y)).max() == 3.0
assert Scaling.calls == 3, Scaling.calls  # twice uncompiled, then traced once
layer.scale.assign(2.0)
assert np.asarray(graph(y)).max() == 6.0
graph(y[:, :8])
assert Scaling.calls == 4, Scaling.calls  # another size runs uncompiled
"""


def test_jax_compiles_the_sizes_that_come_often():
    run_script(COMPILED_ON_JAX, KERAS_BACKEND="jax")
