"""The x update: a least-squares problem solved exactly in the Fourier domain."""

import keras
from keras import ops

from dual_prior.network.operators import image_gradient_adjoint, laplacian_eigenvalues
from dual_prior.network.parts import image_spec
from dual_prior.network.positive_scalar import PositiveScalar


@keras.saving.register_keras_serializable(package="dual_prior")
class FFTSolver(keras.layers.Layer):
    """Closed-form image update (Eq. 10 of Fu et al., 2021).

    Minimises over x

        |y - x|^2 + alpha |u - x|^2 + beta |g - grad x|^2

    under periodic boundaries, where the normal equations

        (1 + alpha + beta grad' grad) x = y + alpha u + beta grad' g

    are diagonal in the basis of the discrete Fourier transform.

    Args:
        alpha_init: Initial weight of the content term, > 0.
        beta_init: Initial weight of the gradient term, > 0.
        dtype: Has no effect: float32, since Fourier transforms take no half precision.

    Call arguments:
        y: Compressed image `[B, H, W, C]`, in [0, 1].
        u: Content variable, shaped like `y`.
        g: Gradient variable `[B, H, W, 2C]`, horizontal first.

    Returns:
        The minimiser x, shaped like `y`, float32.

    Departs from the paper: alpha and beta are kept positive (see `PositiveScalar`), and
    belong to one stage each.

    Example:
        >>> solver = dual_prior.FFTSolver(alpha_init=1.0, beta_init=1e-6)
        >>> y, u = np.zeros((1, 4, 4, 1), np.float32), np.ones((1, 4, 4, 1), np.float32)
        >>> g = np.zeros((1, 4, 4, 2), np.float32)
        >>> np.round(solver(y, u, g)[0, :, :, 0], 3).tolist()[0]  # half way from y to u
        [0.5, 0.5, 0.5, 0.5]
    """

    def __init__(self, alpha_init: float = 0.01, beta_init: float = 0.01, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.alpha = PositiveScalar(alpha_init, name="alpha")  # 0.01: paper
        self.beta = PositiveScalar(beta_init, name="beta")  # 0.01: paper

    def build(self, y_shape, u_shape=None, g_shape=None):
        self.input_spec = image_spec(y_shape[-1])
        self.alpha.build()
        self.beta.build()

    def call(self, y, u, g):
        alpha, beta = self.alpha.value(), self.beta.value()
        height, width = ops.shape(y)[1], ops.shape(y)[2]
        # The transform is linear, so the three right-hand terms share one.
        rhs = y + alpha * u + beta * image_gradient_adjoint(g)
        lhs = 1.0 + alpha + beta * laplacian_eigenvalues(height, width)
        # Fourier transforms act on the last two axes: [B, C, H, W].
        rhs = ops.transpose(rhs, (0, 3, 1, 2))
        real, imaginary = ops.fft2((rhs, ops.zeros_like(rhs)))
        # The minimiser is real: what is left of its imaginary part is rounding.
        x, _ = ops.ifft2((real / lhs, imaginary / lhs))
        return ops.transpose(x, (0, 2, 3, 1))

    def compute_output_shape(self, y_shape, u_shape=None, g_shape=None):
        return y_shape

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_init": self.alpha.initial,
            "beta_init": self.beta.initial,
        }
