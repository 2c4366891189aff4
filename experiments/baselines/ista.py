"""The l1 sparsity prior, learned: a de-blocker for the ablation of Table 2."""

import math

import keras
from keras import ops

from experiments.baselines.layers import image_input


class Dictionary(keras.layers.Layer):
    """Atoms D of convolutional sparse coding, and iterative shrinkage along them.

    Args:
        features: Number of atoms.
        size: Side of one, pixels.

    Call arguments:
        x: Images `[B, H, W, 1]`.
        z: Their code `[B, H, W, features]`; None for one of zeros.

    Returns:
        shrink(z + D^T (x - D z)), shrink(z) = sign(z) max(|z| - theta, 0). D is divided
        by the root of the sum over atoms of the squared sums of their magnitudes, which
        is at least |D|: so the step is short enough whatever the atoms become. The
        logarithm of theta is learned: steps of Adam would close the code at once.
    """

    def __init__(self, features: int, size: int, theta: float = 1e-4, **kwargs):
        super().__init__(**kwargs, dtype="float32")  # small differences add up
        self.features, self.size, self.theta = features, size, theta

    def build(self, shape):
        del shape
        self.atoms = self.add_weight(
            shape=(self.size, self.size, 1, self.features),
            initializer="glorot_uniform",
            name="atoms",
        )
        self.logarithm = self.add_weight(
            shape=(self.features,),
            initializer=keras.initializers.Constant(math.log(self.theta)),
            name="logarithm",
        )

    def call(self, x, z=None):
        residual = x if z is None else x - self.image(z)
        step = ops.conv(residual, self._dictionary(), padding="same")
        z = step if z is None else z + step
        theta = ops.exp(self.logarithm)
        return ops.relu(z - theta) - ops.relu(-z - theta)

    def image(self, z):
        """D z `[B, H, W, 1]`."""
        return ops.conv_transpose(z, self._dictionary(), padding="same")

    def _dictionary(self):
        sums = ops.sum(ops.abs(self.atoms), axis=(0, 1, 2))
        return self.atoms / ops.sqrt(ops.sum(ops.square(sums)))


class Synthesis(keras.layers.Layer):
    """x - scale D z, by the atoms of a `Dictionary`; the scale is learned."""

    def __init__(self, dictionary: Dictionary, **kwargs):
        super().__init__(**kwargs, dtype="float32")
        self.dictionary = dictionary

    def build(self, x_shape, z_shape):
        del x_shape, z_shape
        self.scale = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(0.01), name="scale"
        )

    def call(self, x, z):
        return x - self.scale * self.dictionary.image(z)


def ista(iterations: int = 5, features: int = 64, size: int = 9) -> keras.Model:
    """Iterative shrinkage with learned atoms and thresholds, after Gregor, LeCun,
    "Learning Fast Approximations of Sparse Coding", ICML 2010, but with the step that
    the atoms themselves allow: learned freely, it diverges. The sparse code z of

        |x - D z|^2 + theta |z|_1

    is that of the artifacts: u = x - scale D z.

    Args:
        iterations: Steps; they share D and theta.
        features: Atoms.
        size: Side of an atom, pixels.
    """
    x = image_input()
    dictionary = Dictionary(features, size)
    z = dictionary(x)
    for _ in range(iterations - 1):
        z = dictionary(x, z)
    return keras.Model(x, Synthesis(dictionary)(x, z), name="ista")
