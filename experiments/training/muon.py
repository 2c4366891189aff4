"""Muon: orthogonalised momentum for the kernels in the middle of a network."""

import keras
from keras import ops

IMAGE_CHANNELS = 3  # at most: red, green, blue


@keras.saving.register_keras_serializable("experiments")
class Muon(keras.optimizers.Muon):
    """Keras's Muon for hidden convolutions, which Keras's own leaves to Adam.

    The momentum of a hidden kernel, as a matrix of inputs by outputs, is replaced by
    the nearest orthogonal matrix: every direction is learned at the same pace. Hidden
    are the kernels of convolutions that neither read nor write an image.

    Args:
        learning_rate: Of Adam, for all other weights: a number or a schedule.
        ratio: The learning rate of the hidden kernels, as a multiple of that.
        image_channels: Kernels that read or write more channels than that are hidden.
        **kwargs: Of `keras.optimizers.Muon`; without weight decay by default.

    Reference: Jordan et al., "Muon: an optimizer for hidden layers in neural networks",
    2024; step length of Liu et al., "Muon is scalable for LLM training", 2025.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        ratio: float = 3.0,
        image_channels: int = IMAGE_CHANNELS,
        **kwargs,
    ):
        kwargs = {"weight_decay": None, "adam_weight_decay": None, **kwargs}
        super().__init__(learning_rate, **kwargs)
        self.ratio = ratio
        self.image_channels = image_channels

    def _should_use_adamw(self, variable):
        shape = variable.shape  # of a kernel: [h, w, in, out]
        return not (len(shape) == 4 and min(shape[2:]) > self.image_channels)

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign(m, self.momentum * m + gradient)
        step = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        step = self.zeropower_via_newtonschulz5(step, self.ns_steps)
        step = self.lr_adjust(self.ratio * lr * step)
        self.assign_sub(variable, ops.reshape(step, variable.shape))

    def get_config(self):
        own = {"ratio": self.ratio, "image_channels": self.image_channels}
        return {**super().get_config(), **own}
