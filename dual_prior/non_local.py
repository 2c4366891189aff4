"""Every position sees every other, at a cost linear in the number of positions."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dual_prior")
class NonLocal(keras.layers.Layer):
    """The non-local operation (Eq. 11 of Fu et al., 2021).

        M_out = M + s theta(M) (nu(M)^T xi(M)) W / N

    theta, nu and xi are 1x1 convolutions that reduce the channels, W is a 1x1
    convolution back, N = H W the number of positions. The small `[R, R]` product comes
    first, so that no N x N matrix is ever made. s is 1 unless the second term outweighs
    M, and then as small as it takes that it does not.

    Args:
        reduced: Number R of reduced channels, > 0.

    Call arguments:
        features: M, `[B, H, W, F]`.

    Returns:
        M_out, shaped like `features`.

    Departs from the paper: divided by N, so that the operation means the same at 64x64
    and at 4000x3000; and s. The second term is cubic in M: without s, patterns that no
    photograph has (stripes of one pixel, dithering) grow beyond all bounds from unit to
    unit.
    """

    def __init__(self, reduced: int, **kwargs):
        super().__init__(**kwargs)
        self.reduced = reduced

    def build(self, shape):
        def pointwise(channels, input_channels, name):
            layer = keras.layers.Conv2D(
                channels, 1, use_bias=False, dtype=self.dtype_policy, name=name
            )
            layer.build((*shape[:-1], input_channels))
            return layer

        self.theta = pointwise(self.reduced, shape[-1], "theta")
        self.nu = pointwise(self.reduced, shape[-1], "nu")
        self.xi = pointwise(self.reduced, shape[-1], "xi")
        self.w = pointwise(shape[-1], self.reduced, "w")

    def call(self, features):
        shape = ops.shape(features)
        num_positions = shape[1] * shape[2]

        def positions(reduced):  # [B, N, R]
            return ops.reshape(reduced, (shape[0], num_positions, self.reduced))

        nu, xi = positions(self.nu(features)), positions(self.xi(features))
        context = ops.matmul(ops.transpose(nu, (0, 2, 1)), xi)  # [B, R, R]
        context = context / ops.cast(num_positions, context.dtype)
        seen = ops.matmul(positions(self.theta(features)), context)  # [B, N, R]
        seen = ops.reshape(seen, (shape[0], shape[1], shape[2], self.reduced))
        return features + self._bounded(self.w(seen), features)

    def _bounded(self, term, features):
        """`term`, scaled down to the root mean square of `features` if above it."""

        def mean_square(x):
            # The addend keeps the derivative of the root finite at zero.
            x = ops.cast(x, "float32")
            return ops.mean(ops.square(x), axis=(1, 2, 3), keepdims=True) + 1e-12

        scale = ops.sqrt(mean_square(features) / mean_square(term))
        return term * ops.cast(ops.minimum(scale, 1.0), term.dtype)

    def get_config(self):
        return {**super().get_config(), "reduced": self.reduced}
