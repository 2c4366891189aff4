"""What a network costs: multiply-accumulates a pixel, counted from its kernels."""

import math

import keras

from dual_prior.unfolding import DualPriorNetwork


def deblocker_macs(network: DualPriorNetwork) -> float:
    """Multiply-accumulates a pixel of one pass through the de-blocker."""
    deblocker = network.deblocker
    # Every kernel is applied once at each position of the coarse grid; the non-local
    # operation multiplies with two matrices of R x R on top.
    products = 2 * deblocker.reduced**2 * deblocker.num_units
    return (_kernel_size(deblocker) + products) / deblocker.scale**2


def classifier_macs(network: DualPriorNetwork) -> float:
    """Multiply-accumulates a pixel of one pass through the classifier."""
    macs, positions = 0.0, 1.0
    for convolution in network.classifier.convolutions:
        positions /= convolution.strides[0] ** 2
        macs += positions * math.prod(convolution.kernel.shape)
    return macs


def network_macs(network: DualPriorNetwork) -> float:
    """Multiply-accumulates a pixel of the whole network, Fourier transforms aside.

    A step of the descent costs two passes through the classifier: one forward, one back
    to its input.
    """
    steps = network.stages[0].descent.num_steps
    stage = deblocker_macs(network) + 2 * steps * classifier_macs(network)
    return len(network.stages) * stage


def _kernel_size(layer: keras.layers.Layer) -> int:
    return sum(
        math.prod(weight.shape) for weight in layer.weights if weight.name == "kernel"
    )
