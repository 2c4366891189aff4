"""The derivative of a scalar with respect to a model's input.

The one place that knows which backend computes. The descent of Eq. 9 needs it inside
the network's own forward pass, and training differentiates through it once more.
"""

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
