"""What training does to a network besides fitting it: scoring, unfolding, starting."""

import keras
import numpy as np
from keras import ops

from dual_prior.restoration import LUMA_WEIGHTS
from dual_prior.unfolding import DualPriorNetwork


def psnr(clean, restored):
    """Mean PSNR in dB of images in [0, 1] `[B, H, W, C]`, clipped but not rounded."""
    error = ops.square(ops.clip(restored, 0.0, 1.0) - clean)
    return -10.0 * ops.log10(ops.mean(error, axis=(1, 2, 3)))


def unfold(network: DualPriorNetwork, num_stages: int) -> DualPriorNetwork:
    """`network` with another number of stages: the same layers, not copies of them.

    Stages beyond those of `network` start with the scalars of its last one.
    """
    config = {
        **network.get_config(),
        "deblocker": network.deblocker,
        "classifier": network.classifier,
        "num_stages": num_stages,
    }
    unfolded = DualPriorNetwork(**config)
    unfolded.build((None, None, None, network.deblocker.channels))
    for k, stage in enumerate(unfolded.stages):
        source = network.stages[min(k, len(network.stages) - 1)]
        for part in ("solver", "descent"):
            weights = getattr(stage, part).trainable_weights
            values = getattr(source, part).trainable_weights
            for weight, value in zip(weights, values, strict=True):
                # A number, not a tensor: JAX would share its buffer between stages, and
                # refuse to train with it.
                weight.assign(float(keras.ops.convert_to_numpy(value)))
    return unfolded


def start_from(network: DualPriorNetwork, source: DualPriorNetwork) -> None:
    """Gives `network` the de-blocker and the scalars of `source`.

    A de-blocker of one channel becomes one of three that restores the luma of RGB and
    leaves the chroma as it is: its first layer sees the luma, and what its last layer
    adds is added to red, green and blue alike.

    Raises:
        ValueError: The two differ by more than that.
    """
    to_colour = (source.deblocker.channels, network.deblocker.channels) == (1, 3)
    head, tail = network.deblocker.head, network.deblocker.tail
    for weight, given in zip(_learned(network), _learned(source), strict=True):
        value = keras.ops.convert_to_numpy(given)
        if to_colour and weight is head.kernel:
            value = value * np.float32(LUMA_WEIGHTS)[:, None]
        elif to_colour and any(weight is part for part in tail.weights):
            value = np.broadcast_to(value, weight.shape)
        weight.assign(value)


def _learned(network: DualPriorNetwork) -> list:
    scalars = [
        weight
        for stage in network.stages
        for part in (stage.solver, stage.descent)
        for weight in part.trainable_weights
    ]
    return [*network.deblocker.weights, *scalars]
