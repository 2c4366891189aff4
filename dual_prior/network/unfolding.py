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
- Results are not clipped: the code that measures or writes them does that.
- Under a mixed policy the convolutions of the de-blocker and of the classifier run in
  half precision; images, gradients and the solver stay in float32.

Reference: Fu, Wang, Liu, Han, Zha, "Learning Dual Priors for JPEG Compression Artifacts
Removal", ICCV 2021. The text writes argmax in Eqs. 2 to 7; each is a minimisation.
"""

import os

import keras
from keras import ops

from dual_prior.network import preset_files
from dual_prior.network.classifier import freeze
from dual_prior.network.classifier_descent import ClassifierDescent
from dual_prior.network.fft_solver import FFTSolver
from dual_prior.network.parts import (
    build_deblocker,
    channels_of,
    image_spec,
    serialized,
)
from dual_prior.network.positive_scalar import PositiveScalar
from dual_prior.network.presets import Preset, RestorationProfile


@keras.saving.register_keras_serializable(package="dual_prior")
class UnfoldingStage(keras.layers.Layer):
    """One round: u, then g, then x (Eqs. 8, 9, 10 of Fu et al., 2021).

    Args:
        deblocker: f_p, shared with the other stages.
        classifier: f_s, shared with the other stages.
        num_descent_steps: J of Eq. 9.
        alpha_init, beta_init, lambda2_init, eta_init: Initial values of the scalars.
        dtype: Has no effect: float32. The two parts have policies of their own.

    Call arguments:
        y: Compressed image `[B, H, W, C]`, float32 in [0, 1].
        x: The image of the stage before, shaped like `y`.
        aux: Further planes that describe the image, `[B, H, W, A]`, for a de-blocker
            whose attribute `aux_channels` is A > 0; others do not get them.

    Returns:
        The dictionary of `"u"` and `"x"`, `[B, H, W, C]`, and `"g"`, `[B, H, W, 2C]`.

    Example:
        >>> stage = dual_prior.UnfoldingStage(
        ...     dual_prior.PyramidDeblocker(features=(4, 8), depths=(1, 1)),
        ...     dual_prior.CompressionClassifier(features=4, strides=(2, 2)),
        ... )
        >>> y = np.zeros((1, 16, 16, 1), np.float32)
        >>> {name: tuple(value.shape) for name, value in stage(y, y).items()}
        {'u': (1, 16, 16, 1), 'g': (1, 16, 16, 2), 'x': (1, 16, 16, 1)}
    """

    def __init__(
        self,
        deblocker: keras.layers.Layer,
        classifier: keras.layers.Layer,
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
            classifier,
            num_steps=num_descent_steps,
            lambda2_init=lambda2_init,
            eta_init=eta_init,
            name="descent",
        )
        self.solver = FFTSolver(alpha_init, beta_init, name="solver")

    def build(self, y_shape, x_shape=None, aux_shape=None):
        self.input_spec = image_spec(y_shape[-1])
        build_deblocker(self.deblocker, y_shape)
        self.descent.build(y_shape)
        self.solver.build(y_shape)

    def call(self, y, x, aux=None):
        takes_aux = getattr(self.deblocker, "aux_channels", 0)
        known = {"aux": aux} if takes_aux and aux is not None else {}
        return self.after(y, x, self.deblocker(x, **known))

    def after(self, y, x, u):
        """The second half of a call: g and x for a given u.

        Args:
            y, x: See "Call arguments".
            u: The de-blocked image, shaped like `y`.
        """
        u = ops.cast(u, "float32")
        g = self.descent(x, beta=self.solver.beta.value())
        x = self.solver(y, u, g)
        return {"u": u, "g": g, "x": x}

    def compute_output_shape(self, y_shape, x_shape=None, aux_shape=None):
        g_shape = (*y_shape[:-1], 2 * y_shape[-1])
        return {"u": y_shape, "g": g_shape, "x": y_shape}

    def energy(self, y, u, g, x):
        """The known terms of Eq. 4, with twice the lambda2, `[B]`: all but lambda1 f_p.

            |y - x|^2 + alpha |u - x|^2 + beta |g - grad x|^2 + 2 lambda2 N f_s(g)

        It is what Eq. 9 lowers in g and Eq. 10 minimises in x: see `ClassifierDescent`
        for the 2 and for N. The de-blocker stands for the solution of its sub-problem,
        not for f_p itself.
        """

        def squared_norm(field):
            return ops.sum(ops.square(field), axis=(1, 2, 3))

        return (
            squared_norm(y - x)
            + self.solver.alpha.value() * squared_norm(u - x)
            + self.descent.energy(x, self.solver.beta.value(), g)
        )

    def scalars(self) -> dict[str, PositiveScalar]:
        """alpha, beta, lambda2 and eta of this stage, by name."""
        return {
            "alpha": self.solver.alpha,
            "beta": self.solver.beta,
            "lambda2": self.descent.lambda2,
            "eta": self.descent.eta,
        }

    def get_config(self):
        return {
            **super().get_config(),
            "deblocker": serialized(self.deblocker),
            "classifier": serialized(self.descent.classifier),
            "num_descent_steps": self.descent.num_steps,
            **{f"{name}_init": s.initial for name, s in self.scalars().items()},
        }

    @classmethod
    def from_config(cls, config):
        return cls(**_with_parts(config))


@keras.saving.register_keras_serializable(package="dual_prior")
class DualPriorNetwork(keras.Model):
    """K unfolding stages that share one de-blocker and one frozen classifier.

    Args:
        deblocker: f_p, trained with the network: a `Deblocker`, a `PyramidDeblocker`,
            or any Keras layer or model that maps an image `[B, H, W, C]` to an image of
            the same shape.
        classifier: f_s, trained before; frozen here: a `CompressionClassifier`, or any
            Keras layer or model that maps gradients `[B, H, W, 2C]` to a probability
            `[B, 1]` that can be differentiated.
        num_stages: K, >= 1.
        num_descent_steps: J of Eq. 9, >= 0.
        alpha_init, beta_init, lambda2_init, eta_init: Initial values of each stage's
            scalars. With alpha at the paper's 0.01 x hardly moves unless u exaggerates
            its residual a hundredfold and stops looking like an image.
        channels: C. Default: the de-blocker's attribute `channels`, or that of its
            input if it is a functional model; otherwise that of the first image.
        dtype: Has no effect: float32. The two parts have policies of their own.

    Call arguments:
        y: Compressed image `[B, H, W, C]`, float32 in [0, 1], of any height and width.
        return_stages: Return the variables of every stage.
        aux: Further planes that describe it, for the de-blocker: see `UnfoldingStage`.

    Returns:
        The restored image x_K, shaped like `y`. With `return_stages`, a list of K
        dictionaries: `"u"`, `"g"`, `"x"`, `"probability"` `[B]` (f_s at g) and
        `"energy"` `[B]` (see `UnfoldingStage.energy`); the last `"x"` is x_K.

    Raises:
        ValueError: When the network is built, that is with the first image: a part
            returns something else.

    A saved network keeps the frozen state of the de-blocker and the classifier only.

    Example:
        >>> network = dual_prior.DualPriorNetwork.from_preset("compact")
        >>> y = np.zeros((1, 16, 16, 1), np.float32)
        >>> tuple(network(y).shape)
        (1, 16, 16, 1)
        >>> stages = network(y, return_stages=True)
        >>> len(stages), sorted(stages[0])
        (2, ['energy', 'g', 'probability', 'u', 'x'])

        With your own de-blocker in place of the trained one:

        >>> import keras
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class Residual(keras.layers.Layer):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.residual = keras.layers.Conv2D(1, 3, padding="same")
        ...
        ...     def call(self, x):
        ...         return x + self.residual(x)
        >>> network = network.with_changes(deblocker=Residual())
        >>> network.save("mine.keras")
    """

    def __init__(
        self,
        deblocker: keras.layers.Layer,
        classifier: keras.layers.Layer,
        num_stages: int = 5,  # paper
        num_descent_steps: int = 3,  # paper
        alpha_init: float = 0.01,  # paper
        beta_init: float = 0.01,  # paper
        lambda2_init: float = 0.01,  # paper
        eta_init: float = 0.01,  # paper
        channels: int | None = None,
        **kwargs,
    ):
        # Half precision has 8 significant bits, as many as the image: not for images.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if num_stages < 1:
            raise ValueError(f"Expected num_stages of at least 1, got {num_stages}.")
        self.deblocker = deblocker
        self.classifier = freeze(classifier)
        self._channels = channels or channels_of(deblocker)
        self.input_spec = image_spec(self._channels)
        self.stages = [
            UnfoldingStage(
                deblocker,
                classifier,
                num_descent_steps=num_descent_steps,
                alpha_init=alpha_init,
                beta_init=beta_init,
                lambda2_init=lambda2_init,
                eta_init=eta_init,
                name=f"stage_{k}",
            )
            for k in range(1, num_stages + 1)
        ]

    @property
    def channels(self) -> int:
        """C.

        Raises:
            ValueError: The network is not built, and neither its de-blocker nor the
                argument has said so.
        """
        if self._channels is None:
            raise ValueError(
                f"The number of channels of {self.name!r} is not known before it is "
                "built: give the argument channels."
            )
        return self._channels

    @property
    def aux_channels(self) -> int:
        """Number of planes that the de-blocker sees beside the image."""
        return getattr(self.deblocker, "aux_channels", 0)

    def build(self, y_shape, aux_shape=None):
        self._channels = self._channels or y_shape[-1]
        self.input_spec = image_spec(self._channels)
        for stage in self.stages:
            if not stage.built:
                stage.build(y_shape)
        freeze(self.classifier)  # which may have made its weights only now

    def call(self, y, return_stages=False, aux=None):
        x = y
        states = []
        for stage in self.stages:
            state = stage(y, x, aux)
            x = state["x"]
            if return_stages:
                state["probability"] = stage.descent.probability(state["g"])
                state["energy"] = stage.energy(y, state["u"], state["g"], x)
                states.append(state)
        return states if return_stages else x

    def compute_output_shape(self, y_shape, return_stages=False, aux_shape=None):
        if not return_stages:
            return y_shape
        state = self.stages[0].compute_output_shape(y_shape)
        of_batch = {"probability": y_shape[:1], "energy": y_shape[:1]}
        return [{**state, **of_batch} for _ in self.stages]

    def compute_output_spec(self, y, return_stages=False, aux=None):
        return keras.tree.map_shape_structure(
            lambda shape: keras.KerasTensor(shape, "float32"),
            self.compute_output_shape(y.shape, return_stages),
        )

    @property
    def output(self):
        """The tensors of the symbolic call that returned the most.

        Keras returns those of the first call, and expects as many of all others: after
        a plain call, one with `return_stages` could not be part of a functional model.
        """
        return max((node.output_tensors for node in self._inbound_nodes), key=len)

    def with_changes(self, **changes) -> "DualPriorNetwork":
        """The network with other arguments, built: the same layers, not copies of them.

        Args:
            **changes: Arguments of the network. `deblocker` and `classifier` may be
                dictionaries of arguments to change in these; such a part is new.

        Returns:
            A network whose scalars are those of the same stage here, or of the last
            one, unless their initial values are among the changes.

        Raises:
            ValueError: There is no such argument.
        """
        parts = {"deblocker": self.deblocker, "classifier": self.classifier}
        config = preset_files.changed({**self.get_config(), **parts}, changes)
        changed = type(self).from_config(config)
        changed.build((None, None, None, changed.channels))
        for k, stage in enumerate(changed.stages):
            source = self.stages[min(k, len(self.stages) - 1)]
            for name, scalar in stage.scalars().items():
                if f"{name}_init" not in changes:
                    value = source.scalars()[name].logarithm
                    # A number: on JAX, a tensor would be a buffer that stages share.
                    scalar.logarithm.assign(float(ops.convert_to_numpy(value)))
        return changed

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike | Preset,
        weights: str | os.PathLike | None = "shipped",
        **changes,
    ) -> "DualPriorNetwork":
        """Loads a network from the files of a preset.

        Args:
            preset: `"paper"`, `"compact"`, `"photo"`, a folder that `save_to_preset`
                wrote, or a `.keras` file, which must hold no code.
            weights: `"shipped"` for those that come with the preset, None for random
                ones, or the path of a `.weights.h5` file.
            **changes: Arguments to change, as for `with_changes`. Shipped weights are
                read before the change; a weights file is of the changed network.

        Raises:
            ValueError: There is no such preset or argument, or the weights do not fit.
            OSError: A file cannot be read, or the shipped weights are damaged.
        """
        return preset_files.load((cls,), preset, weights, changes)

    def save_to_preset(
        self,
        folder: str | os.PathLike,
        profile: RestorationProfile | None = None,
        overwrite: bool = False,
    ) -> None:
        """Writes a folder for `from_preset`, complete or not at all.

        Args:
            folder: To make.
            profile: What `dual-prior restore` needs to know; defaults that are safe.
            overwrite: Replace a preset of that name.

        Raises:
            ValueError: The network is not built.
            OSError: `folder` exists, or cannot be written.
        """
        network = self.with_changes()  # never compiled, and so without an optimiser
        preset_files.save(network, folder, profile or RestorationProfile(), overwrite)

    def get_config(self):
        config = self.stages[0].get_config()
        own = super().get_config()
        return {
            **own,
            **{key: config[key] for key in config if key not in ("dtype", *own)},
            "num_stages": len(self.stages),
            "channels": self._channels,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**_with_parts(config))


def _with_parts(config: dict) -> dict:
    """`config` with layers for the de-blocker and the classifier, if serialised."""
    config = dict(config)
    for name in ("deblocker", "classifier"):
        if not isinstance(config[name], keras.layers.Layer):
            part = keras.saving.deserialize_keras_object(config[name])
            config[name] = part if part.trainable else freeze(part)
    return config
