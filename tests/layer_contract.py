"""The contract of layers, so that Keras can save, load and train them."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np


def assert_layer_contract(
    make: Callable[..., keras.layers.Layer], *inputs: np.ndarray, **arguments
) -> None:
    """Checks what Keras requires of a layer, on either backend.

    Args:
        make: Makes the layer, and passes on keyword arguments to it.
        inputs: Of one call, arrays; all but channels may have any size.
        arguments: Of the call, numbers.
    """
    keras.utils.set_random_seed(0)
    layer = make()
    expected = as_arrays(layer(*inputs, **arguments))
    for value in expected:
        assert value.dtype == np.float32
        assert np.all(np.isfinite(value))

    _assert_built_by_shapes(make(), layer, inputs)
    _assert_serialised(layer, inputs, arguments, expected)
    _assert_symbolic(layer, inputs, arguments, expected)
    _assert_functional(layer, inputs, arguments, expected)
    mixed = make(dtype="mixed_bfloat16")
    of_mixed = as_arrays(mixed(*inputs, **arguments))
    assert all(np.all(np.isfinite(value)) for value in of_mixed)
    _assert_symbolic(mixed, inputs, arguments, of_mixed)
    _assert_names_what_it_expects(make(), inputs, arguments)


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


def _assert_built_by_shapes(twin, layer, inputs):
    """Without a call, its weights are those of one that was called."""
    twin.build(*((None, None, None, x.shape[-1]) for x in inputs))
    assert [w.shape for w in twin.weights] == [w.shape for w in layer.weights]
    assert len(twin.trainable_weights) == len(layer.trainable_weights)


def _assert_serialised(layer, inputs, arguments, expected):
    """By JSON and weights, a twin computes the same."""
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    twin = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(twin) is type(layer)
    assert json.dumps(twin.get_config()) == json.dumps(layer.get_config())
    twin(*inputs, **arguments)
    twin.set_weights(layer.get_weights())
    _assert_equal(twin(*inputs, **arguments), expected)


def _assert_symbolic(layer, inputs, arguments, expected):
    """Shapes and types are known before anything is computed."""
    symbols = [keras.KerasTensor((None, *x.shape[1:]), "float32") for x in inputs]
    specs = layer(*symbols, **arguments)
    for spec, value in zip(keras.tree.flatten(specs), expected, strict=True):
        assert spec.dtype == str(value.dtype)
        assert spec.shape == (None, *value.shape[1:])
    shapes = layer.compute_output_shape(*(symbol.shape for symbol in symbols))
    of_shapes = keras.tree.map_shape_structure(keras.KerasTensor, shapes)
    keras.tree.assert_same_structure(of_shapes, specs)
    for spec, of_shape in zip(
        *map(keras.tree.flatten, (specs, of_shapes)), strict=True
    ):
        assert spec.shape == of_shape.shape


def _assert_functional(layer, inputs, arguments, expected):
    """In a functional model it is saved, loaded, and trained by a compiled step."""
    symbols = [keras.Input((None, None, x.shape[-1])) for x in inputs]
    outputs = keras.tree.flatten(layer(*symbols, **arguments))
    model = keras.Model(symbols, outputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        loaded = keras.saving.load_model(path)
    _assert_equal(loaded(list(inputs)), expected)
    # By XLA it would take ten times as long.
    jit = keras.backend.backend() == "jax"
    losses = ["mean_squared_error"] * len(outputs)
    loaded.compile(keras.optimizers.SGD(1e-3), losses, jit_compile=jit)
    targets = [value + 0.1 for value in expected]
    before = loaded.get_weights()
    losses = loaded.train_on_batch(list(inputs), targets)
    assert np.all(np.isfinite(losses))
    changed = zip(loaded.weights, before, strict=True)
    moved = {w.path for w, old in changed if np.any(np.asarray(w) != old)}
    assert moved <= {weight.path for weight in loaded.trainable_weights}
    assert bool(moved) is bool(loaded.trainable_weights)


def _assert_names_what_it_expects(layer, inputs, arguments):
    """Another number of axes or channels is an error of one line, in its name."""
    layer(*inputs, **arguments)
    first, others = inputs[0], inputs[1:]
    for wrong in (first[0], np.concatenate([first, first], axis=-1)):
        try:
            layer(wrong, *others, **arguments)
        except ValueError as error:
            text = str(error)
            assert f"of layer '{layer.name}'" in text and "\n" not in text, text
            assert "[B, H, W, " in text, text
        else:
            raise AssertionError(f"{type(layer).__name__} took {wrong.shape}")


def _assert_equal(outputs, expected):
    for actual, wanted in zip(as_arrays(outputs), expected, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=1e-6)
