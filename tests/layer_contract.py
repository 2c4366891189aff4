"""What layers of this project keep, so that Keras can save, load and train them."""

import keras
import numpy as np


def assert_layer_contract(layer: keras.layers.Layer, *inputs: np.ndarray) -> None:
    """A twin by configuration and weights computes the same; finite float32 comes out.

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


def assert_every_weight_receives_a_gradient(
    layer: keras.layers.Layer, *inputs: np.ndarray
) -> None:
    """Of a squared error, other than zero; arguments as above, on TensorFlow."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = keras.ops.mean(keras.ops.square(layer(*inputs) - 0.5))
    weights = layer.trainable_weights
    gradients = tape.gradient(loss, [weight.value for weight in weights])
    for weight, gradient in zip(weights, gradients, strict=True):
        assert np.abs(np.asarray(gradient)).max() > 0, weight.path


def as_arrays(outputs) -> list[np.ndarray]:
    """The tensors of a call's result as arrays, dictionaries in the order of keys."""
    return [keras.ops.convert_to_numpy(t) for t in keras.tree.flatten(outputs)]
