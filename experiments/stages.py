"""What training does to a network besides fitting it: scoring, unfolding, starting."""

import keras
import numpy as np
from keras import ops

from dual_prior.pyramid_deblocker import PyramidDeblocker
from dual_prior.restoration import LUMA_WEIGHTS
from dual_prior.unfolding import DualPriorNetwork


def psnr(clean, restored):
    """Mean PSNR in dB of images in [0, 1] `[B, H, W, C]`, clipped but not rounded."""
    error = ops.square(ops.clip(restored, 0.0, 1.0) - clean)
    return -10.0 * ops.log10(ops.mean(error, axis=(1, 2, 3)))


def unfold(network: DualPriorNetwork, num_stages: int) -> DualPriorNetwork:
    """`network` with another number of stages: the same layers, not copies of them.

    Stages beyond those of `network` start with the scalars of its last one, and with
    its weights where each stage has a de-blocker of its own.
    """
    own = [stage.deblocker for stage in network.stages[:num_stages]]
    while not network.shared and len(own) < num_stages:
        own.append(_follower(own[-1], f"deblocker_{len(own) + 1}"))
    config = {
        **network.get_config(),
        "deblocker": network.deblocker if network.shared else own,
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


def _follower(deblocker: keras.layers.Layer, name: str) -> keras.layers.Layer:
    config = {**deblocker.get_config(), "name": name}
    if isinstance(deblocker, PyramidDeblocker):
        config["recalls"] = True
    follower = type(deblocker).from_config(config)
    follower.build((None, None, None, deblocker.channels))
    _copy_deblocker(deblocker, follower)
    return follower


def start_from(network: DualPriorNetwork, source: DualPriorNetwork) -> None:
    """Gives `network` the de-blockers and the scalars of `source`.

    One that serves all stages of `source` becomes each stage's own, and recalls nothing
    yet; one that shall serve all stages is the first of `source`.

    A de-blocker of one channel becomes one of three that restores the luma of RGB and
    leaves the chroma as it is: its first layer sees the luma, and what its last layer
    adds is added to red, green and blue alike.

    Raises:
        ValueError: The two differ by more than that.
    """
    for stage, given in zip(network.stages, source.stages, strict=True):
        if not network.shared or stage is network.stages[0]:
            _copy_deblocker(given.deblocker, stage.deblocker)
        for part in ("solver", "descent"):
            weights = getattr(stage, part).trainable_weights
            values = getattr(given, part).trainable_weights
            for weight, value in zip(weights, values, strict=True):
                weight.assign(keras.ops.convert_to_numpy(value))


def _copy_deblocker(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    to_colour = (source.channels, target.channels) == (1, 3)
    weights = target.weights
    if getattr(target, "recalls", False) and not source.recalls:
        weights = weights[: -len(target.recall)]  # the last: they stay at zero
    for weight, given in zip(weights, source.weights, strict=True):
        value = keras.ops.convert_to_numpy(given)
        if to_colour and weight is target.head.kernel:
            value = value * np.float32(LUMA_WEIGHTS)[:, None]
        elif to_colour and any(weight is part for part in target.tail.weights):
            value = np.broadcast_to(value, weight.shape)
        weight.assign(value)
