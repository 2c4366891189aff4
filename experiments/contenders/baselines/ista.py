"""The l1 sparsity prior, learned: a de-blocker for the ablation of Table 2."""

import keras

from experiments.contenders.baselines.layers import (
    SoftThreshold,
    convolution,
    image_input,
    last_convolution,
)


def ista(iterations: int = 8, features: int = 48, size: int = 9) -> keras.Model:
    """Gregor, LeCun, "Learning Fast Approximations of Sparse Coding", ICML 2010, with
    convolutions: z <- h(W x + S z), h the soft threshold, from z = 0. The sparse code z
    is that of the artifacts: u = x - D z.

    Args:
        iterations: Of them; they share S and the thresholds.
        features: Maps of the code.
        size: Side of the filters W and D, pixels; those of S are 3x3.
    """
    x = image_input()
    encoded = convolution(features, size)(x)
    shared, threshold = convolution(features, use_bias=False), SoftThreshold()
    code = threshold(encoded)
    for _ in range(iterations - 1):
        code = threshold(encoded + shared(code))
    return keras.Model(x, x - last_convolution(size=size)(code), name="ista")
