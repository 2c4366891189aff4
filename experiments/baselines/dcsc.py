"""DCSC: convolutional sparse coding, unfolded, on features of several scales."""

import keras
from keras import ops

from experiments.baselines.layers import convolution, image_input, last_convolution


@keras.saving.register_keras_serializable(package="dual_prior")
class SoftThreshold(keras.layers.Layer):
    """sign(z) max(|z| - theta, 0), theta >= 0 learned for each feature map."""

    def __init__(self, initial: float = 0.01, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, shape):
        self.theta = self.add_weight(
            shape=(shape[-1],),
            initializer=keras.initializers.Constant(self.initial),
            constraint="non_neg",
            name="theta",
        )

    def call(self, z):
        theta = ops.cast(self.theta, z.dtype)
        return ops.relu(z - theta) - ops.relu(-z - theta)

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}


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
