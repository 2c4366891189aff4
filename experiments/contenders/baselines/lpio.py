"""LPIO: residual blocks at half the resolution, beside a map of the edges."""

import keras
from keras import ops

from experiments.contenders.baselines.layers import (
    convolution,
    image_input,
    last_convolution,
)
from experiments.contenders.baselines.rnan import CropLike


@keras.saving.register_keras_serializable(package="experiments")
class EdgeMap(keras.layers.Layer):
    """A quarter of the sum of differences to the four neighbours, in magnitude.

    Maps `[B, H, W, C]` to `[B, H, W, 1]`, the mean over the channels; outside the image
    there is no difference.
    """

    def call(self, y):
        down = ops.abs(y[:, 1:] - y[:, :-1])
        right = ops.abs(y[:, :, 1:] - y[:, :, :-1])
        none, before, after = (0, 0), (1, 0), (0, 1)
        edges = (
            ops.pad(down, (none, before, none, none))
            + ops.pad(down, (none, after, none, none))
            + ops.pad(right, (none, none, before, none))
            + ops.pad(right, (none, none, after, none))
        )
        return ops.mean(edges, axis=-1, keepdims=True) / 4


def lpio(
    features: int = 64, dilations: tuple[int, ...] = (2, 4, 4, 8, 8, 16, 1)
) -> keras.Model:
    """Fan, Chen, Yuan, Hua, Yu, Chen, "A General Decoupled Learning Framework for
    Parameterized Image Operators", TPAMI 2019.

    Args:
        features: Feature maps.
        dilations: Of the residual blocks, two convolutions each.

    Departs from the paper: one operator with one parameter. The paper predicts each
    kernel from the operator and its parameter, by a linear layer; for a single one the
    kernels are constants, and here they are learned as such. The last layer yields the
    residual; the paper's yields the picture.
    """
    y = image_input()
    x = keras.layers.Concatenate()([y, EdgeMap()(y)])
    x = _activated(convolution(features, use_bias=False)(x))
    full = _activated(convolution(features, use_bias=False)(x))
    settings = {"strides": 2, "padding": "same", "use_bias": False}
    x = _activated(keras.layers.Conv2D(features, 3, **settings)(full))
    for dilation in dilations:
        residual = _activated(convolution(features, 3, dilation, use_bias=False)(x))
        residual = convolution(features, 3, dilation, use_bias=False)(residual)
        x = keras.layers.Activation("relu")(x + _normalized(residual))
    x = keras.layers.Conv2DTranspose(features, 4, **settings)(x)
    x = CropLike()(_activated(x), full)
    x = _activated(convolution(features, use_bias=False)(x))
    return keras.Model(y, y + last_convolution()(x), name="lpio")


def _activated(x):
    return keras.layers.Activation("relu")(_normalized(x))


def _normalized(x):
    """Each feature map of each picture by its own mean and deviation."""
    return keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)(x)
