import numpy as np
import pytest
import tensorflow as tf

from dual_prior.network.backend import value_and_input_gradient
from dual_prior.network.classifier import CompressionClassifier
from experiments.exporting.real_arithmetic import (
    classifier_derivative,
    hartley_matrix,
    in_real_arithmetic,
)
from tests.experiments.exporting import networks


@pytest.mark.parametrize("size", [1, 2, 7, 16])
def test_the_matrix_is_its_own_inverse_and_transforms_as_hartley_does(size):
    matrix = np.array(hartley_matrix(size))
    np.testing.assert_allclose(matrix @ matrix, np.eye(size), atol=2e-6)
    signal = np.random.default_rng(0).normal(size=size)
    spectrum = np.fft.fft(signal) / np.sqrt(size)
    expected = spectrum.real - spectrum.imag
    np.testing.assert_allclose(matrix @ signal, expected, atol=2e-6)


@pytest.mark.parametrize("strides", [(1, 1), (2, 1, 2)])
@pytest.mark.parametrize("shape", [(2, 16, 24, 2), (1, 13, 10, 2)])
def test_the_written_derivative_is_that_of_the_backend(strides, shape):
    classifier = CompressionClassifier(4, strides)
    g = tf.random.stateless_normal(shape, (0, 1))
    _, expected = value_and_input_gradient(classifier, g)
    assert np.abs(expected).max() > 1e-5
    found = classifier_derivative(classifier, g)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", ["paper_like", "compact_like", "colour"])
def test_real_arithmetic_computes_what_the_network_does(name):
    network = getattr(networks, name)()
    shape = (2, 21, 18, network.channels)
    y = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    aux = y[..., : network.aux_channels] if network.aux_channels else None
    function = in_real_arithmetic(network)
    expected = np.array(network(y, aux=aux))
    assert np.abs(expected - y).max() > 0.01
    np.testing.assert_allclose(np.array(function(y, aux=aux)), expected, atol=5e-6)


def test_a_graph_in_real_arithmetic_has_neither_complex_numbers_nor_gradients():
    function = in_real_arithmetic(networks.compact_like())
    graph = tf.function(function).get_concrete_function(tf.TensorSpec((1, 16, 16, 1)))
    for operation in graph.graph.get_operations():
        # The transpose of a convolution is called as its gradient in TensorFlow.
        assert "FFT" not in operation.type and not operation.type.endswith("Grad")
        assert not any(output.dtype.is_complex for output in operation.outputs)
