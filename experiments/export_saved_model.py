"""Exports the network as a SavedModel that plain TensorFlow runs, without this project.

    python -m experiments.export_saved_model --preset=compact --output=runs/saved_model

Two signatures:
- `luma`: `luma`, float32 [B, H, W, 1] in [0, 1], to `restored`, the same. A preset of
  three channels has `rgb` instead, of [B, H, W, 3].
- `jpeg`: `jpeg`, strings [B], each the bytes of a JPEG file, to `png`, strings [B], the
  bytes of PNG files of the same sizes; grey stays grey, colour keeps its chroma.

    import tensorflow as tf
    model = tf.saved_model.load("runs/saved_model")
    png = model.signatures["jpeg"](jpeg=tf.constant([data]))["png"][0].numpy()

What is no JPEG file, is broken, or has more than 100 megapixels (refused before it is
decoded) raises InvalidArgumentError; among others that can be restored, its result is
empty. A SavedModel is a program: load none from people you do not trust.
"""

from absl import flags

from dual_prior.presets import PRESETS
from dual_prior.unfolding import DualPriorNetwork
from experiments import app
from experiments.saved_model import export, pixels_signature

_PRESET = flags.DEFINE_enum("preset", "compact", list(PRESETS), "What to export.")
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "A .weights.h5 file. Default: those that ship with the preset."
)
_OUTPUT = flags.DEFINE_string(
    "output", "runs/saved_model", "Folder to write; one that exists is replaced."
)


def main(argv):
    """Reads the flags, exports, and says where."""
    del argv
    network = DualPriorNetwork.from_preset(_PRESET.value, _WEIGHTS.value or "shipped")
    export(network, _OUTPUT.value)
    print(f"Wrote {_OUTPUT.value}: signatures {pixels_signature(network)} and jpeg.")


if __name__ == "__main__":
    app.run(main)
