"""The network as a SavedModel: a program that does not need this project."""

import os
import tempfile
from pathlib import Path

import keras

from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import LUMA_WEIGHTS, SMALLEST
from experiments.exporting.jpeg_tables import jpeg_tables
from experiments.exporting.pixels import name_of, restored, table_planes
from experiments.exporting.readme import saved_model_readme

_MAX_PIXELS = 100_000_000  # ours


def write_saved_model(
    network: DualPriorNetwork | ColourNetwork, output: str | os.PathLike
) -> None:
    """Writes `network` as a SavedModel with a README.md, complete or not at all.

    Raises:
        OSError: `output` exists and is not a SavedModel, or cannot be written.
        ValueError: The backend is not TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError("Expected the TensorFlow backend: only it writes SavedModels.")
    output = Path(output)
    if output.exists() and not (output / "saved_model.pb").is_file():
        raise FileExistsError(
            f"{output}: exists, and is not a SavedModel: it is not replaced."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=output.parent, prefix=f".{output.name}."
    ) as folder:
        new, old = (os.path.join(folder, name) for name in ("new", "old"))
        _write(network, new)
        readme = saved_model_readme(network, output.name)
        Path(new, "README.md").write_text(readme)
        if output.exists():
            os.rename(output, old)
        try:
            os.rename(new, output)
        except BaseException:
            if os.path.exists(old):
                os.rename(old, output)
            raise


def _write(network: DualPriorNetwork | ColourNetwork, folder: str) -> None:
    import tensorflow as tf

    name = name_of(network)

    def restore_pixels(pixels):
        return {"restored": restored(network, pixels)}

    def restore_jpeg(jpeg):
        png = tf.map_fn(lambda data: _restore_one(network, data), jpeg)
        # TensorFlow Serving encodes outputs of such a name as base64.
        return {"png_bytes": png}

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint(
        name,
        restore_pixels,
        [tf.TensorSpec((None, None, None, network.channels), tf.float32, name=name)],
    )
    archive.add_endpoint(
        "jpeg", restore_jpeg, [tf.TensorSpec((None,), tf.string, name="jpeg")]
    )
    archive.write_out(folder, verbose=False)


def _restore_one(network: DualPriorNetwork | ColourNetwork, data):
    """PNG bytes of the restored picture of JPEG bytes, as graph operations."""
    import tensorflow as tf

    # TensorFlow's JPEG decoder reads PNG, GIF and BMP as well.
    is_jpeg = tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"
    with tf.control_dependencies(
        [tf.debugging.Assert(is_jpeg, ["Expected the bytes of a JPEG file."])]
    ):
        shape = tf.io.extract_jpeg_shape(data, output_type=tf.int64)
    fits = tf.reduce_prod(shape[:2]) <= _MAX_PIXELS
    with tf.control_dependencies(
        [tf.debugging.Assert(fits, ["Expected at most", _MAX_PIXELS, "pixels.", shape])]
    ):
        # The default inverse DCT is off by one grey level in a third of the pixels.
        decoded = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    rgb = tf.cast(decoded, tf.float32) / 255.0

    # As in dual_prior.restoration.pixels: a change of luma is one of red, green and
    # blue alike, and small pictures are extended by their border.
    luma = tf.constant(LUMA_WEIGHTS, tf.float32)[:, None]
    seen = rgb if network.channels == 3 else tf.matmul(rgb, luma)
    height, width = tf.shape(rgb)[0], tf.shape(rgb)[1]
    rows, columns = (
        tf.minimum(tf.range(tf.maximum(side, SMALLEST)), side - 1)
        for side in (height, width)
    )
    padded = tf.gather(tf.gather(seen, rows), columns, axis=1)
    aux = None
    if network.aux_channels:
        steps, sampling = jpeg_tables(data)
        planes = table_planes(steps, sampling, *(tf.size(s) for s in (rows, columns)))
        aux = planes[..., : network.aux_channels]
    restored_part = restored(network, padded[None], aux)[0, :height, :width]
    result = rgb + restored_part - seen
    return tf.cond(
        shape[2] == 1,
        lambda: _encode(tf.matmul(result, luma)),
        lambda: _encode(result),
    )


def _encode(pixels):
    import tensorflow as tf

    rounded = tf.round(tf.clip_by_value(pixels, 0.0, 1.0) * 255.0)
    return tf.io.encode_png(tf.cast(rounded, tf.uint8))
