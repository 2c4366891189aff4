"""RNAN: residual blocks whose output is weighed by a mask that sees far."""

import keras

from dual_prior.network.non_local import NonLocal
from experiments.contenders.baselines.layers import (
    convolution,
    image_input,
    last_convolution,
)

# Of a mask branch: its features are computed on a grid this much coarser.
_STRIDE = 2


def rnan(
    blocks: int = 10, features: int = 64, units: tuple[int, int, int] = (1, 2, 1)
) -> keras.Model:
    """Zhang, Li, Li, Zhong, Fu, "Residual Non-local Attention Networks for Image
    Restoration", ICLR 2019.

    Args:
        blocks: Attention blocks; the first and the last are non-local.
        features: Feature maps.
        units: Residual units before the branches, in the trunk (and twice in the mask),
            and after the branches.

    Departs from the paper: its non-local operation compares all pairs of positions and
    so takes patches only; here it is the one of `dual_prior.network.non_local`, which
    takes pictures. One step down and up in the mask branch.
    """
    y = image_input()
    x = convolution(features)(y)
    for index in range(blocks):
        x = _attention_block(x, features, units, index in (0, blocks - 1))
    return keras.Model(y, y + last_convolution()(x), name="rnan")


def _attention_block(x, features: int, units, non_local: bool):
    before, inside, after = units
    x = _residual_units(x, features, before)
    trunk = _residual_units(x, features, inside)
    mask = NonLocal(max(1, features // 2))(x) if non_local else x
    mask = keras.layers.Conv2D(features, 3, _STRIDE, "same")(mask)
    mask = _residual_units(mask, features, 2 * inside)
    mask = keras.layers.Conv2DTranspose(features, 6, _STRIDE, "same")(mask)
    mask = convolution(features, 1, activation="sigmoid")(_cropped(mask, x))
    return _residual_units(x + trunk * mask, features, after)


def _residual_units(x, features: int, count: int):
    for _ in range(count):
        x = x + convolution(features)(convolution(features, activation="relu")(x))
    return x


def _cropped(mask, like):
    """`mask` without the row or column that an odd side gained on the coarser grid."""
    return CropLike()(mask, like)


@keras.saving.register_keras_serializable(package="experiments")
class CropLike(keras.layers.Layer):
    """The top left of one tensor, as large as another."""

    def call(self, x, like):
        height, width = keras.ops.shape(like)[1], keras.ops.shape(like)[2]
        return x[:, :height, :width, :]
