"""The deep unfolding network: K rounds of an alternating minimisation, as layers.

    min over x, u, g   |y - x|^2 + alpha |u - x|^2 + beta |g - grad x|^2
                       + lambda1 f_p(u) + lambda2 f_s(g)                            (4)

From x_0 = y, stage k does in this order

    x_{k-1} --+-- de-blocker ---------------------------- u_k --+
              |   (pixel-level prior, Eq. 8)                    |
              |                                                 +-- solver -- x_k
              +-- descent through the classifier -------- g_k --+   (Eq. 10)
                  (semantic-level prior, Eq. 9)                 |
    y ----------------------------------------------------------+

One de-blocker and one classifier serve all stages; the scalars alpha, beta, lambda2 and
eta belong to one stage each. The classifier is trained before, and frozen here.

Conventions, in this file and in all that it calls:
- Images are `[B, H, W, C]`, float32 in [0, 1]; channels last; any height and width.
- Gradients are `[B, H, W, 2C]`: the horizontal differences, then the vertical ones.
- Boundaries are periodic in the gradient and the solver, zero in convolutions.
- Results are not clipped: what measures or writes them does that.
- Under a mixed policy the convolutions of the de-blocker and of the classifier run in
  half precision; images, gradients and the solver stay in float32.

Reference: Fu, Wang, Liu, Han, Zha, "Learning Dual Priors for JPEG Compression Artifacts
Removal", ICCV 2021. The text writes argmax in Eqs. 2 to 7; each is a minimisation.
"""

import os

import keras
from keras import ops

from dual_prior.network.classifier import CompressionClassifier, freeze
from dual_prior.network.classifier_descent import ClassifierDescent
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.fft_solver import FFTSolver
from dual_prior.network.operators import image_gradient
from dual_prior.network.presets import Preset, find_preset, shipped_weights
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.weights_file import load_weights

# Of a layer's configuration, what is the network's own.
_OF_ITSELF = ("name", "dtype", "trainable")


