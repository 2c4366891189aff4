"""What the baselines share."""

import keras
from keras import ops


def convolution(features: int, size: int = 3, dilation: int = 1, **settings):
    """A convolution that keeps height and width."""
    return keras.layers.Conv2D(
        features, size, padding="same", dilation_rate=dilation, **settings
    )


def last_convolution(channels: int = 1, size: int = 3):
    """The one that yields an image, in float32: half precision is not for images.

    Its kernel is small, so that an untrained network adds little to its input.
    """
    return convolution(
        channels,
        size,
        kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
        dtype="float32",
    )


def batch_normalization():
    """Whose statistics forget the untrained network within a hundred steps.

    By Keras's own momentum of 0.99 a short training ends before they are those of the
    network, and the network is measured with others than it was trained with.
    """
    return keras.layers.BatchNormalization(momentum=0.9)


def image_input(channels: int = 1):
    """A compressed image of any size."""
    return keras.Input((None, None, channels))


@keras.saving.register_keras_serializable(package="experiments")
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
