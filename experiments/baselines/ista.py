"""The l1 sparsity prior, learned: a de-blocker for the ablation of Table 2."""

import keras

from experiments.baselines.dcsc import SoftThreshold
from experiments.baselines.layers import convolution, image_input, last_convolution


def ista(iterations: int = 5, features: int = 64, size: int = 9) -> keras.Model:
    """The learned iterative shrinkage of Gregor, LeCun, "Learning Fast Approximations
    of Sparse Coding", ICML 2010, convolutional: the sparse code z of

        |x - D z|^2 + theta |z|_1

    by z <- shrink(z + E (x - D z)). The code is that of the artifacts: u = x - D z.

    Args:
        iterations: Steps; they share D, E and theta.
        features: Maps of the code.
        size: Side of the atoms, pixels.
    """
    x = image_input()
    encode = convolution(features, size, use_bias=False)
    decode = last_convolution(size=size)
    shrink = SoftThreshold()
    z = shrink(encode(x))
    for _ in range(iterations - 1):
        z = shrink(z + encode(x - decode(z)))
    return keras.Model(x, x - decode(z), name="ista")
