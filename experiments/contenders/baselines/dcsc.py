"""DCSC: convolutional sparse coding, unfolded, on features of several scales."""

import keras

from experiments.contenders.baselines.layers import (
    SoftThreshold,
    convolution,
    image_input,
    last_convolution,
)


def dcsc(
    iterations: int = 40, features: int = 64, dilations: tuple[int, ...] = (1, 2, 4)
) -> keras.Model:
    """Fu, Zha, Wu, Ding, Paisley, "JPEG Artifacts Reduction via Deep Convolutional
    Sparse Coding", ICCV 2019.

    Args:
        iterations: Steps of the learned iterative shrinkage, which share their weights.
        features: Feature maps, and maps of the code.
        dilations: Of the convolutions side by side that see several scales.
    """
    y = image_input()
    shallow = convolution(features, activation="relu")(y)
    scales = [
        convolution(features, dilation=dilation, activation="relu")(shallow)
        for dilation in dilations
    ]
    encoded = convolution(features)(keras.layers.Concatenate()(scales))
    shared, threshold = convolution(features), SoftThreshold()
    code = threshold(encoded)
    for _ in range(iterations):
        code = threshold(encoded + shared(code))
    return keras.Model(y, y + last_convolution()(code), name="dcsc")
