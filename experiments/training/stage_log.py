"""Logs what each stage of a network does during training, for TensorBoard."""

from pathlib import Path

import keras
import numpy as np

from dual_prior.network.operators import image_gradient

_SIDE = 128  # ours: pixels of the images that are shown
_BRIGHTER = 4.0  # ours: gradients are small


class StageLog(keras.callbacks.Callback):
    """At each validation: alpha, beta, lambda2, eta of each stage; how far g moves from
    the gradient of the stage's input, root mean square in grey levels; and u, |g|, x.

    With averaged weights it must come before `SwapEMAWeights`, like validation.

    Args:
        folder: Of the logs.
        images: Compressed held-out ones `[B, S, S, C]` in [0, 1], a few.
    """

    def __init__(self, folder: Path, images: np.ndarray):
        super().__init__()
        self._folder = folder
        self._images = images[:, :_SIDE, :_SIDE]
        self._epoch = 0

    def on_train_begin(self, logs=None):
        import tensorflow as tf

        self._writer = tf.summary.create_file_writer(str(self._folder))

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_test_end(self, logs=None):
        import tensorflow as tf

        x = keras.ops.convert_to_tensor(self._images)
        with self._writer.as_default(step=self._epoch):
            states = self.model(x, return_stages=True)
            for k, state in enumerate(states, start=1):
                stage = self.model.stages[k - 1]
                for name, scalar in (
                    ("alpha", stage.solver.alpha),
                    ("beta", stage.solver.beta),
                    ("lambda2", stage.descent.lambda2),
                    ("eta", stage.descent.eta),
                ):
                    value = float(keras.ops.convert_to_numpy(scalar.value()))
                    tf.summary.scalar(f"stage {k}/{name}", value)
                u, g, before = (_numpy(v) for v in (state["u"], state["g"], x))
                moved = 255 * (g - _numpy(image_gradient(before)))
                root_mean_square = float(np.sqrt(np.mean(np.square(moved))))
                tf.summary.scalar(f"stage {k}/g moves, grey levels", root_mean_square)
                x = state["x"]
                size = _BRIGHTER * np.linalg.norm(g, axis=-1, keepdims=True)
                for name, image in (("u", u), ("g", size), ("x", _numpy(x))):
                    shown = np.clip(image, 0.0, 1.0)
                    tf.summary.image(f"stage {k}/{name}", shown, max_outputs=len(shown))
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()


def _numpy(tensor) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)