@keras.saving.register_keras_serializable(package="dual_prior")
class UnfoldingStage(keras.layers.Layer):
    """One round: u, then g, then x (Eqs. 8, 9, 10 of Fu et al., 2021).

    Args:
        deblocker: f_p, shared with the other stages.
        classifier: f_s, shared with the other stages.
        num_descent_steps: J of Eq. 9.
        alpha_init, beta_init, lambda2_init, eta_init: Initial values of the scalars.

    Call arguments:
        y: Compressed image `[B, H, W, C]`.
        x: The image of the stage before, shaped like `y`.
        contexts: Of the de-blocker; see there.

    Returns:
        The dictionary of `"u"` and `"x"`, `[B, H, W, C]`, `"g"`, `[B, H, W, 2C]`, and
        `"contexts"`, the de-blocker's of `x` itself, `[n, B, R, R]`.
    """

    def __init__(
        self,
        deblocker: Deblocker | PyramidDeblocker,
        classifier: CompressionClassifier,
        num_descent_steps: int = 3,  # paper
        alpha_init: float = 0.01,  # paper
        beta_init: float = 0.01,  # paper
        lambda2_init: float = 0.01,  # paper
        eta_init: float = 0.01,  # paper
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.deblocker = deblocker
        self.descent = ClassifierDescent(
            classifier, num_descent_steps, lambda2_init, eta_init, name="descent"
        )
        self.solver = FFTSolver(alpha_init, beta_init, name="solver")

    def build(self, y_shape, x_shape=None):
        if not self.deblocker.built:
            self.deblocker.build(y_shape)
        self.descent.build(y_shape)
        self.solver.build(y_shape)

    def call(self, y, x, contexts=None):
        u, own_contexts = self.deblocker(x, contexts, return_contexts=True)
        g = self.descent(x, beta=self.solver.beta.value())
        x = self.solver(y, u, g)
        return {"u": u, "g": g, "x": x, "contexts": own_contexts}

    def probability(self, g):
        """f_s(g), `[B]`: how surely `g` comes from a compressed image."""
        return self.descent.classifier(g)[:, 0]

    def energy(self, y, u, g, x):
        """The known terms of Eq. 4, `[B]`: all but lambda1 f_p(u).

        The de-blocker stands for the solution of its sub-problem, not for f_p itself.
        """

        def squared_norm(field):
            return ops.sum(ops.square(field), axis=(1, 2, 3))

        return (
            squared_norm(y - x)
            + self.solver.alpha.value() * squared_norm(u - x)
            + self.solver.beta.value() * squared_norm(g - image_gradient(x))
            + self.descent.prior_weight(g) * self.probability(g)
        )

    def get_config(self):
        return {
            **super().get_config(),
            "deblocker": keras.saving.serialize_keras_object(self.deblocker),
            "classifier": keras.saving.serialize_keras_object(self.descent.classifier),
            "num_descent_steps": self.descent.num_steps,
            "alpha_init": self.solver.alpha.initial,
            "beta_init": self.solver.beta.initial,
            "lambda2_init": self.descent.lambda2.initial,
            "eta_init": self.descent.eta.initial,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**_with_layers(config))


@keras.saving.register_keras_serializable(package="dual_prior")
class DualPriorNetwork(keras.Model):
    """K unfolding stages that share one de-blocker and one frozen classifier.

    Args:
        deblocker: f_p, trained with the network.
        classifier: f_s, trained before; frozen here.
        num_stages: K, >= 1.
        num_descent_steps: J of Eq. 9, >= 0.
        alpha_init, beta_init, lambda2_init, eta_init: Initial values of each stage's
            scalars. With alpha at the paper's 0.01 x hardly moves unless u exaggerates
            its residual a hundredfold and stops looking like an image.

    Call arguments:
        y: Compressed image `[B, H, W, C]`, float32 in [0, 1].
        contexts: What each stage's de-blocker shall know of the picture of which `y` is
            a part, `[K, n, B or 1, R, R]`. See `dual_prior.restoration.context`.
        return_stages: Return what every stage did.

    A saved model remembers of what is frozen the de-blocker and the classifier.

    Returns:
        The restored image x_K, shaped like `y`. With `return_stages`, a list of K
        dictionaries: `"u"`, `"g"`, `"x"`, `"contexts"`, `"probability"` `[B]` (f_s at
        g) and `"energy"` `[B]` (the known terms of Eq. 4); the last `"x"` is x_K.

    Example:
        network = DualPriorNetwork.from_preset("compact")
        restored = network(y)
    """

    def __init__(
        self,
        deblocker: Deblocker | PyramidDeblocker,
        classifier: CompressionClassifier,
        num_stages: int = 5,  # paper
        num_descent_steps: int = 3,  # paper
        alpha_init: float = 0.01,  # paper
        beta_init: float = 0.01,  # paper
        lambda2_init: float = 0.01,  # paper
        eta_init: float = 0.01,  # paper
        **kwargs,
    ):
        # Half precision has 8 significant bits, as many as the image: not for images.
        super().__init__(autocast=False, **kwargs)
        if num_stages < 1:
            raise ValueError(f"Expected num_stages of at least 1, got {num_stages}.")
        self.deblocker = deblocker
        self.classifier = freeze(classifier)
        self.stages = [
            UnfoldingStage(
                deblocker,
                classifier,
                num_descent_steps,
                alpha_init,
                beta_init,
                lambda2_init,
                eta_init,
                name=f"stage_{k}",
            )
            for k in range(1, num_stages + 1)
        ]

    def build(self, y_shape):
        for stage in self.stages:
            stage.build(y_shape)

    def call(self, y, contexts=None, return_stages=False):
        x = y
        states = []
        for k, stage in enumerate(self.stages):
            state = stage(y, x, None if contexts is None else contexts[k])
            x = state["x"]
            if return_stages:
                state["probability"] = stage.probability(state["g"])
                state["energy"] = stage.energy(y, state["u"], state["g"], x)
                states.append(state)
        return states if return_stages else x

    @classmethod
    def from_preset(
        cls, preset: str | Preset, weights: str | os.PathLike | None = "shipped"
    ) -> "DualPriorNetwork":
        """The network of a named configuration.

        Args:
            preset: `"paper"`, `"compact"`, `"photo"`, or one of your own (see
                `dual_prior.network.presets`).
            weights: `"shipped"` for the weights inside the package, None for random
                ones, or the path of a `.weights.h5` file.

        Raises:
            ValueError: No such preset, no shipped weights for it, or weights that do
                not fit it.
            OSError: The weights cannot be read, or the shipped ones are damaged.
        """
        if isinstance(preset, str):
            preset = find_preset(preset)
        network = cls(
            _deblocker(preset),
            CompressionClassifier(
                preset.classifier_features,
                preset.classifier_strides,
                name="classifier",
            ),
            preset.num_stages,
            preset.num_descent_steps,
            preset.alpha_init,
            preset.beta_init,
            preset.lambda2_init,
            preset.eta_init,
            name=preset.name,
        )
        network.build((None, None, None, preset.channels))
        if weights == "shipped":
            weights = shipped_weights(preset)
        if weights is not None:
            load_weights(network, weights)
        return network

    def get_config(self):
        config = self.stages[0].get_config()
        return {
            **super().get_config(),
            **{key: config[key] for key in config if key not in _OF_ITSELF},
            "num_stages": len(self.stages),
        }

    @classmethod
    def from_config(cls, config):
        return cls(**_with_layers(config))


def _deblocker(preset: Preset) -> Deblocker | PyramidDeblocker:
    if preset.pyramid is not None:
        return PyramidDeblocker(
            preset.channels,
            preset.pyramid.features,
            preset.pyramid.depths,
            name="deblocker",
        )
    return Deblocker(
        preset.channels,
        preset.features,
        preset.num_units,
        preset.reduced,
        preset.dilations,
        preset.scale,
        name="deblocker",
    )


def _with_layers(config: dict) -> dict:
    layers = {
        name: keras.saving.deserialize_keras_object(config[name])
        for name in ("deblocker", "classifier")
    }
    for layer in layers.values():
        if not layer.trainable:  # which a rebuilt layer hands to none of its children
            layer.trainable = True
            freeze(layer)
    return {**config, **layers}
