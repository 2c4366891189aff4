"""DnCNN: a plain stack of convolutions that predicts the residual."""

import keras

from experiments.contenders.baselines import layers
from experiments.contenders.baselines.layers import (
    convolution,
    image_input,
    last_convolution,
)


def dncnn(
    depth: int = 20, features: int = 64, batch_normalization: bool = True
) -> keras.Model:
    """Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian Denoiser", TIP 2017 (DnCNN-3).

    Args:
        depth: Number of 3x3 convolutions.
        features: Feature maps of all but the last.
        batch_normalization: After all but the first and the last convolution. Without
            it: what is computed once training is over and it has been folded in.
    """
    y = image_input()
    x = convolution(features, activation="relu")(y)
    for _ in range(depth - 2):
        x = convolution(features, use_bias=not batch_normalization)(x)
        if batch_normalization:
            x = layers.batch_normalization()(x)
        x = keras.layers.Activation("relu")(x)
    return keras.Model(y, y + last_convolution()(x), name="dncnn")
