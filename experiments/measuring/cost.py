"""The cost of a network: multiply-accumulates a pixel, counted in its graph."""

import math
from collections.abc import Callable, Iterator

import keras
import numpy as np

_SIDE = 480  # pixels of the picture counted: a multiple of strides and dilations


def macs(network: Callable, channels: int = 1) -> float:
    """Multiply-accumulates a pixel of convolutions and matrix products.

    Derivatives within the network count; Fourier transforms and elementwise operations
    do not. The content of loops and branches counts once, but these networks have none.
    Both backends give the same numbers.

    Args:
        network: Maps an image `[B, H, W, channels]` to another.
    """
    count = _on_jax if keras.backend.backend() == "jax" else _on_tensorflow
    return count(network, (1, _SIDE, _SIDE, channels)) / _SIDE**2


def _on_tensorflow(network: Callable, shape: tuple[int, ...]) -> int:
    import tensorflow as tf

    function = tf.function(network).get_concrete_function(tf.TensorSpec(shape))
    return sum(map(_macs_of_operation, function.graph.get_operations()))


def _macs_of_operation(operation) -> int:
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


def _on_jax(network: Callable, shape: tuple[int, ...]) -> int:
    import jax

    image = jax.ShapeDtypeStruct(shape, np.float32)
    graph = jax.make_jaxpr(network)(image)
    return sum(map(_macs_of_equation, _equations(graph.jaxpr)))


def _equations(graph) -> Iterator:
    """Of a graph, and of those that its equations call."""
    for equation in graph.eqns:
        yield equation
        for value in equation.params.values():
            if hasattr(value, "jaxpr"):  # closed over its constants
                value = value.jaxpr
            if hasattr(value, "eqns"):
                yield from _equations(value)


def _macs_of_equation(equation) -> int:
    if equation.primitive.name not in ("conv_general_dilated", "dot_general"):
        return 0
    left, right = (variable.aval.shape for variable in equation.invars)
    (result,) = (variable.aval.shape for variable in equation.outvars)
    numbers = equation.params["dimension_numbers"]
    if equation.primitive.name == "dot_general":
        (summed, _), _ = numbers
        return math.prod(result) * math.prod(left[axis] for axis in summed)
    # Transposed, zeros are put between the positions that it goes out from.
    is_transposed = max(equation.params["lhs_dilation"]) > 1
    positions, spec = (
        (left, numbers.lhs_spec) if is_transposed else (result, numbers.out_spec)
    )
    batch, _, *places = spec
    return math.prod(positions[axis] for axis in (batch, *places)) * math.prod(right)
