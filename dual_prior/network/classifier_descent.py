"""The g update: a few gradient steps through the frozen classifier."""

import keras
from keras import ops

from dual_prior.network.backend import value_and_input_gradient
from dual_prior.network.operators import image_gradient
from dual_prior.network.parts import build_classifier, image_spec, serialized
from dual_prior.network.positive_scalar import PositiveScalar


@keras.saving.register_keras_serializable(package="dual_prior")
class ClassifierDescent(keras.layers.Layer):
    """Gradient update (Eq. 9 of Fu et al., 2021).

    Starts at g = grad x and does J times

        g <- g - eta [ beta (g - grad x) + lambda2 N d f_s(g) / d g ]

    Args:
        classifier: f_s. Frozen by the network, shared by its stages.
        num_steps: Number J of steps, >= 0; 0 leaves g = grad x.
        lambda2_init: Initial weight of the semantic-level prior, > 0.
        eta_init: Initial step size, > 0.
        dtype: Has no effect: float32. The classifier has a policy of its own.

    Call arguments:
        x: Image `[B, H, W, C]`, in [0, 1].
        beta: Weight of the gradient term, a scalar tensor (the solver's).

    Returns:
        g, `[B, H, W, 2C]`, float32, horizontal first.

    Departs from the paper: N = H W. f_s averages over the positions, so that its
    derivative at one of them falls as 1 / N; the other terms of Eq. 4 are sums over
    positions. Without N, scalars learned at 64x64 would be wrong at 512x512.

    Follows Eq. 9 where the paper departs from itself: the gradient of its Eq. 6 is
    2 beta (g - grad x) + ..., and Eq. 9 drops the 2. What the steps lower is Eq. 6 with
    twice the lambda2: see `energy`.

    Example:
        >>> classifier = dual_prior.CompressionClassifier(features=4, strides=(2, 2))
        >>> descent = dual_prior.ClassifierDescent(classifier, num_steps=0)
        >>> x = np.random.default_rng(0).random((1, 8, 8, 1), np.float32)
        >>> bool(np.all(descent(x, beta=0.1) == dual_prior.image_gradient(x)))
        True
    """

    def __init__(
        self,
        classifier: keras.layers.Layer,
        num_steps: int = 3,  # paper
        lambda2_init: float = 0.01,  # paper
        eta_init: float = 0.01,  # paper
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.classifier = classifier
        self.num_steps = num_steps
        self.lambda2 = PositiveScalar(lambda2_init, name="lambda2")
        self.eta = PositiveScalar(eta_init, name="eta")

    def build(self, x_shape):
        self.input_spec = image_spec(x_shape[-1])
        build_classifier(self.classifier, x_shape)
        self.lambda2.build()
        self.eta.build()

    def call(self, x, beta):
        eta, lambda2_n = self.eta.value(), self._lambda2_n(x)
        grad_x = image_gradient(x)
        g = grad_x
        for _ in range(self.num_steps):
            _, grad_f_s = value_and_input_gradient(self.classifier, g)
            g = g - eta * (beta * (g - grad_x) + lambda2_n * grad_f_s)
        return g

    def energy(self, x, beta, g):
        """Twice what the steps of Eq. 9 lower, where eta is small enough.

            beta |g - grad x|^2 + 2 lambda2 N f_s(g)

        Args:
            x, beta: See "Call arguments".
            g: `[B, H, W, 2C]`.

        Returns:
            `[B]`.
        """
        distance = ops.sum(ops.square(g - image_gradient(x)), axis=(1, 2, 3))
        return beta * distance + 2.0 * self._lambda2_n(x) * self.probability(g)

    def probability(self, g):
        """f_s(g), `[B]`: how surely `g` comes from a compressed image."""
        return ops.cast(self.classifier(g), "float32")[:, 0]

    def _lambda2_n(self, x):
        """lambda2 N, a float32 scalar tensor."""
        _, height, width, _ = ops.shape(x)
        return self.lambda2.value() * ops.cast(height * width, "float32")

    def compute_output_shape(self, x_shape, beta_shape=None):
        return (*x_shape[:-1], 2 * x_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "classifier": serialized(self.classifier),
            "num_steps": self.num_steps,
            "lambda2_init": self.lambda2.initial,
            "eta_init": self.eta.initial,
        }

    @classmethod
    def from_config(cls, config):
        classifier = keras.saving.deserialize_keras_object(config["classifier"])
        return cls(**{**config, "classifier": classifier})
