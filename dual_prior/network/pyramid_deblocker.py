"""The pixel-level prior f_p at several resolutions: little compute, a wide view."""

from collections.abc import Sequence

import keras
from keras import ops

from dual_prior.network.operators import depth_to_space, extended, space_to_depth
from dual_prior.network.parts import image_spec

# Of negative slope 0.2. With ReLU most maps of the coarse levels died in training.
_ACTIVATION = "leaky_relu"


@keras.saving.register_keras_serializable(package="dual_prior")
class PyramidDeblocker(keras.layers.Layer):
    """The u update (Eq. 8 of Fu et al., 2021) of the presets that have to be fast.

        head -> convolutions ----------------------> + -> convolutions -> tail
                    |                                ^                     |
                    down -> convolutions ----> + -> up                     v
                                |              ^                   u = x + residual
                                down -> ... -> up

    Each level works on a grid twice as coarse as the one above it, at a quarter of the
    cost for as many feature maps. Skip connections add the features of fine levels to
    those that come back up.

    Args:
        channels: Number C of image channels.
        features: Number of feature maps at each level, from fine to coarse.
        depths: Number of 3x3 convolutions at each level, on the way down and again on
            the way up; at the coarsest level in all. Each group has a skip connection.
        aux_channels: Number A of further input planes, which are not restored.
        scale: The finest level has a grid `scale` times as coarse as the image; the
            head takes the pixels of each square as channels, and the tail gives them.

    Call arguments:
        x: Image `[B, H, W, C]`, float32 in [0, 1], of any height and width.
        aux: Further planes `[B, H, W, A]`, float32 in about [0, 1], for instance a
            plane of the quantization table; None for zeros, which mean unknown.

    Returns:
        u, shaped like `x`, float32: under a mixed policy the residual is computed in
        half precision, the image it is added to is not.

    Departs from the paper: its de-blocker stays at one resolution and sees far by
    dilated convolutions and a non-local operation, as `Deblocker` does;
    experiments/NOTES.md compares the two. The shape is Ronneberger, Fischer, Brox,
    "U-Net", MICCAI 2015, with sums for concatenations.

    Example:
        >>> deblocker = dual_prior.PyramidDeblocker(features=(4, 8), depths=(1, 2))
        >>> tuple(deblocker(np.zeros((1, 9, 13, 1), np.float32)).shape)
        (1, 9, 13, 1)
    """

    def __init__(
        self,
        channels: int = 1,  # paper
        features: Sequence[int] = (32, 64, 128),  # ours
        depths: Sequence[int] = (2, 2, 2),  # ours
        aux_channels: int = 0,  # paper
        scale: int = 1,  # paper
        **kwargs,
    ):
        # Half precision has 8 significant bits, as many as the image: not for images.
        super().__init__(autocast=False, **kwargs)
        if len(features) != len(depths):
            raise ValueError(
                f"Expected a depth for each of {len(features)} levels, got {depths}."
            )
        self.channels = channels
        self.features = tuple(features)
        self.depths = tuple(depths)
        self.aux_channels = aux_channels
        self.scale = scale
        self.input_spec = image_spec(channels)
        self.head = keras.layers.Conv2D(
            self.features[0], 3, padding="same", activation=_ACTIVATION,
            dtype="float32", name="head",
        )  # fmt: skip
        self.fine_to_coarse = [
            self._convolutions(level, "in") for level in range(len(self.features))
        ]
        finer = range(len(self.features) - 1)
        self.coarse_to_fine = [self._convolutions(level, "out") for level in finer]
        self.down = [
            keras.layers.Conv2D(
                self.features[level + 1], 2, 2, activation=_ACTIVATION,
                dtype=self.dtype_policy, name=f"down_{level}",
            )
            for level in finer
        ]  # fmt: skip
        self.up = [
            keras.layers.Conv2DTranspose(
                self.features[level], 2, 2, dtype=self.dtype_policy, name=f"up_{level}"
            )
            for level in finer
        ]
        self.tail = keras.layers.Conv2D(
            channels * scale**2,
            3,
            padding="same",
            # The untrained de-blocker is close to the identity.
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="tail",
        )

    def _convolutions(self, level: int, way: str) -> list[keras.layers.Layer]:
        return [
            keras.layers.Conv2D(
                self.features[level],
                3,
                padding="same",
                activation=_ACTIVATION,
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
                name=f"level_{level}_{way}_{index}",
            )
            for index in range(self.depths[level])
        ]

    def build(self, x_shape, aux_shape=None):
        seen = (self.channels + self.aux_channels) * self.scale**2
        self.head.build((None, None, None, seen))
        inner = [(None, None, None, features) for features in self.features]
        ways = (self.fine_to_coarse, self.coarse_to_fine)
        for level, convolutions in ((n, c) for way in ways for n, c in enumerate(way)):
            for convolution in convolutions:
                convolution.build(inner[level])
        for level, (down, up) in enumerate(zip(self.down, self.up, strict=True)):
            down.build(inner[level])
            up.build(inner[level + 1])
        self.tail.build(inner[0])

    def call(self, x, aux=None):
        height, width = ops.shape(x)[1], ops.shape(x)[2]
        coarsest = self.scale * 2 ** len(self.down)
        seen = space_to_depth(extended(self._with_aux(x, aux), coarsest), self.scale)
        features = ops.cast(self.head(seen), self.compute_dtype)
        passed = []
        for convolutions, down in zip(self.fine_to_coarse, self.down, strict=False):
            features = _changed(convolutions, features)
            passed.append(features)
            features = down(features)
        features = _changed(self.fine_to_coarse[-1], features)
        for level in reversed(range(len(self.up))):
            features = self.up[level](features) + passed[level]
            features = _changed(self.coarse_to_fine[level], features)
        residual = self.tail(ops.cast(features, "float32"))
        residual = depth_to_space(residual, self.scale)
        return x + residual[:, :height, :width, :]

    def _with_aux(self, x, aux):
        if not self.aux_channels:
            return x
        if aux is None:
            aux = ops.repeat(ops.zeros_like(x[..., :1]), self.aux_channels, axis=-1)
        return ops.concatenate([x, aux], axis=-1)

    def compute_output_shape(self, x_shape, aux_shape=None):
        return x_shape

    def compute_output_spec(self, x, aux=None):
        return keras.KerasTensor(x.shape, "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "features": self.features,
            "depths": self.depths,
            "aux_channels": self.aux_channels,
            "scale": self.scale,
        }


def _changed(layers: Sequence[keras.layers.Layer], features):
    change = features
    for layer in layers:
        change = layer(change)
    return features + change
