"""Starting from a trained network that is smaller, or for luma only."""

import keras
import numpy as np

from dual_prior.network.deblocker import Deblocker
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import LUMA_WEIGHTS


def start_from(network: DualPriorNetwork, source: DualPriorNetwork) -> None:
    """Gives `network` the de-blocker and the scalars of `source`.

    A de-blocker of one channel becomes one of three that restores the luma of RGB and
    does not change chroma: its first layer reads the luma, and the output of its last
    layer is added to red, green and blue alike. One with more feature maps than
    `source`'s, or more units, computes the same at first (Chen, Goodfellow, Shlens,
    "Net2Net", ICLR 2016): trained maps do not read new ones, and new maps read trained
    ones by random weights. Further input planes are new, too. The result differs only
    where a non-local operation is limited by its bound, in which the new maps count. A
    de-blocker of another class starts from an equal one.

    Raises:
        ValueError: The two differ in another way.
    """
    own, other = network.deblocker, source.deblocker
    if (kind := _kind(network)) != _kind(source):
        raise ValueError(
            f"Expected a de-blocker that differs in its maps and units at most from "
            f"that of {network.name!r}, {kind}; got {_kind(source)}."
        )
    if len(network.stages) != len(source.stages):
        raise ValueError(
            f"Expected the {len(network.stages)} stages of {network.name!r}, got "
            f"{len(source.stages)}."
        )
    to_colour = (source.channels, network.channels) == (1, 3)
    for weight, given, reads in _pairs(own, other):
        start, value = map(keras.ops.convert_to_numpy, (weight, given))
        if to_colour and weight is own.head.kernel:
            value = value * np.asarray(LUMA_WEIGHTS, np.float32)[:, None]
        elif to_colour and any(weight is part for part in own.tail.weights):
            one_to_all = zip(value.shape, weight.shape, strict=True)
            value = np.broadcast_to(value, [w if v == 1 else v for v, w in one_to_all])
        if reads == _JOIN:
            start, value = _by_output(start), _by_output(value)
        weight.assign(_widened(value, start, reads).reshape(weight.shape))
    for weight, given in zip(_scalars(network), _scalars(source), strict=True):
        weight.assign(keras.ops.convert_to_numpy(given))  # no buffer shared, on JAX


def copy_classifier(network: DualPriorNetwork, source: DualPriorNetwork) -> None:
    """Gives `network` the weights of `source`'s classifier.

    Raises:
        ValueError: The two classifiers differ.
    """
    pair = network.classifier, source.classifier
    shapes, found = ([tuple(w.shape) for w in part.weights] for part in pair)
    if shapes != found:
        raise ValueError(
            f"Expected the classifier of --initial to be as that of {network.name!r}; "
            "they differ. Give --classifier."
        )
    network.classifier.set_weights(source.classifier.get_weights())


# The axes along which a kernel has the maps that it reads: [height, width, in, out]; of
# a transposed one, [height, width, out, in]; of a join, which reads the maps of the
# head and of several units, as `_by_output` gives it.
_PLAIN, _TRANSPOSED, _JOIN = (-2,), (-1,), (-3, -2)


def _pairs(own, other):
    """Weights of de-blocker `own`, those of `other` to start from, and what they read.

    A unit that only `own` has keeps its weights, and whatever joins it to those before
    begins as the last one of `other`.
    """
    if not isinstance(own, Deblocker):
        ups = own.up if isinstance(own, PyramidDeblocker) else []
        up = [layer.kernel for layer in ups]
        for weight, given in zip(own.weights, other.weights, strict=True):
            is_up = any(weight is kernel for kernel in up)
            yield weight, given, _TRANSPOSED if is_up else _PLAIN
        return
    if len(own.units) < len(other.units):
        raise ValueError(
            f"Expected {len(own.units)} units at most, got {len(other.units)}: a "
            "network can start from a smaller one, not from a larger one."
        )
    for layer, given in (
        (own.head, other.head),
        *zip(own.units, other.units, strict=False),
    ):
        for pair in zip(layer.weights, given.weights, strict=True):
            yield *pair, _PLAIN
    for index, join in enumerate(own.joins):
        given = other.joins[min(index, len(other.joins) - 1)]
        yield join.kernel, given.kernel, _JOIN
        yield join.bias, given.bias, _PLAIN
    yield own.tail.kernel, other.tail.kernel, _TRANSPOSED
    yield own.tail.bias, other.tail.bias, _PLAIN


def _by_output(kernel: np.ndarray) -> np.ndarray:
    """The kernel of a join, `[1, 1, n F, F]`, as `[1, 1, n, F, F]`."""
    return kernel.reshape(1, 1, -1, kernel.shape[-1], kernel.shape[-1])


def _widened(
    value: np.ndarray, start: np.ndarray, reads: tuple[int, ...]
) -> np.ndarray:
    """A kernel or bias in the corner of `start`, which then reads no new maps.

    Args:
        reads: The axes along which a kernel has the maps that it reads.

    Raises:
        ValueError: `start` is the smaller one.
    """
    if any(np.less(start.shape, value.shape)):
        raise ValueError(
            f"Expected weights of {start.shape} at most, got {value.shape}: a network "
            "can start from a smaller one, not from a larger one."
        )
    widened = np.zeros_like(start)
    if value.ndim > 1:
        known = [slice(None)] * value.ndim
        for axis in reads:
            known[axis] = slice(value.shape[axis])
        widened[tuple(known)] = start[tuple(known)]
    widened[tuple(map(slice, value.shape))] = value
    return widened


def _kind(network: DualPriorNetwork) -> dict:
    """All that decides what its de-blocker computes, but how many maps and units."""
    deblocker = network.deblocker
    config = {"channels": network.channels, **deblocker.get_config()}
    free = ["name", "dtype", "trainable"]
    if isinstance(deblocker, Deblocker | PyramidDeblocker):
        free += ["channels", "features", "num_units"]
        if config.get("scale") == 1:  # else they are not the last that its head reads
            free.append("aux_channels")
    return {
        "class": type(deblocker).__name__,
        **{name: config[name] for name in config if name not in free},
    }


def _scalars(network: DualPriorNetwork) -> list:
    return [
        scalar.logarithm
        for stage in network.stages
        for scalar in stage.scalars().values()
    ]
