"""RDN: residual dense blocks, fused locally and globally."""

import keras

from experiments.contenders.baselines.layers import (
    convolution,
    image_input,
    last_convolution,
)


def rdn(
    blocks: int = 16, layers: int = 8, growth: int = 64, features: int = 64
) -> keras.Model:
    """Zhang, Tian, Kong, Zhong, Fu, "Residual Dense Network for Image Restoration",
    TPAMI 2020.

    Args:
        blocks: Residual dense blocks.
        layers: Convolutions of each.
        growth: Feature maps that each convolution adds.
        features: Feature maps between the blocks.
    """
    y = image_input()
    shallow = convolution(features)(y)
    x = convolution(features)(shallow)
    outputs = []
    for _ in range(blocks):
        x = _dense_block(x, layers, growth, features)
        outputs.append(x)
    fused = convolution(features, 1)(keras.layers.Concatenate()(outputs))
    x = shallow + convolution(features)(fused)
    return keras.Model(y, y + last_convolution()(x), name="rdn")


def _dense_block(x, layers: int, growth: int, features: int):
    seen = [x]
    for _ in range(layers):
        joined = seen[0] if len(seen) == 1 else keras.layers.Concatenate()(seen)
        seen.append(convolution(growth, activation="relu")(joined))
    return x + convolution(features, 1)(keras.layers.Concatenate()(seen))
