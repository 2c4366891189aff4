"""Tiny networks of random weights that change a picture visibly."""

import keras
import numpy as np

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork


def _built(network):
    channels = network.channels
    network.build((None, None, None, channels))
    rng = np.random.default_rng(0)
    for weight in network.weights:  # biases, too
        scale = 0.2 if weight.ndim > 1 else 0.05
        weight.assign(weight + scale * rng.normal(0, 0.5, weight.shape))
    return network


def paper_like():
    """K = 2, J = 2, the non-local operation, dilations, strides of 1."""
    keras.utils.set_random_seed(0)
    return _built(
        DualPriorNetwork(
            Deblocker(1, features=4, num_units=2, reduced=2, dilations=(1, 3)),
            CompressionClassifier(4, (1, 1)),
            num_stages=2,
            num_descent_steps=2,
            alpha_init=1.0,
            lambda2_init=0.1,
            eta_init=0.1,
        )
    )


def compact_like():
    """K = 2, J = 1, a pyramid, strides."""
    keras.utils.set_random_seed(0)
    return _built(
        DualPriorNetwork(
            PyramidDeblocker(1, (4, 6, 8), (1, 1, 1)),
            CompressionClassifier(4, (2, 1, 2)),
            num_stages=2,
            num_descent_steps=1,
            alpha_init=10.0,
            lambda2_init=0.1,
            eta_init=0.1,
        )
    )


def colour():
    """Luma, table planes, chroma."""
    keras.utils.set_random_seed(0)
    return _built(
        ColourNetwork(
            DualPriorNetwork(
                PyramidDeblocker(1, (4, 6), (1, 1), aux_channels=1, scale=2),
                CompressionClassifier(4, (2, 1)),
                num_stages=1,
                num_descent_steps=0,
                alpha_init=10.0,
            ),
            PyramidDeblocker(2, (4, 6), (1, 1), aux_channels=3, scale=2),
        )
    )
