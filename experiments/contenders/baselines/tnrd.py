"""TNRD: reaction-diffusion whose filters and influence functions are learned."""

import keras
import numpy as np
from keras import ops

from experiments.contenders.baselines.layers import image_input


@keras.saving.register_keras_serializable(package="experiments")
class DiffusionStage(keras.layers.Layer):
    """One step: u - (sum_i k_i' phi_i(k_i u) + lambda (u - y)).

    phi_i, the influence function of filter i, is a sum of Gaussian bumps with learned
    weights; k_i has a mean of zero, and k_i' is its adjoint.

    Args:
        filters: Number of filters k_i.
        size: Side of the filters.
        bumps: Number of Gaussians of each phi_i.

    Call arguments:
        u, y: The image so far, and the compressed one, `[B, H, W, 1]`.
    """

    _RANGE = 1.25  # of the paper's 310 of 255 grey levels: where the bumps lie

    def __init__(self, filters: int, size: int, bumps: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.filters, self.size, self.bumps = filters, size, bumps

    def build(self, u_shape, y_shape=None):
        shape = (self.size, self.size, 1, self.filters)
        self.k = self.add_weight(shape=shape, initializer="orthogonal", name="kernel")
        centres = np.linspace(-self._RANGE, self._RANGE, self.bumps)
        # All phi_i(z) together are close to z / 100 at first: a little smoothing.
        self.weights_of_bumps = self.add_weight(
            shape=(self.bumps, self.filters),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                np.repeat(0.004 / self.filters * centres[:, None], self.filters, 1),
                dtype,
            ),
            name="bumps",
        )
        self.fidelity = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(0.05), name="lambda"
        )

    def call(self, u, y):
        k = self.k - ops.mean(self.k, axis=(0, 1), keepdims=True)
        response = ops.conv(u, k, padding="same")
        diffusion = ops.conv_transpose(self._influence(response), k, padding="same")
        return u - diffusion - self.fidelity * (u - y)

    def _influence(self, z):
        centres = np.linspace(-self._RANGE, self._RANGE, self.bumps)
        width = centres[1] - centres[0]
        weights = ops.unstack(ops.convert_to_tensor(self.weights_of_bumps))
        # One bump at a time: all at once would be `bumps` times the features.
        return sum(
            weight * ops.exp(-0.5 * ops.square((z - centre) / width))
            for centre, weight in zip(centres.tolist(), weights, strict=True)
        )

    def get_config(self):
        sizes = {"filters": self.filters, "size": self.size, "bumps": self.bumps}
        return {**super().get_config(), **sizes}


def tnrd(
    stages: int = 5, filters: int = 48, size: int = 7, bumps: int = 63
) -> keras.Model:
    """Chen, Pock, "Trainable Nonlinear Reaction Diffusion", TPAMI 2017.

    Args:
        stages: Steps of the process, each with weights of its own.
        filters, size, bumps: See `DiffusionStage`.

    Departs from the paper: filters are free, not combinations of DCT atoms of unit
    norm, and all stages are trained together from the start.
    """
    y = image_input()
    u = y
    for index in range(stages):
        u = DiffusionStage(filters, size, bumps, name=f"stage_{index}")(u, y)
    return keras.Model(y, u, name="tnrd")
