"""The network for formats without complex numbers and without derivatives.

The x update (Eq. 10) divides in a basis in which grad' grad is diagonal. Its
eigenvalues at the frequencies f and -f are equal, so the real basis

    cas(2 pi f n / N) / sqrt(N),    cas = cos + sin,    f, n = 0 .. N - 1

of Hartley's transform (R. V. L. Hartley, 1942) can replace Fourier's. Its matrix is
symmetric and its own inverse, so pictures are transformed by two matrix products.

The g update (Eq. 9) needs the derivative of the classifier, which is written out here:
its layers, transposed, in the opposite order.
"""

import math

import keras
from keras import ops

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.fft_solver import FFTSolver
from dual_prior.network.operators import (
    image_gradient,
    image_gradient_adjoint,
    laplacian_eigenvalues,
)
from dual_prior.network.unfolding import DualPriorNetwork, UnfoldingStage


def in_real_arithmetic(network: DualPriorNetwork | ColourNetwork) -> keras.layers.Layer:
    """A layer that computes what `network` does, up to the rounding of float32.

    Args:
        network: Built; the layer shares its weights. On TensorFlow.

    Raises:
        ValueError: There is a g update, and the classifier is a user's own.
    """
    if isinstance(network, ColourNetwork):
        return ColourNetwork(_RealNetwork(network.luma), network.chroma)
    return _RealNetwork(network)


class _RealNetwork(keras.layers.Layer):
    """See `DualPriorNetwork`."""

    def __init__(self, network: DualPriorNetwork):
        super().__init__(dtype="float32", name=network.name)
        classifier = network.classifier
        descends = any(stage.descent.num_steps for stage in network.stages)
        if descends and not isinstance(classifier, CompressionClassifier):
            raise ValueError(
                "Expected a CompressionClassifier, whose derivative this format can "
                f"have, or num_descent_steps of 0; got a {type(classifier).__name__}."
            )
        self.network = network
        self.built = True

    def call(self, y, aux=None):
        x = y
        for stage in self.network.stages:
            takes_aux = self.network.aux_channels and aux is not None
            u = stage.deblocker(x, **({"aux": aux} if takes_aux else {}))
            x = _minimiser(stage.solver, y, ops.cast(u, "float32"), _descent(stage, x))
        return x


def _descent(stage: UnfoldingStage, x):
    """g: see `ClassifierDescent`."""
    descent, beta = stage.descent, stage.solver.beta.value()
    _, height, width, _ = ops.shape(x)
    lambda2_n = descent.lambda2.value() * ops.cast(height * width, "float32")
    grad_x = g = image_gradient(x)
    for _ in range(descent.num_steps):
        grad_f_s = classifier_derivative(descent.classifier, g)
        g = g - descent.eta.value() * (beta * (g - grad_x) + lambda2_n * grad_f_s)
    return g


def _minimiser(solver: FFTSolver, y, u, g):
    """x: see `FFTSolver`."""
    alpha, beta = solver.alpha.value(), solver.beta.value()
    height, width = ops.shape(y)[1], ops.shape(y)[2]
    rows, columns = hartley_matrix(height), hartley_matrix(width)

    def transform(planes):
        return ops.matmul(ops.matmul(rows, planes), columns)

    rhs = y + alpha * u + beta * image_gradient_adjoint(g)
    lhs = 1.0 + alpha + beta * laplacian_eigenvalues(height, width)
    # Matrix products act on the last two axes: [B, C, H, W].
    spectrum = transform(ops.transpose(rhs, (0, 3, 1, 2))) / lhs
    return ops.transpose(transform(spectrum), (0, 2, 3, 1))


def hartley_matrix(size):
    """cas(2 pi f n / N) / sqrt(N), `[N, N]`, float32.

    Args:
        size: N, an integer or a scalar integer tensor, below 46,341.
    """
    places = ops.arange(size, dtype="int32")
    # Of whole turns nothing is left before float32 could round the angle.
    turns = ops.cast((places[:, None] * places[None, :]) % size, "float32")
    n = ops.cast(size, "float32")
    angle = 2.0 * math.pi / n * turns
    return (ops.cos(angle) + ops.sin(angle)) / ops.sqrt(n)


def classifier_derivative(classifier: CompressionClassifier, g):
    """d f_s(g) / d g, shaped like `g`: see `value_and_input_gradient`."""
    import tensorflow as tf

    def passes(activation):  # the derivative of a ReLU, by what it gave
        return ops.cast(activation > 0, "float32")

    seen = [g]
    for convolution in classifier.convolutions:
        seen.append(convolution(seen[-1]))
    hidden = classifier.hidden(classifier.pool(seen[-1]))
    probability = classifier.probability(hidden)

    derivative = probability * (1.0 - probability)
    derivative = ops.matmul(derivative, ops.transpose(classifier.probability.kernel))
    derivative = passes(hidden) * derivative
    derivative = ops.matmul(derivative, ops.transpose(classifier.hidden.kernel))
    _, height, width, _ = ops.shape(seen[-1])
    derivative = derivative[:, None, None, :] / ops.cast(height * width, "float32")
    for index in reversed(range(len(classifier.convolutions))):
        convolution = classifier.convolutions[index]
        derivative = tf.nn.conv2d_transpose(
            passes(seen[index + 1]) * derivative,
            convolution.kernel,
            ops.shape(seen[index]),
            convolution.strides,
            "SAME",
        )
    return derivative
