"""MemNet: memory blocks that keep what earlier recursions and blocks have found."""

import keras

from experiments.contenders.baselines import layers
from experiments.contenders.baselines.layers import (
    convolution,
    image_input,
    last_convolution,
)


def memnet(blocks: int = 6, recursions: int = 6, features: int = 64) -> keras.Model:
    """Tai, Yang, Liu, Xu, "MemNet: A Persistent Memory Network for Image Restoration",
    ICCV 2017.

    Args:
        blocks: Memory blocks, each followed by a gate that sees all before it.
        recursions: Of the residual unit within a block; they share its convolutions.
        features: Feature maps.

    Departs from the paper: one output, not the mean of one for each block.
    """
    y = image_input()
    memory = [convolution(features)(_activated(y))]
    for _ in range(blocks):
        first, second = convolution(features), convolution(features)
        x, short_term = memory[-1], []
        for _ in range(recursions):
            x = x + second(_activated(first(_activated(x))))
            short_term.append(x)
        seen = keras.layers.Concatenate()([*short_term, *memory])
        memory.append(convolution(features, 1)(_activated(seen)))  # the gate unit
    return keras.Model(y, y + last_convolution()(_activated(memory[-1])), name="memnet")


def _activated(x):
    # Each recursion has a normalisation of its own: their statistics differ.
    return keras.layers.Activation("relu")(layers.batch_normalization()(x))
