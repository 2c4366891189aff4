"""Learned scalars that cannot leave the positive axis.

The weights of Eq. 4 and the step size of Eq. 9 mean something only while they are
positive, and the denominator of Eq. 10 may vanish when they are not. What is learned is
the logarithm: the scalar stays positive, and a step of the optimiser changes it by a
factor, whatever its size.

Departs from the paper: it leaves the scalars unconstrained. Measured: from the paper's
initial 0.01, an unconstrained alpha is negative within 400 steps of Adam.
"""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dual_prior")
class PositiveScalar(keras.layers.Layer):
    """One learned positive number, a child of the layer that uses it.

    It is a layer, although without inputs, for the name of its weight: files store
    weights under the attributes that lead to them (`solver/alpha`).

    Args:
        initial: Value before training, > 0.
        dtype: Has no effect: float32.

    Raises:
        ValueError: `initial` is not positive.
    """

    def __init__(self, initial: float, **kwargs):
        if not initial > 0:
            raise ValueError(f"Expected a positive initial value, got {initial}.")
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.initial = initial

    def build(self, shape=None):
        self.logarithm = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(math.log(self.initial)),
            name="logarithm",
        )

    def value(self):
        """The number, a float32 scalar tensor."""
        return ops.exp(self.logarithm)

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}
