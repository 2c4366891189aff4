"""Logs what each stage of a network does during training, for TensorBoard."""

from pathlib import Path

import keras
import numpy as np

from dual_prior.network.prior_effect import moves_of_g, shares_of_g

_SIDE = 128  # ours: pixels of the images that are shown
_BRIGHTER = 4.0  # ours: gradients are small


class StageLog(keras.callbacks.Callback):
    """At each validation: alpha, beta, lambda2, eta of each stage; how far g moves, and
    the share of it in x (`dual_prior.network.prior_effect`); and u, |g|, x.

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
            effects = zip(
                self.model.stages,
                states,
                moves_of_g(x, states),
                shares_of_g(self.model.stages),
                strict=True,
            )
            for k, (stage, state, moved, share) in enumerate(effects, start=1):
                for name, scalar in stage.scalars().items():
                    value = float(keras.ops.convert_to_numpy(scalar.value()))
                    tf.summary.scalar(f"stage {k}/{name}", value)
                tf.summary.scalar(f"stage {k}/g moves, grey levels", moved)
                tf.summary.scalar(f"stage {k}/share of g in x", share)
                u, g, x_k = (_numpy(state[name]) for name in ("u", "g", "x"))
                size = _BRIGHTER * np.linalg.norm(g, axis=-1, keepdims=True)
                for name, image in (("u", u), ("g", size), ("x", x_k)):
                    shown = np.clip(image, 0.0, 1.0)
                    tf.summary.image(f"stage {k}/{name}", shown, max_outputs=len(shown))
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()


def _numpy(tensor) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)
