import numpy as np
from keras import ops

from dual_prior.autodiff import value_and_input_gradient


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
