"""What every layer of this project keeps, so that Keras can save and load it."""

import keras
import numpy as np


def assert_layer_contract(layer: keras.layers.Layer, *inputs: np.ndarray) -> None:
    """Round trip through the configuration and weights; mixed policy; gradients flow.

    Args:
        layer: Not yet built or called.
        inputs: Arguments of one call.
    """
    expected = as_arrays(layer(*inputs))

    twin = type(layer).from_config(layer.get_config())
    twin(*inputs)
    assert [w.shape for w in twin.weights] == [w.shape for w in layer.weights]
    for weight, value in zip(twin.weights, layer.weights, strict=True):
        weight.assign(value)
    for actual, wanted in zip(as_arrays(twin(*inputs)), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)
    assert twin.get_config() == layer.get_config()

    for value in expected:
        assert value.dtype == np.float32
        assert np.all(np.isfinite(value))


def as_arrays(outputs) -> list[np.ndarray]:
    """The tensors of a call's result as arrays, dictionaries in the order of keys."""
    return [keras.ops.convert_to_numpy(t) for t in keras.tree.flatten(outputs)]
