"""What each backend does in a way of its own: the one place that knows which computes.

The derivative of a scalar with respect to a model's input, which the descent of Eq. 9
needs inside the network's own forward pass, where training differentiates through it
once more; and a network compiled for pictures of any size.
"""

from collections.abc import Callable

import keras


def value_and_input_gradient(function, x):
    """f(x) and d (sum of f(x)) / d x.

    Args:
        function: Maps `[B, ...]` to one value an example, `[B]` or `[B, 1]`. Examples
            must not depend on one another, so that the sum's derivative is each
            example's own.
        x: The point `[B, ...]`.

    Returns:
        The pair (values, derivative): `function(x)`, and a tensor shaped like `x`. Both
        are differentiable themselves.
    """
    return _VALUE_AND_INPUT_GRADIENT[keras.backend.backend()](function, x)


def compiled(network: keras.Model, channels: int) -> Callable:
    """A network as one graph, traced once for all sizes: the same, faster.

    Layer by layer, each result has memory of its own and Python between it and the
    next. Traced per size, a folder of mixed photographs would wait for each. JAX traces
    per size only: there, the network itself comes back.

    Args:
        network: Maps `[B, H, W, channels]`, float32, to the same. Its weights may be
            changed afterwards.
        channels: C.

    Returns:
        What maps the same, up to how float32 rounds.
    """
    return _COMPILED[keras.backend.backend()](network, channels)


def _by_gradient_tape(function, x):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        values = function(x)
    return values, tape.gradient(values, x)


def _by_jax(function, x):
    import jax

    def total(x):
        values = function(x)
        return values.sum(), values

    derivative, values = jax.grad(total, has_aux=True)(x)
    return values, derivative


_VALUE_AND_INPUT_GRADIENT = {"tensorflow": _by_gradient_tape, "jax": _by_jax}


def _as_graph(network, channels):
    import tensorflow as tf

    any_size = tf.TensorSpec((None, None, None, channels), tf.float32)
    graph = tf.function(lambda y: network(y), input_signature=[any_size])
    graph.get_concrete_function()  # traced when called, several would raise warnings
    return graph


_COMPILED = {"tensorflow": _as_graph, "jax": lambda network, channels: network}

if keras.backend.backend() not in _COMPILED:
    raise ImportError(f"dual_prior runs on {' and '.join(_COMPILED)} only")
