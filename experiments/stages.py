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
    adds is added to red, green and blue alike. A pyramid with more feature maps than
    `source`'s computes the same at first: nothing reads the new ones yet, which read
    the others at random.

    Raises:
        ValueError: The two differ by more than that.
    """
    to_colour = (source.deblocker.channels, network.deblocker.channels) == (1, 3)
    head, tail = network.deblocker.head, network.deblocker.tail
    own, others = _learned(network), _learned(source)
    if len(own) != len(others):
        raise ValueError(
            f"Expected the {len(own)} learned weights of such a network as "
            f"{network.name!r}; {source.name!r} has {len(others)}."
        )
    for weight, given in zip(own, others, strict=True):
        value = keras.ops.convert_to_numpy(given)
        if to_colour and weight is head.kernel:
            value = value * np.float32(LUMA_WEIGHTS)[:, None]
        elif to_colour and any(weight is part for part in tail.weights):
            one_to_all = zip(value.shape, weight.shape, strict=True)
            value = np.broadcast_to(value, [w if v == 1 else v for v, w in one_to_all])
        if value.shape != weight.shape:
            if not isinstance(network.deblocker, PyramidDeblocker):
                raise ValueError(
                    f"Expected weights of {tuple(weight.shape)} for {weight.path}, got "
                    f"{value.shape}: only the pyramid can grow."
                )
            # A kernel reads along its last axis but one; transposed, along its last.
            up = network.deblocker.up
            reads = -1 if any(weight is layer.kernel for layer in up) else -2
            value = _widened(value, keras.ops.convert_to_numpy(weight), reads)
        weight.assign(value)


def _widened(value: np.ndarray, start: np.ndarray, reads: int) -> np.ndarray:
    """A kernel or bias in the corner of `start`, which then reads no new maps.

    Args:
        reads: The axis along which a kernel has the maps that it reads.

    Raises:
        ValueError: `start` is the smaller one.
    """
    if any(np.less(start.shape, value.shape)):
        raise ValueError(
            f"Expected weights of {start.shape} at most, got {value.shape}: a network "
            "can start from a narrower one, not from a wider one."
        )
    widened = np.zeros_like(start)
    if value.ndim > 1:
        known = [slice(None)] * value.ndim
        known[reads] = slice(value.shape[reads])
        widened[tuple(known)] = start[tuple(known)]
    widened[tuple(map(slice, value.shape))] = value
    return widened


def _learned(network: DualPriorNetwork) -> list:
    scalars = [
        weight
        for stage in network.stages
        for part in (stage.solver, stage.descent)
        for weight in part.trainable_weights
    ]
    return [*network.deblocker.weights, *scalars]
