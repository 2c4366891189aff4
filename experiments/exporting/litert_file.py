"""The network as a LiteRT file (TensorFlow Lite), for phones and small machines."""

import os
from pathlib import Path

import numpy as np

from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.parts import first_line
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.system.atomic_file import atomic_file
from dual_prior.system.streams import silenced_stderr
from experiments.exporting.checks import largest_difference, require
from experiments.exporting.pixels import restored
from experiments.exporting.real_arithmetic import in_real_arithmetic

TILE = 256  # ours, pixels


def write_litert(
    network: DualPriorNetwork | ColourNetwork,
    output: str | os.PathLike,
    tile: int = TILE,
) -> float:
    """Writes `network` as a LiteRT file, complete or not at all.

    Input and output `[1, tile, tile, C]`, float32 in [0, 1], not clipped: luma for a
    network of one channel, red, green and blue for others. Tables are unknown. All
    operations are LiteRT's own.

    Args:
        network: Built.
        output: File to write.
        tile: H and W, pixels.

    Returns:
        The largest difference between the file in LiteRT and `network` in Keras, on
        noise.

    Raises:
        OSError: `output` cannot be written.
        ValueError: A package is missing, the backend is not TensorFlow, or a part of
            the network cannot be converted.
    """
    require("LiteRT", "ai_edge_litert")
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(output) as file:
        data = _converted(network, tile)
        try:
            found = largest_difference(network, _run(data), tile, tile)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"LiteRT: the file is wrong: {first_line(error)}"
            ) from error
        file.write(data)
    return found


def _converted(network, tile: int) -> bytes:
    import tensorflow as tf

    function = in_real_arithmetic(network)
    spec = tf.TensorSpec((1, tile, tile, network.channels), tf.float32, name="image")

    def restore(image):
        return restored(network, image, function=function)

    graph = tf.function(restore, input_signature=[spec]).get_concrete_function()
    # With what holds the weights as a second argument, those that Keras does not track
    # for TensorFlow, such as in lists, would stay variables that nothing initialises.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph])
    try:
        with silenced_stderr():
            return converter.convert()
    except Exception as error:  # the converter may raise anything
        raise ValueError(
            f"LiteRT: the network cannot be converted: {first_line(error)}"
        ) from error


def _run(data: bytes):
    """A function of `[1, tile, tile, C]`: the file in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    with silenced_stderr():
        interpreter = Interpreter(model_content=data)
        interpreter.allocate_tensors()
    (given,), (found,) = (
        interpreter.get_input_details(),
        interpreter.get_output_details(),
    )

    def run(image: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], image)
        interpreter.invoke()
        return interpreter.get_tensor(found["index"])

    return run
