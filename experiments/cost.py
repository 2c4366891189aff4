"""What a network costs: multiply-accumulates a pixel, counted in its graph."""

import math
from collections.abc import Callable

import keras
import numpy as np

_SIDE = 480  # pixels of the picture counted: a multiple of strides and dilations


def macs(network: Callable, channels: int = 1) -> float:
    """Multiply-accumulates a pixel of convolutions and matrix products.

    Those of derivatives within the network count; Fourier transforms and what is done
    element by element do not.

    Args:
        network: Maps an image `[B, H, W, channels]` to another.

    Raises:
        ValueError: The backend is not TensorFlow.
    """
    check_backend()
    import tensorflow as tf

    picture = tf.TensorSpec((1, _SIDE, _SIDE, channels), tf.float32)
    function = tf.function(network).get_concrete_function(picture)
    return sum(map(_macs_of, function.graph.get_operations())) / _SIDE**2


def check_backend() -> None:
    """Refuses backends that have no such graph.

    Raises:
        ValueError: It is one of them.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Expected the TensorFlow backend: multiply-accumulates are counted in its "
            f"graph. KERAS_BACKEND is {keras.backend.backend()!r}."
        )


def _macs_of(operation) -> int:
    def shape(tensor) -> list[int]:
        return tensor.shape.as_list()

    if operation.type == "Conv2D":
        kernel = shape(operation.inputs[1])
        return math.prod(shape(operation.outputs[0])[:3]) * math.prod(kernel)
    if operation.type == "Conv2DBackpropInput":  # transposed, and derivatives
        kernel = shape(operation.inputs[1])
        return math.prod(shape(operation.inputs[2])[:3]) * math.prod(kernel)
    if operation.type in ("MatMul", "BatchMatMulV2"):
        left = np.array(shape(operation.inputs[0]))
        transposed = operation.get_attr(
            "transpose_a" if operation.type == "MatMul" else "adj_x"
        )
        summed = left[-2] if transposed else left[-1]
        return math.prod(shape(operation.outputs[0])) * int(summed)
    return 0
