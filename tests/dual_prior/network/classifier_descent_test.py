import keras
import numpy as np
import pytest
from keras import ops

from dual_prior.network.backend import value_and_input_gradient
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.classifier_descent import ClassifierDescent
from dual_prior.network.operators import image_gradient
from tests.layer_contract import assert_layer_contract


class _Linear(keras.layers.Layer):
    """f_s(g) = mean over positions of <w, g>: its derivative is w / N everywhere."""

    WEIGHTS = np.float32([0.5, -2.0])

    def call(self, g):
        return ops.mean(ops.sum(g * self.WEIGHTS, axis=-1), axis=(1, 2))[:, None]


def _image(height=6, width=5):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(2, height, width, 1)).astype(np.float32)


def test_no_steps_return_the_gradient_of_x():
    x = _image()
    g = ClassifierDescent(_Linear(), num_steps=0)(x, beta=0.3)
    np.testing.assert_array_equal(np.asarray(g), np.asarray(image_gradient(x)))


@pytest.mark.parametrize("size", [(6, 5), (24, 40)])
def test_equals_steps_written_by_hand_for_a_linear_classifier(size):
    x, beta, lambda2, eta = _image(*size), 0.3, 0.2, 0.1
    gradient = np.asarray(image_gradient(x))
    expected = gradient
    for _ in range(3):
        # N (w / N) = w: the same at every size of the image.
        expected = expected - eta * (
            beta * (expected - gradient) + lambda2 * _Linear.WEIGHTS
        )
    g = ClassifierDescent(_Linear(), 3, lambda2, eta)(x, beta=beta)
    np.testing.assert_allclose(np.asarray(g), expected, atol=1e-6)


def test_steps_lower_the_energy_further_and_further():
    x, beta = _image(12, 12), 0.5
    energies = []
    for num_steps in (0, 1, 3, 300):
        keras.utils.set_random_seed(1)
        descent = ClassifierDescent(
            CompressionClassifier(8, (1, 1)), num_steps, lambda2_init=1.0, eta_init=1e-2
        )
        g = descent(x, beta=beta)
        energies.append(np.asarray(descent.energy(x, beta, g)))
    for more, fewer in zip(energies[1:], energies, strict=False):
        assert np.all(more < fewer)


def test_the_step_is_half_the_gradient_of_the_energy():
    # Eq. 9 drops the 2 of the gradient of Eq. 6.
    keras.utils.set_random_seed(1)
    descent = ClassifierDescent(CompressionClassifier(8, (1, 1)), 1, 0.7, eta_init=1.0)
    x, beta = _image(), 0.5
    start = image_gradient(x)
    step = np.asarray(start) - np.asarray(descent(x, beta=beta))
    _, gradient = value_and_input_gradient(lambda g: descent.energy(x, beta, g), start)
    np.testing.assert_allclose(step, np.asarray(gradient) / 2, atol=1e-6)


def test_outer_gradient_through_the_inner_one_matches_finite_differences():
    import tensorflow as tf

    keras.utils.set_random_seed(2)

    class Smooth(keras.layers.Layer):  # ReLU has no second derivative to compare with
        def call(self, g):
            return ops.sigmoid(ops.mean(ops.sin(3.0 * g), axis=(1, 2, 3)))[:, None]

    descent = ClassifierDescent(Smooth(), 2, lambda2_init=0.5, eta_init=0.5)
    x = _image(5, 4)
    rng = np.random.default_rng(3)
    direction = rng.normal(size=x.shape).astype(np.float32)
    weights = rng.normal(size=(*x.shape[:-1], 2)).astype(np.float32)

    def projected(x):
        return ops.sum(descent(x, beta=0.3) * weights)

    point = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(point)
        value = projected(point)
    analytic = np.vdot(np.asarray(tape.gradient(value, point)), direction)
    h = 1e-2
    numerical = float(projected(x + h * direction) - projected(x - h * direction))
    np.testing.assert_allclose(analytic, numerical / (2 * h), rtol=1e-2)


def test_derivative_flows_to_the_scalars_and_not_to_the_classifier():
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    classifier = CompressionClassifier(4, (1, 1))
    classifier.trainable = False
    descent = ClassifierDescent(classifier, 2)
    x = _image()
    with tf.GradientTape() as tape:
        value = ops.sum(ops.square(descent(x, beta=0.3)))
    assert len(descent.trainable_weights) == 2
    gradients = tape.gradient(value, [w.value for w in descent.trainable_weights])
    assert all(np.asarray(gradient) != 0 for gradient in gradients)


def test_inner_derivative_is_that_of_the_classifier():
    keras.utils.set_random_seed(0)
    classifier = CompressionClassifier(4, (1, 1))
    x = _image(8, 8)
    gradient = image_gradient(x)
    _, derivative = value_and_input_gradient(classifier, gradient)
    descent = ClassifierDescent(classifier, 1, lambda2_init=0.5, eta_init=2.0)
    # After one step from grad x the term in beta is zero.
    expected = np.asarray(gradient) - 2.0 * 0.5 * 64 * np.asarray(derivative)
    np.testing.assert_allclose(np.asarray(descent(x, beta=9.0)), expected, atol=1e-6)


def test_keeps_the_layer_contract():
    def make(**policy):
        return ClassifierDescent(CompressionClassifier(4, (2, 1), **policy), 2)

    assert_layer_contract(make, _image(), beta=0.3)
