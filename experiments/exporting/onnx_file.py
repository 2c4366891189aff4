"""The network as an ONNX file, for the programs that load restoration models."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from keras import ops

from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.parts import first_line
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.system.atomic_file import atomic_file
from dual_prior.system.streams import silenced_stderr
from experiments.exporting.checks import largest_difference, require
from experiments.exporting.pixels import restored, table_planes
from experiments.exporting.real_arithmetic import in_real_arithmetic

INPUT, STEPS, SAMPLING, OUTPUT = "image", "steps", "sampling", "restored"

_BLOCK = 8
_OPSET = 18  # the newest that tf2onnx writes
_TRIED_ON = (40, 56)  # pixels, where a file takes any size


def write_onnx(
    network: DualPriorNetwork | ColourNetwork,
    output: str | os.PathLike,
    tile: int | None = None,
) -> float:
    """Writes `network` as an ONNX file, complete or not at all.

    Input `image`, `[1, C, H, W]`, float32 in [0, 1]: luma for a network of one channel,
    red, green and blue for others. Output `restored`, the same, not clipped. A network
    that sees tables has two more inputs, which may be left out: `steps`, `[A, 8, 8]`,
    float32, and `sampling`, `[2]`, int32; see `table_planes`.

    Args:
        network: Built.
        output: File to write.
        tile: H and W, pixels; any by default.

    Returns:
        The largest difference between the file in ONNX Runtime and `network` in Keras,
        on noise.

    Raises:
        OSError: `output` cannot be written.
        ValueError: A package is missing, the backend is not TensorFlow, or a part of
            the network cannot be converted.
    """
    require("ONNX", "tf2onnx", "onnx", "onnxruntime")
    import onnx

    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(output) as file:
        model = _converted(network, tile)
        if network.aux_channels:
            _make_optional(model, network.aux_channels)
        data = model.SerializeToString()
        try:
            onnx.checker.check_model(data, full_check=True)
            sides = (tile, tile) if tile else _TRIED_ON
            found = largest_difference(network, _run(data), *sides)
        except Exception as error:  # ONNX and its runtime raise many kinds
            raise ValueError(f"ONNX: the file is wrong: {first_line(error)}") from error
        file.write(data)
    return found


def _converted(network, tile: int | None):
    """The network as an `onnx.ModelProto`."""
    import tensorflow as tf

    function = in_real_arithmetic(network)
    image = (1, network.channels, tile, tile)
    signature = [tf.TensorSpec(image, tf.float32, name=INPUT)]
    if network.aux_channels:
        steps = (network.aux_channels, _BLOCK, _BLOCK)
        signature.append(tf.TensorSpec(steps, tf.float32, name=STEPS))
        signature.append(tf.TensorSpec((2,), tf.int32, name=SAMPLING))

    def restore(image, *tables):
        y = ops.transpose(image, (0, 2, 3, 1))
        aux = table_planes(*tables, *ops.shape(y)[1:3]) if tables else None
        x = restored(network, y, aux, function)
        return {OUTPUT: ops.transpose(x, (0, 3, 1, 2))}

    with _errors_raised(), silenced_stderr():
        import tf2onnx

        model, _ = tf2onnx.convert.from_function(
            tf.function(restore, input_signature=signature),
            input_signature=signature,
            opset=_OPSET,
        )
    image, restored_image = model.graph.input[0], model.graph.output[0]
    for axis, side in ((2, "height"), (3, "width")):
        if not tile:
            image.type.tensor_type.shape.dim[axis].dim_param = side
    restored_image.type.CopyFrom(image.type)
    return model


def _make_optional(model, aux_channels: int) -> None:
    """Gives the inputs of the tables values: unknown."""
    import onnx

    unknown = {
        STEPS: np.zeros((aux_channels, _BLOCK, _BLOCK), np.float32),
        SAMPLING: np.ones(2, np.int32),
    }
    for name, value in unknown.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))


def _run(data: bytes):
    """A function of `[1, H, W, C]`: the file in ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; inputs with values are worth a warning
    session = onnxruntime.InferenceSession(
        data, options, providers=["CPUExecutionProvider"]
    )

    def run(image: np.ndarray) -> np.ndarray:
        given = {INPUT: np.ascontiguousarray(image.transpose(0, 3, 1, 2))}
        (found,) = session.run([OUTPUT], given)
        return found.transpose(0, 2, 3, 1)

    return run


@contextlib.contextmanager
def _errors_raised() -> Iterator[None]:
    """tf2onnx logs that an operation has no counterpart, and writes the file."""
    errors: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record):
            errors.append(record.getMessage())

    logger = logging.getLogger("tf2onnx")
    collector = Collector(logging.ERROR)
    logger.addHandler(collector)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    except Exception as error:  # tf2onnx may raise anything
        errors.append(first_line(error))
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate
    if errors:
        raise ValueError(f"ONNX: the network cannot be converted: {errors[0]}")
