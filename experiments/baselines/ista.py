"""The l1 sparsity prior, learned: a de-blocker for the ablation of Table 2."""

import keras
from keras import ops

from experiments.baselines.dcsc import SoftThreshold
from experiments.baselines.layers import image_input


class Dictionary(keras.layers.Layer):
    """Atoms D of convolutional sparse coding, and steps down |x - D z|^2 along them.

    Args:
        features: Number of atoms.
        size: Side of one, pixels.

    Call arguments:
        x: Images `[B, H, W, 1]`.
        z: Their code `[B, H, W, features]`; None for one of zeros.

    Returns:
        z + D^T (x - D z) / L. The step is short enough whatever the atoms become: L,
        the sum over atoms of the squared sums of their magnitudes, is at least |D|^2.
    """

    def __init__(self, features: int, size: int, **kwargs):
        super().__init__(**kwargs, dtype="float32")  # small differences add up
        self.features, self.size = features, size

    def build(self, shape):
        del shape
        self.atoms = self.add_weight(
            shape=(self.size, self.size, 1, self.features),
            initializer="glorot_uniform",
            name="atoms",
        )

    def call(self, x, z=None):
        residual = x if z is None else x - self.image(z)
        bound = ops.sum(ops.square(ops.sum(ops.abs(self.atoms), axis=(0, 1, 2))))
        step = ops.conv(residual, self.atoms, padding="same") / bound
        return step if z is None else z + step

    def image(self, z):
        """D z `[B, H, W, 1]`."""
        return ops.conv_transpose(z, self.atoms, padding="same")


class Synthesis(keras.layers.Layer):
    """x - D z, by the atoms of a `Dictionary`."""

    def __init__(self, dictionary: Dictionary, **kwargs):
        super().__init__(**kwargs, dtype="float32")
        self.dictionary = dictionary

    def call(self, x, z):
        return x - self.dictionary.image(z)


def ista(iterations: int = 5, features: int = 64, size: int = 9) -> keras.Model:
    """Iterative shrinkage with learned atoms and thresholds, after Gregor, LeCun,
    "Learning Fast Approximations of Sparse Coding", ICML 2010, but with the step that
    the atoms themselves allow: learned freely, it diverges. The sparse code z of

        |x - D z|^2 + theta |z|_1

    is that of the artifacts: u = x - D z.

    Args:
        iterations: Steps; they share D and theta.
        features: Atoms.
        size: Side of an atom, pixels.
    """
    x = image_input()
    dictionary, shrink = Dictionary(features, size), SoftThreshold(1e-4)
    z = shrink(dictionary(x))
    for _ in range(iterations - 1):
        z = shrink(dictionary(x, z))
    return keras.Model(x, Synthesis(dictionary)(x, z), name="ista")
