"""Exports the network: for plain TensorFlow, without this project, or for Keras.

    python -m experiments.export --preset=compact --output=runs/saved_model
    python -m experiments.export --preset=compact --output=runs/compact.keras

The first is a SavedModel, with two signatures:
- `luma`: `luma`, float32 [B, H, W, 1] in [0, 1], to `restored`, the same. A preset of
  three channels has `rgb` instead, of [B, H, W, 3].
- `jpeg`: `jpeg`, strings [B], each the bytes of a JPEG file, to `png_bytes`, strings
  [B], the bytes of PNG files of the same sizes; grey stays grey, and a preset of one
  channel leaves chroma as it is. Pictures are not turned by their EXIF orientation, and
  the results hold no metadata.

    import tensorflow as tf
    model = tf.saved_model.load("runs/saved_model")
    png = model.signatures["jpeg"](jpeg=tf.constant([data]))["png_bytes"][0].numpy()

What is no JPEG file, is broken, or has more than 100 megapixels (refused before it is
decoded) raises InvalidArgumentError, for the whole batch. A SavedModel is a program:
load none from people you do not trust.

The second is the model, its weights and its configuration, for Keras on TensorFlow or
JAX where this package is installed; it holds no code:

    import keras
    from dual_prior import DualPriorNetwork  # so that Keras knows it
    network = keras.saving.load_model("runs/compact.keras")
"""

from pathlib import Path

from absl import flags

from dual_prior.network.presets import PRESETS
from dual_prior.network.unfolding import DualPriorNetwork
from experiments import binaries
from experiments.saved_model import pixels_signature, write_saved_model
from experiments.training.run_dir import save_atomically

_PRESET = flags.DEFINE_string(
    "preset",
    "compact",
    f"What to export: one of {', '.join(PRESETS)}, the folder of a preset, or a .keras "
    "file.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "A .weights.h5 file. Default: those that ship with the preset."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    "runs/saved_model",
    "Folder of the SavedModel, or a file NAME.keras; one that exists is replaced.",
)


def main(argv):
    """Reads the flags, exports, and says where."""
    del argv
    network = DualPriorNetwork.from_preset(_PRESET.value, _WEIGHTS.value or "shipped")
    output = Path(_OUTPUT.value)
    if output.suffix == ".keras":
        output.parent.mkdir(parents=True, exist_ok=True)
        save_atomically(network.save, output)
        print(f"Wrote {output}.")
    else:
        write_saved_model(network, output)
        print(f"Wrote {output}: signatures {pixels_signature(network)} and jpeg.")


if __name__ == "__main__":
    binaries.run(main)
