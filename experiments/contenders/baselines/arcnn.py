"""AR-CNN: feature extraction, enhancement, mapping, reconstruction."""

import keras

from experiments.contenders.baselines.layers import (
    convolution,
    image_input,
    last_convolution,
)


def arcnn(features: tuple[int, int, int] = (64, 32, 16)) -> keras.Model:
    """Dong, Deng, Loy, Tang, "Compression Artifacts Reduction by a Deep Convolutional
    Network", ICCV 2015.

    Args:
        features: Feature maps of the first three layers, 9x9, 7x7 and 1x1.

    Departs from the paper: the last layer, 5x5, yields the residual; the paper's yields
    the picture, and is trained in two steps.
    """
    y = image_input()
    x = convolution(features[0], 9, activation="relu")(y)
    x = convolution(features[1], 7, activation="relu")(x)
    x = convolution(features[2], 1, activation="relu")(x)
    return keras.Model(y, y + last_convolution(size=5)(x), name="arcnn")
