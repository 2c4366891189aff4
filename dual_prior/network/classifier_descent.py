"""The g update: a few gradient steps through the frozen classifier."""

import keras
from keras import ops

from dual_prior.network.backend import value_and_input_gradient
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.operators import image_gradient
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

    Call arguments:
        x: Image `[B, H, W, C]`, in [0, 1].
        beta: Weight of the gradient term, a scalar tensor (the solver's).

    Returns:
        g, `[B, H, W, 2C]`, float32, horizontal first.

    Departs from the paper: N = H W. f_s averages over the positions, so that its
    derivative at one of them falls as 1 / N; the other terms of Eq. 4 are sums over
    positions. Without N what is learned at 64x64 means nothing at 512x512.
    """

    def __init__(
        self,
        classifier: CompressionClassifier,
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
        if not self.classifier.built:
            self.classifier.build((*x_shape[:-1], 2 * x_shape[-1]))

    def call(self, x, beta):
        eta = self.eta.value()
        gradient = image_gradient(x)
        weight = self.prior_weight(gradient)
        g = gradient
        for _ in range(self.num_steps):
            _, derivative = value_and_input_gradient(self.classifier, g)
            g = g - eta * (beta * (g - gradient) + weight * derivative)
        return g

    def prior_weight(self, g):
        """lambda2 N: the weight of f_s(g) in the energy, a float32 scalar tensor."""
        shape = ops.shape(g)
        return self.lambda2.value() * ops.cast(shape[1] * shape[2], "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "classifier": keras.saving.serialize_keras_object(self.classifier),
            "num_steps": self.num_steps,
            "lambda2_init": self.lambda2.initial,
            "eta_init": self.eta.initial,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["classifier"] = keras.saving.deserialize_keras_object(
            config["classifier"]
        )
        return cls(**config)
