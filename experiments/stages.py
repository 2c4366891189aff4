"""What training does to a network besides fitting it: scoring and unfolding."""

import keras
from keras import ops

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
