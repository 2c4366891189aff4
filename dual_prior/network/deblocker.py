"""The pixel-level prior f_p: the learned de-blocker, and the unit it is built from."""

from collections.abc import Sequence

import keras
from keras import ops

from dual_prior.network.non_local import NonLocal
from dual_prior.network.operators import extended, from_phases, to_phases
from dual_prior.network.parts import feature_spec, image_spec


@keras.saving.register_keras_serializable(package="dual_prior")
class BasicUnit(keras.layers.Layer):
    """A non-local operation, then cascaded dilated 3x3 convolutions with ReLU.

    Section 3.3 of Fu et al., 2021: the first sees the whole image, the others see
    artifacts at several spatial scales.

    Args:
        features: Number F of feature maps.
        reduced: Number of reduced channels of the non-local operation.
        dilations: Dilation factor d of each convolution. It is computed as a dense
            convolution of the d^2 phases of its input, which gives the same: on GPUs
            XLA has a fast derivative by the kernel for dense convolutions only.

    Call arguments:
        features: `[B, H, W, F]`.
        context: Of the non-local operation, `[B or 1, R, R]`; see `NonLocal`.

    Returns:
        `[B, H, W, F]`.
    """

    def __init__(
        self,
        features: int = 112,  # paper
        reduced: int = 28,  # ours: the paper does not say
        dilations: Sequence[int] = (1, 3, 5),  # paper
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.features = features
        self.reduced = reduced
        self.dilations = tuple(dilations)
        self.non_local = NonLocal(reduced, dtype=self.dtype_policy, name="non_local")
        self.convolutions = [
            keras.layers.Conv2D(
                features,
                3,  # paper
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index in range(len(self.dilations))
        ]

    def build(self, shape):
        self.input_spec = feature_spec(self.features)
        self.non_local.build(shape)
        for convolution in self.convolutions:
            convolution.build(shape)

    def call(self, features, context=None):
        features = self.non_local(features, context)
        height, width = ops.shape(features)[1:3]
        for convolution, dilation in zip(
            self.convolutions, self.dilations, strict=True
        ):
            phases = convolution(to_phases(features, dilation))
            features = from_phases(phases, dilation, height, width)
        return features

    def compute_output_shape(self, features_shape, context_shape=None):
        return features_shape

    def get_config(self):
        return {
            **super().get_config(),
            "features": self.features,
            "reduced": self.reduced,
            "dilations": self.dilations,
        }


@keras.saving.register_keras_serializable(package="dual_prior")
class Deblocker(keras.layers.Layer):
    """The u update (Eq. 8 of Fu et al., 2021): an image in, the de-blocked image out.

        head -> unit_1 -> ... -> unit_n -> fusion -> tail
          |        |                |        ^         |
          +--------+----------------+--------+         v
          (each unit, too, sees all before it)    u = x + residual

    Args:
        channels: Number C of image channels.
        features: Number F of feature maps.
        num_units: Number of basic units, densely connected.
        reduced: Number of reduced channels in each non-local operation.
        dilations: Dilation factors in each unit.
        scale: The units work on a grid this many times coarser than the image in both
            directions: F channels there cost 1 / scale^2 of what they cost at 1.

    Call arguments:
        x: Image `[B, H, W, C]`, float32 in [0, 1], of any height and width.
        contexts: The contexts of the n units, `[n, B or 1, R, R]`, where `x` is a part
            of a larger picture; those of `x` itself by default. See `NonLocal`.

    Returns:
        u, shaped like `x`, float32: under a mixed policy the residual is computed in
        half precision, the image it is added to is not.

    Departs from the paper: it gives neither the number of units nor how the dense
    connections join. Here 1x1 convolutions join them. `scale` is 1 in the paper.

    Example:
        >>> deblocker = dual_prior.Deblocker(features=8, num_units=2, reduced=2)
        >>> tuple(deblocker(np.zeros((1, 9, 13, 1), np.float32)).shape)
        (1, 9, 13, 1)
    """

    def __init__(
        self,
        channels: int = 1,  # paper
        features: int = 112,  # paper
        num_units: int = 5,  # ours: the paper does not say
        reduced: int = 28,  # ours: the paper does not say
        dilations: Sequence[int] = (1, 3, 5),  # paper
        scale: int = 1,  # paper
        **kwargs,
    ):
        # Half precision has 8 significant bits, as many as the image: not for images.
        super().__init__(autocast=False, **kwargs)
        self.channels = channels
        self.features = features
        self.num_units = num_units
        self.reduced = reduced
        self.dilations = tuple(dilations)
        self.scale = scale
        self.input_spec = image_spec(channels)
        # One pixel of overlap on each side; the paper's 3x3 at scale 1.
        self.head = keras.layers.Conv2D(
            features, scale + 2, scale, "same", dtype="float32", name="head"
        )
        self.units = [
            BasicUnit(
                features,
                reduced,
                dilations,
                dtype=self.dtype_policy,
                name=f"unit_{index}",
            )
            for index in range(num_units)
        ]
        # joins[i] turns the outputs of the head and of units 0..i into one input.
        self.joins = [
            keras.layers.Conv2D(
                features, 1, dtype=self.dtype_policy, name=f"join_{index}"
            )
            for index in range(num_units)
        ]
        self.tail = keras.layers.Conv2DTranspose(
            channels,
            scale + 2,
            scale,
            "same",
            # The untrained de-blocker is close to the identity.
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="tail",
        )

    def build(self, shape):
        self.head.build(shape)
        inner = (None, None, None, self.features)
        for index, (unit, join) in enumerate(zip(self.units, self.joins, strict=True)):
            unit.build(inner)
            join.build((*inner[:-1], (index + 2) * self.features))
        self.tail.build(inner)

    def call(self, x, contexts=None):
        return self._deblocked(x, contexts)

    def with_contexts(self, x, contexts=None):
        """u, and the contexts of `x` as a part of a larger picture.

        Args:
            x, contexts: See "Call arguments".

        Returns:
            The pair of u and the contexts of `x` itself, `[n, B, R, R]`.
        """
        own_contexts: list = []
        u = self._deblocked(x, contexts, own_contexts)
        return u, ops.stack(own_contexts)

    def _deblocked(self, x, contexts, own_contexts: list | None = None):
        height, width = ops.shape(x)[1], ops.shape(x)[2]
        shallow = ops.cast(self.head(extended(x, self.scale)), self.compute_dtype)
        outputs = [shallow]
        features = shallow
        for index, (unit, join) in enumerate(zip(self.units, self.joins, strict=True)):
            if own_contexts is not None:
                own_contexts.append(unit.non_local.context(features))
            context = None if contexts is None else contexts[index]
            outputs.append(unit(features, context))
            features = join(ops.concatenate(outputs, axis=-1))
        residual = self.tail(features + shallow)
        return x + residual[:, :height, :width, :]

    def compute_output_shape(self, x_shape, contexts_shape=None):
        return x_shape

    def compute_output_spec(self, x, contexts=None):
        return keras.KerasTensor(x.shape, "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "features": self.features,
            "num_units": self.num_units,
            "reduced": self.reduced,
            "dilations": self.dilations,
            "scale": self.scale,
        }
