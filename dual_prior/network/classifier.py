"""The semantic-level prior f_s: are these the gradients of a compressed image?"""

from collections.abc import Sequence

import keras

from dual_prior.network.parts import feature_spec


@keras.saving.register_keras_serializable(package="dual_prior")
class CompressionClassifier(keras.layers.Layer):
    """f_s(g) of Fu et al., 2021 (Section 3.3), in (0, 1): clear = 0, compressed = 1.

    3x3 convolutions with ReLU, global average pooling, two dense layers, sigmoid.

    Args:
        features: Number of feature maps.
        strides: Stride of each convolution: there are as many convolutions as strides.

    Call arguments:
        g: Gradient field `[B, H, W, 2C]`, horizontal first, of an image in [0, 1]; any
            height and width.

    Returns:
        The probability `[B, 1]`, float32, that the image was compressed.

    Departs from the paper: one pass over both directions, which the text leaves open.
    The paper's strides are all 1.

    Example:
        >>> classifier = dual_prior.CompressionClassifier(features=4, strides=(2, 2))
        >>> tuple(classifier(np.zeros((3, 16, 16, 2), np.float32)).shape)
        (3, 1)
    """

    def __init__(
        self,
        features: int = 32,  # paper
        strides: Sequence[int] = (1, 1, 1, 1, 1, 1),  # paper
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.features = features
        self.strides = tuple(strides)
        self.convolutions = [
            keras.layers.Conv2D(
                features,
                3,  # paper
                stride,
                "same",
                activation="relu",
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index, stride in enumerate(self.strides)
        ]
        self.pool = keras.layers.GlobalAveragePooling2D(dtype="float32")
        self.hidden = keras.layers.Dense(
            features, activation="relu", dtype="float32", name="hidden"
        )
        self.probability = keras.layers.Dense(
            1, activation="sigmoid", dtype="float32", name="probability"
        )

    def build(self, shape):
        self.input_spec = feature_spec(shape[-1], "gradients")
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = (None, None, None, self.features)
        self.hidden.build((None, self.features))
        self.probability.build((None, self.features))

    def call(self, g):
        for convolution in self.convolutions:
            g = convolution(g)
        return self.probability(self.hidden(self.pool(g)))

    def compute_output_shape(self, g_shape):
        return (g_shape[0], 1)

    def compute_output_spec(self, g):
        return keras.KerasTensor((g.shape[0], 1), "float32")

    def get_config(self):
        config = super().get_config()
        # Keras would not freeze the children: `freeze`, after construction, does.
        del config["trainable"]
        return {**config, "features": self.features, "strides": self.strides}


def freeze(layer: keras.layers.Layer) -> keras.layers.Layer:
    """`layer`, with no trainable weight left in it or in any of its children.

    A layer constructed with `trainable=False`, as Keras does when it loads a frozen
    one, does not pass that on to its children, and setting False again has no effect:
    the next `fit` would change them (keras-team/keras issue 9589).
    """
    layer.trainable = True
    layer.trainable = False
    return layer
