"""The quantization tables of JPEG bytes, read by TensorFlow operations only."""

import numpy as np

from dual_prior.jpeg.header import ZIGZAG

_DQT, _SOS, _EOI, _APP14 = 0xDB, 0xDA, 0xD9, 0xEE
_FRAMES = (0xC0, 0xC1, 0xC2)  # those that TensorFlow decodes
_SIDE, _STEPS = 8, 64
_NO_ADOBE = -1


def jpeg_tables(data):
    """The tables of a file that stores luma, or Y, Cb and Cr; zeros for others.

    Args:
        data: The bytes of a JPEG file, a scalar string tensor.

    Returns:
        The pair of steps `[3, 8, 8]`, float32, and rows and columns that share a
        sample of chroma, `[2]`, int32: see `dual_prior.jpeg.table_plane.Tables`.
    """
    import tensorflow as tf

    content = tf.cast(tf.io.decode_raw(data, tf.uint8), tf.int32)
    size = tf.size(content)

    def more(at, ended, *_):
        return tf.logical_and(at + 4 <= size, tf.logical_not(ended))

    def segment(at, ended, tables, frame, adobe):
        marker = content[at + 1]
        begins = tf.logical_and(content[at] == 0xFF, tf.logical_not(marker == 0xFF))
        end = at + 2 + tf.maximum(256 * content[at + 2] + content[at + 3], 2)
        body = content[at + 4 : end]

        def found(marked, read, otherwise):
            return tf.cond(tf.logical_and(begins, marked), read, lambda: otherwise)

        is_frame = tf.reduce_any(marker == tf.constant(_FRAMES))
        is_adobe = tf.logical_and(marker == _APP14, tf.size(body) >= 12)
        return (
            tf.where(begins, end, at + 1),
            found(tf.logical_or(marker == _SOS, marker == _EOI), lambda: True, ended),
            found(marker == _DQT, lambda: _with_tables(tables, body), tables),
            found(is_frame, lambda: _frame(body), frame),
            found(is_adobe, lambda: body[11], adobe),
        )

    _, _, tables, frame, adobe = tf.while_loop(
        more,
        segment,
        [
            tf.constant(2),
            tf.constant(False),
            tf.zeros((16, _STEPS), tf.int32),
            tf.zeros((3, 2), tf.int32),
            tf.constant(_NO_ADOBE),
        ],
    )
    factors, numbers = frame[:, 0], frame[:, 1]
    is_grey = factors[1] == 0
    is_ycc = tf.logical_and(factors[1] > 0, adobe != 0)
    of_luma, of_chroma = (
        tf.stack([tf.bitwise.bitwise_and(f, 15), f // 16])
        for f in (factors[0], factors[1])
    )
    sampling = of_luma // tf.maximum(of_chroma, 1)
    is_even = tf.logical_and(
        factors[1] == factors[2], tf.reduce_all(sampling * of_chroma == of_luma)
    )
    known = tf.logical_or(is_grey, tf.logical_and(is_ycc, is_even))
    steps = tf.gather(tables, numbers) * tf.cast(factors[:, None] > 0, tf.int32)
    steps = tf.where(known, tf.cast(steps, tf.float32), 0.0)
    sampling = tf.where(tf.logical_and(known, factors[1] > 0), sampling, 1)
    return tf.reshape(steps, (3, _SIDE, _SIDE)), sampling


def _with_tables(tables, body):
    """`tables` with those that a segment defines, in the order of rows."""
    import tensorflow as tf

    def more(at, _):
        return at < tf.size(body)

    def table(at, tables):
        number = tf.bitwise.bitwise_and(body[at], 15)
        width = tf.where(body[at] >= 16, 2, 1)  # bytes of a step
        pairs = tf.reshape(body[at + 1 : at + 1 + _STEPS * width], (_STEPS, width))
        steps = tf.where(width == 2, 256 * pairs[:, 0], 0) + pairs[:, -1]
        steps = tf.gather(steps, np.argsort(ZIGZAG))
        tables = tf.tensor_scatter_nd_update(tables, [[number]], steps[None])
        return at + 1 + _STEPS * width, tables

    return tf.while_loop(more, table, [tf.constant(0), tables])[1]


def _frame(body):
    """Sampling factors and number of the table of up to three components, `[3, 2]`."""
    import tensorflow as tf

    count = body[5]
    components = tf.reshape(body[6 : 6 + 3 * count], (count, 3))[:3, 1:]
    components = tf.pad(components, [[0, 3 - tf.minimum(count, 3)], [0, 0]])
    components *= tf.where(tf.logical_or(count == 1, count == 3), 1, 0)
    return tf.ensure_shape(components, (3, 2))
