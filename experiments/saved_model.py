"""The network as a SavedModel: a program that needs nothing of this project."""

import os
import tempfile
from pathlib import Path

import keras

from dual_prior.jpeg.header import MAX_SEGMENTS, SOS, frame_process
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import LUMA_WEIGHTS, SMALLEST

_MAX_PIXELS = 100_000_000  # ours


def write_saved_model(network: DualPriorNetwork, output: str | os.PathLike) -> None:
    """Writes `network` as a SavedModel, complete or not at all.

    Raises:
        OSError: `output` exists and is no SavedModel, or cannot be written.
        ValueError: The backend is not TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError("Expected the TensorFlow backend: only it writes SavedModels.")
    output = Path(output)
    if output.exists() and not (output / "saved_model.pb").is_file():
        raise FileExistsError(f"{output}: exists, and is no SavedModel to be replaced.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=output.parent, prefix=f".{output.name}."
    ) as folder:
        new, old = (os.path.join(folder, name) for name in ("new", "old"))
        _write(network, new)
        if output.exists():
            os.rename(output, old)
        try:
            os.rename(new, output)
        except BaseException:
            if os.path.exists(old):
                os.rename(old, output)
            raise


def pixels_signature(network: DualPriorNetwork) -> str:
    """The name of the signature that takes pixels, and of its argument."""
    return "luma" if network.deblocker.channels == 1 else "rgb"


def _write(network: DualPriorNetwork, folder: str) -> None:
    import tensorflow as tf

    channels = network.deblocker.channels
    name = pixels_signature(network)

    def restore_pixels(pixels):
        return {"restored": network(pixels)}

    @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
    def restore_one(data):
        return _restore_one(network, data)

    def restore_jpeg(jpeg):
        return {"png": _restore_each(restore_one, jpeg)}

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint(
        name,
        restore_pixels,
        [tf.TensorSpec((None, None, None, channels), tf.float32, name=name)],
    )
    archive.add_endpoint(
        "jpeg", restore_jpeg, [tf.TensorSpec((None,), tf.string, name="jpeg")]
    )
    archive.write_out(folder, verbose=False)


def _restore_each(restore_one, jpeg):
    """PNG bytes of each file, empty for those that cannot be restored.

    Fails as the first one does when none can: a single bad file is an error, one among
    others costs nothing but its own result.
    """
    import tensorflow as tf

    restored = (
        tf.data.Dataset.from_tensor_slices(jpeg)
        .enumerate()
        .map(lambda index, data: (index, restore_one(data)))
        .ignore_errors(log_warning=True)
    )
    png = restored.reduce(
        tf.fill(tf.shape(jpeg), ""),
        lambda png, item: tf.tensor_scatter_nd_update(png, [[item[0]]], [item[1]]),
    )
    return tf.cond(
        tf.reduce_any(png != "") | (tf.size(jpeg) == 0),
        lambda: png,
        lambda: restore_one(jpeg[0])[None],
    )


def _restore_one(network: DualPriorNetwork, data):
    """PNG bytes of the restored picture of JPEG bytes, as graph operations."""
    import tensorflow as tf

    # TensorFlow's JPEG decoder reads PNG, GIF and BMP as well.
    is_jpeg = tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"
    with tf.control_dependencies(
        [tf.debugging.Assert(is_jpeg, ["Expected the bytes of a JPEG file."])]
    ):
        refusal = _refusal(data)
    with tf.control_dependencies([tf.debugging.Assert(refusal == "", [refusal])]):
        shape = tf.io.extract_jpeg_shape(data, output_type=tf.int64)
    fits = tf.reduce_prod(shape[:2]) <= _MAX_PIXELS
    with tf.control_dependencies(
        [tf.debugging.Assert(fits, ["Expected at most", _MAX_PIXELS, "pixels.", shape])]
    ):
        is_grey = shape[2] == 1

    # As in dual_prior.restoration.pixels, for both kinds of pictures and of networks.
    weights = tf.constant(LUMA_WEIGHTS, tf.float32)[:, None]

    def grey():
        pixels = _decode(data, channels=1)
        if network.deblocker.channels == 1:
            return _encode(_restored(network, pixels))
        restored = _restored(network, tf.repeat(pixels, 3, axis=-1))
        return _encode(tf.matmul(restored, weights))

    def colour():
        pixels = _decode(data, channels=3)
        if network.deblocker.channels == 3:
            return _encode(_restored(network, pixels))
        # Luma changes, chroma does not.
        luma = tf.matmul(pixels, weights)
        return _encode(pixels + _restored(network, luma) - luma)

    return tf.cond(is_grey, grey, colour)


def _restored(network: DualPriorNetwork, pixels):
    """A picture `[H, W, C]`; a small one is extended by its border for the network."""
    import tensorflow as tf

    height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
    rows, columns = (
        tf.minimum(tf.range(tf.maximum(side, SMALLEST)), side - 1)
        for side in (height, width)
    )
    seen = tf.gather(tf.gather(pixels, rows), columns, axis=1)
    return network(seen[None])[0, :height, :width]


def _refusal(data):
    """Why libjpeg cannot decode a JPEG, in the words of `pictures.reader`; else ""."""
    import tensorflow as tf

    processes = tf.constant([frame_process(marker) or "" for marker in range(256)])
    stored = tf.cast(tf.io.decode_raw(data, tf.uint8), tf.int32)
    size = tf.size(stored)
    stored = tf.pad(stored, [[0, 5]])  # what is read at the end is no marker

    def is_before_the_frame(at):
        is_segment = (stored[at] == 0xFF) & (stored[at + 1] != SOS)
        return is_segment & (processes[stored[at + 1]] == "")

    def next_segment(at):
        # A byte that fills up; or a marker, the length of what follows, and that.
        length = 2 + 256 * stored[at + 2] + stored[at + 3]
        return tf.minimum(size, at + tf.where(stored[at + 1] == 0xFF, 1, length))

    (at,) = tf.while_loop(
        is_before_the_frame, next_segment, [2], maximum_iterations=MAX_SEGMENTS
    )
    process, precision = processes[stored[at + 1]], stored[at + 4]
    is_undone = (process == "lossless") | (process == "hierarchical")
    # A file that is cut off before its frame is the decoder's to refuse.
    is_deep = (process != "") & (precision != 8) & (at + 4 < size)
    bits = tf.strings.format("{} bits", precision)
    return tf.case(
        [
            (is_undone, lambda: process + " JPEG is not supported"),
            (is_deep, lambda: "JPEG of " + bits + " is not supported"),
        ],
        default=lambda: tf.constant(""),
    )


def _decode(data, channels: int):
    import tensorflow as tf

    # The default inverse DCT is off by one grey level in a third of the pixels.
    pixels = tf.io.decode_jpeg(data, channels, dct_method="INTEGER_ACCURATE")
    return tf.cast(pixels, tf.float32) / 255.0


def _encode(pixels):
    import tensorflow as tf

    rounded = tf.round(tf.clip_by_value(pixels, 0.0, 1.0) * 255.0)
    return tf.io.encode_png(tf.cast(rounded, tf.uint8))
