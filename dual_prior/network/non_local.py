"""The non-local operation, at a cost linear in the number of positions."""

import keras
from keras import ops

from dual_prior.network.parts import feature_spec


@keras.saving.register_keras_serializable(package="dual_prior")
class NonLocal(keras.layers.Layer):
    """The non-local operation (Eq. 11 of Fu et al., 2021).

        M_out = M + s theta(M) (nu(M)^T xi(M)) W / N

    theta, nu and xi are 1x1 convolutions that reduce the channels, W is a 1x1
    convolution back, N = H W the number of positions. The small `[R, R]` product comes
    first, so that no N x N matrix is needed. s <= 1 scales the second term down to the
    root mean square of M where it is larger.

    Args:
        reduced: Number R of reduced channels, > 0.

    Call arguments:
        features: M, `[B, H, W, F]`.
        context: nu(M)^T xi(M) / N, `[B or 1, R, R]`, of the picture of which `features`
            are a part; that of `features` itself by default. See `context`.

    Returns:
        M_out, shaped like `features`.

    Departs from the paper: divided by N, so that the operation means the same at 64x64
    and at 4000x3000; and s. The second term is cubic in M: without s, patterns that no
    photograph has (stripes of one pixel, dithering) grow beyond all bounds from unit to
    unit.

    Example:
        >>> layer = dual_prior.NonLocal(reduced=2)
        >>> tuple(layer(np.ones((1, 5, 7, 8), np.float32)).shape)
        (1, 5, 7, 8)
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

        self.input_spec = feature_spec(shape[-1])
        self.theta = pointwise(self.reduced, shape[-1], "theta")
        self.nu = pointwise(self.reduced, shape[-1], "nu")
        self.xi = pointwise(self.reduced, shape[-1], "xi")
        self.w = pointwise(shape[-1], self.reduced, "w")

    def call(self, features, context=None):
        if context is None:
            context = self.context(features)
        theta = self.theta(features)
        context = ops.cast(context, theta.dtype)
        seen = ops.matmul(self._positions(theta), context)  # [B, N, R]
        seen = ops.reshape(seen, ops.shape(theta))
        return features + self._bounded(self.w(seen), features)

    def compute_output_shape(self, features_shape, context_shape=None):
        return features_shape

    def context(self, features):
        """nu(M)^T xi(M) / N, `[B, R, R]`: all that a position sees of the others."""
        nu, xi = (self._positions(f(features)) for f in (self.nu, self.xi))
        product = ops.matmul(ops.transpose(nu, (0, 2, 1)), xi)
        return product / ops.cast(ops.shape(nu)[1], product.dtype)

    def _positions(self, reduced):  # [B, N, R]
        batch, height, width, channels = ops.shape(reduced)
        return ops.reshape(reduced, (batch, height * width, channels))

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
