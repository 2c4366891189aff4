"""A `ColourNetwork` as Keras trains it: all of it, luma's part or chroma's."""

import keras
from keras import ops

from dual_prior.network.classifier import freeze
from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.training.growing import start_from

PARTS = {"luma": slice(0, 1), "chroma": slice(1, 3)}  # channels of Y, Cb, Cr

_PLANES = 3  # Y, Cb, Cr

# Channels that the head of a de-blocker reads, and its tail writes, at most: planes of
# chroma, luma and two tables, of the four pixels of a square.
IMAGE_CHANNELS = 20


class ColourTraining(keras.Model):
    """Y, Cb, Cr and the planes of their tables in, Y, Cb, Cr out.

    The loss is the mean over patches of log(1 + 4 w e) / 4, for e the squared error and
    w the weight of a patch, of each part: near 0 the weighted error, but no patch with
    a large error dominates a step.

    Args:
        network: The network to train.
        parts: The parts to train, keys of `PARTS`; the others do not change.

    Call arguments:
        x: `[B, H, W, 6]`, float32.
    """

    def __init__(self, network: ColourNetwork, parts: tuple[str, ...], **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network
        self.parts = parts
        self._mean = _Mean(name="mean")
        set_trainable(network, parts)

    def build(self, x_shape):
        self.network.build((*x_shape[:-1], _PLANES))

    def call(self, x):
        return self.network(x[..., :_PLANES], aux=x[..., _PLANES:])

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """See Keras; `sample_weight` is `[B, 2]`: of luma and of chroma."""
        total = 0.0
        for index, (part, channels) in enumerate(PARTS.items()):
            if part in self.parts:
                difference = y_pred[..., channels] - y[..., channels]
                error = ops.mean(ops.square(difference), axis=(1, 2, 3))
                relative = sample_weight[:, index] * error
                total += self._mean(relative, ops.log1p(4 * relative) / 4)
        return total


class _Mean(keras.losses.Loss):
    """The mean of the losses that are passed in place of predictions.

    It is a loss of Keras, which computes the share of each device where there are
    several.
    """

    def call(self, y_true, y_pred):
        return y_pred


def set_trainable(network: ColourNetwork, parts: tuple[str, ...]) -> None:
    """Freezes all but these parts; the classifier stays frozen."""
    network.luma.trainable = "luma" in parts
    for stage in network.luma.stages:
        if not stage.descent.num_steps:  # lambda2 and eta have no gradient
            stage.descent.trainable = False
    freeze(network.luma.classifier)
    network.chroma.trainable = "chroma" in parts


# Features and depths of a chroma part, and of a luma part that does not start trained.
_CHROMA = {
    "photo": ((64, 112, 160), (2, 2, 3)),
    "fast": ((32, 48, 64), (1, 1, 2)),
    "large": ((64, 112, 160), (2, 2, 3)),
}
_LUMA = {
    "fast": ((48, 64, 96), (1, 2, 2)),
    "large": ((128, 256, 256), (4, 4, 4)),
}

NETWORKS = tuple(_CHROMA)


def colour_network(name: str) -> ColourNetwork:
    """An untrained network, one of `NETWORKS`; luma of "photo" begins as `compact`."""
    compact = DualPriorNetwork.from_preset("compact")
    once = {"num_stages": 1, "num_descent_steps": 0}
    if name not in NETWORKS:
        raise ValueError(f"Expected one of {', '.join(NETWORKS)}, got {name!r}.")
    if name in _LUMA:
        features, depths = _LUMA[name]
        pyramid = {"features": features, "depths": depths, "scale": 2}
        luma = compact.with_changes(deblocker={**pyramid, "aux_channels": 1}, **once)
    else:
        luma = compact.with_changes(deblocker={"aux_channels": 1}, **once)
        start_from(luma, compact.with_changes(**once))
    features, depths = _CHROMA[name]
    chroma = PyramidDeblocker(
        2, features, depths, aux_channels=3, scale=2, name="chroma"
    )
    network = ColourNetwork(luma, chroma, name=name)
    network.build((None, None, None, _PLANES))
    return network
