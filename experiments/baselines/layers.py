"""What the baselines share."""

import keras


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


def image_input(channels: int = 1):
    """A compressed image of any size."""
    return keras.Input((None, None, channels))
