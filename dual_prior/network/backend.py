"""The code that differs between backends: no other module asks which one computes.

The derivative of a scalar with respect to a model's input, which the descent of Eq. 9
needs inside the network's own forward pass, where training differentiates through it
once more; and a network compiled for pictures of any size.
"""

import math
from collections import Counter
from collections.abc import Callable

import keras

BACKENDS = ("tensorflow", "jax")
_BACKEND = keras.backend.backend()

if _BACKEND not in BACKENDS:
    raise ImportError(f"dual_prior runs on {' and '.join(BACKENDS)} only")

# On JAX a size is compiled once this many pixels of it were restored uncompiled:
# compiling takes 3 to 4 seconds, which fewer pixels would not win back.
PIXELS_BEFORE_COMPILING = 500_000  # ours


def value_and_input_gradient(function: Callable, x):
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
    if _BACKEND == "jax":
        import jax

        def total(x):
            values = function(x)
            return values.sum(), values

        derivative, values = jax.grad(total, has_aux=True)(x)
        return values, derivative

    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        values = function(x)
    return values, tape.gradient(values, x)


def compiled(network: keras.Model, channels: int, aux_channels: int = 0) -> Callable:
    """A network as compiled graphs: the same function, faster.

    Uncompiled, each layer allocates its result and returns to Python. TensorFlow traces
    one graph for all sizes. JAX compiles each size separately, so only frequent sizes
    are compiled: the tiles of large pictures, or a folder of pictures of one camera.
    Padding the others to a few common sizes would change pixels near the border by up
    to 13 grey levels.

    Args:
        network: Maps `[B, H, W, channels]`, float32, to the same. Its weights may be
            changed afterwards.
        channels: C.
        aux_channels: A: if it is more than 0, the network has a call argument `aux`,
            `[B, H, W, A]`, float32.

    Returns:
        A function of `[B, H, W, channels]`, and of `aux` if there is any, that returns
        the same as `network`, up to the rounding of float32.
    """
    if _BACKEND == "jax":
        return _compiled_by_size(network)

    import tensorflow as tf

    def call(y, *aux):
        return network(y, aux=aux[0]) if aux else network(y)

    sizes = [channels, aux_channels] if aux_channels else [channels]
    any_size = [tf.TensorSpec((None, None, None, size), tf.float32) for size in sizes]
    graph = tf.function(call, input_signature=any_size)
    graph.get_concrete_function()  # traced when called, several would raise warnings
    return graph


def _compiled_by_size(network: keras.Model) -> Callable:
    import jax

    @jax.jit
    def graph(trainable, non_trainable, y, known):
        restored, _ = network.stateless_call(trainable, non_trainable, y, **known)
        return restored

    pixels: Counter[tuple[int, ...]] = Counter()

    def restore(y, *aux):
        y = keras.ops.convert_to_tensor(y)
        known = {"aux": keras.ops.convert_to_tensor(aux[0])} if aux else {}
        if pixels[y.shape] < PIXELS_BEFORE_COMPILING:
            pixels[y.shape] += math.prod(y.shape[:3])
            return network(y, **known)
        return graph(
            [variable.value for variable in network.trainable_variables],
            [variable.value for variable in network.non_trainable_variables],
            y,
            known,
        )

    return restore
