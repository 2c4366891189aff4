"""Exports the network: for plain TensorFlow, ONNX, LiteRT or Keras.

    python -m experiments.export --preset=photo --format=saved_model --output=runs/saved_model
    python -m experiments.export --preset=photo --format=onnx --output=runs/photo.onnx
    python -m experiments.export --preset=photo --format=litert --output=runs/photo.tflite
    python -m experiments.export --preset=photo --format=keras --output=runs/photo.keras

saved_model: for plain TensorFlow and TensorFlow Serving, with two signatures:
- `jpeg`: `jpeg`, strings [B], each the bytes of a JPEG file, to `png_bytes`, strings [B],
  the bytes of PNG files of the same sizes; grey stays grey, and a preset of one channel
  does not change chroma. Pictures are not turned by their EXIF orientation, and results
  have no metadata. Other files, damaged files, and files of more than 100 megapixels
  (detected before decoding) raise InvalidArgumentError, for the whole batch.
- `luma`, of a preset of one channel: `luma`, float32 [B, H, W, 1] in [0, 1], to
  `restored`, the same. Others have `rgb` instead, of [B, H, W, 3].
A SavedModel is a program: load none from people you do not trust.

onnx: for the programs that load restoration models. `image`, float32 [1, C, H, W] in
[0, 1], to `restored`, the same, of any size, or of --tile pixels a side. C is 3 (red,
green, blue), or 1 (luma) for a preset of one channel.

litert: for phones and small machines: `image`, float32 [1, TILE, TILE, C], to `restored`.

Both need `pip install dual-prior[exports]`, use neither complex numbers nor operations
that differentiate, and are compared with Keras before they are written. If a preset uses
quantization tables, a SavedModel's `jpeg` reads them from the file, and ONNX takes them
as optional inputs; otherwise they are unknown, and a little less is restored. README.md
in a SavedModel, and NAME.onnx.md or NAME.tflite.md beside a file, describe its inputs and
how to serve it.

keras: the model, its weights and its configuration, for Keras on TensorFlow or JAX where
this package is installed; it holds no code:

    import keras
    from dual_prior import ColourNetwork  # so that Keras knows both kinds
    network = keras.saving.load_model("runs/photo.keras")
"""  # noqa: E501

from pathlib import Path

from absl import flags

from dual_prior.network.colour_network import load_network
from dual_prior.network.presets import PRESETS, find_preset
from dual_prior.system.atomic_file import atomic_file
from experiments import binaries
from experiments.exporting import readme
from experiments.exporting.litert_file import TILE, write_litert
from experiments.exporting.onnx_file import write_onnx
from experiments.exporting.pixels import name_of
from experiments.exporting.saved_model import write_saved_model
from experiments.training.run_dir import save_atomically

_SUFFIXES = {"saved_model": "", "keras": ".keras", "onnx": ".onnx", "litert": ".tflite"}

_PRESET = flags.DEFINE_string(
    "preset",
    "compact",
    f"What to export: one of {', '.join(PRESETS)}, the folder of a preset, or a .keras "
    "file.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "A .weights.h5 file. Default: those that ship with the preset."
)
_FORMAT = flags.DEFINE_enum(
    "format", None, list(_SUFFIXES), "Default: by the suffix of --output."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Folder of the SavedModel, or a file NAME.onnx, NAME.tflite or NAME.keras; an "
    "existing one is replaced. Default: runs/saved_model, or runs/PRESET.SUFFIX.",
)
_TILE = flags.DEFINE_integer(
    "tile",
    None,
    "Height and width, pixels, a multiple of 8, of onnx and litert. Default: any for "
    f"onnx, {TILE} for litert.",
    lower_bound=32,
)


def _target() -> tuple[str, Path]:
    """Format and path."""
    formats = {suffix: name for name, suffix in _SUFFIXES.items()}
    if _OUTPUT.value is None:
        chosen = _FORMAT.value or "saved_model"
        name = f"{find_preset(_PRESET.value).name}{_SUFFIXES[chosen]}"
        return chosen, Path("runs", "saved_model" if chosen == "saved_model" else name)
    output = Path(_OUTPUT.value)
    by_suffix = formats.get(output.suffix, "saved_model")
    chosen = _FORMAT.value or by_suffix
    if chosen != by_suffix:
        suffix = _SUFFIXES[chosen]
        expected = f"a file NAME{suffix}" if suffix else "a folder"
        raise ValueError(f"--output: {chosen} is {expected}, got {output}.")
    return chosen, output


def _export(network, chosen: str, output: Path, tile: int | None) -> str:
    """Writes the export; returns a description of it."""
    if chosen == "saved_model":
        write_saved_model(network, output)
        return f": signatures {name_of(network)} and jpeg"
    output.parent.mkdir(parents=True, exist_ok=True)
    if chosen == "keras":
        save_atomically(network.save, output)
        return ""
    if chosen == "onnx":
        found = write_onnx(network, output, tile)
        text = readme.onnx_readme(network, output.name, tile)
    else:
        found = write_litert(network, output, tile or TILE)
        text = readme.litert_readme(network, output.name, tile or TILE)
    with atomic_file(output.with_name(f"{output.name}.md")) as file:
        file.write(text.encode())
    return f" and {output.name}.md: off by {found:.1e} of white at most from Keras"


def main(argv):
    """Reads the flags, exports, and says where."""
    del argv
    chosen, output = _target()
    tile = _TILE.value
    if tile and chosen not in ("onnx", "litert"):
        raise ValueError(f"--tile: of onnx and litert only, not of {chosen}.")
    if tile and tile % 8:
        raise ValueError(f"--tile: expected a multiple of 8, got {tile}.")
    network = load_network(_PRESET.value, _WEIGHTS.value or "shipped")
    print(f"Wrote {output}{_export(network, chosen, output, tile)}.")


if __name__ == "__main__":
    binaries.run(main)
