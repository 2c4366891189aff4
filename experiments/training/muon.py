"""Muon: orthogonalised momentum for the kernels in the middle of a network.

Keras's own `Muon` steps two-dimensional weights only, and leaves convolutions to Adam.
"""

import keras
from keras import ops

# The odd polynomial that drives singular values towards 1, and how often it is applied
# (Jordan et al., 2024).
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_NUM_ITERATIONS = 5

# Makes a step as long as Adam's usually is (Liu et al., "Muon is scalable for LLM
# training", 2025).
_STEP_SIZE = 0.2

_IMAGE_CHANNELS = 3  # at most: red, green, blue


class Muon(keras.optimizers.Adam):
    """Adam, but for the hidden kernels.

    The momentum of a hidden kernel, as a matrix of inputs by outputs, is replaced by
    the nearest orthogonal matrix: every direction is learned at the same pace. Hidden
    are the kernels of convolutions that neither read nor write an image.

    Args:
        learning_rate: Of Adam, for all other weights: a number or a schedule.
        ratio: The learning rate of the hidden kernels, as a multiple of that.
        momentum: Of the hidden kernels.

    Reference: Jordan et al., "Muon: an optimizer for hidden layers in neural networks",
    2024.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        ratio: float = 3.0,
        momentum: float = 0.95,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self.ratio = ratio
        self.momentum = momentum

    def build(self, variables):
        super().build(variables)
        # By index, since steps may be handed the backend's own variables.
        self._hidden = {
            self._get_variable_index(variable)
            for variable in variables
            if _is_hidden(variable.shape)
        }

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        if index not in self._hidden:
            super().update_step(gradient, variable, learning_rate)
            return
        velocity = self._momentums[index]
        self.assign(velocity, self.momentum * velocity + gradient)
        step = gradient + self.momentum * velocity  # Nesterov's
        matrix = ops.reshape(step, (-1, variable.shape[-1]))
        length = _STEP_SIZE * max(matrix.shape) ** 0.5 * self.ratio * learning_rate
        self.assign_sub(
            variable, length * ops.reshape(orthogonalised(matrix), variable.shape)
        )

    def get_config(self):
        own = {"ratio": self.ratio, "momentum": self.momentum}
        return {**super().get_config(), **own}


def _is_hidden(shape: tuple[int, ...]) -> bool:
    """Whether this is a kernel `[h, w, in, out]` from feature maps to feature maps."""
    return len(shape) == 4 and min(shape[2:]) > _IMAGE_CHANNELS


def orthogonalised(matrix):
    """U V' for `matrix` = U S V', roughly: singular values between 0.7 and 1.2.

    Args:
        matrix: `[M, N]`, float32.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if is_tall else matrix
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_NUM_ITERATIONS):
        gram = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return ops.transpose(x) if is_tall else x
