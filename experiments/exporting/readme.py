"""The README.md of an exported network: its inputs, and how to serve it."""

from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import SMALLEST
from experiments.exporting.pixels import name_of

Network = DualPriorNetwork | ColourNetwork

_SAVED_MODEL = """\
# {name}: removes JPEG artifacts, as a SavedModel

It needs TensorFlow, and nothing of the project that wrote it. A SavedModel is a program:
load none from people you do not trust.

Signatures:

- `jpeg`: `jpeg`, strings `[B]`, the bytes of JPEG files, to `png_bytes`, strings `[B]`, the
  bytes of PNG files of the same sizes. {tables} Pictures are not turned by their EXIF
  orientation, and results have no metadata. Other files, damaged files, and files of more than
  100 megapixels raise InvalidArgumentError, for the whole batch.
- `{pixels}`: `{pixels}`, float32 `[B, H, W, {channels}]` in [0, 1], {meaning}, to `restored`, the same,
  not clipped. {unknown}

In Python:

    import tensorflow as tf
    model = tf.saved_model.load("{name}")
    data = open("photo.jpg", "rb").read()
    png = model.signatures["jpeg"](jpeg=tf.constant([data]))["png_bytes"][0].numpy()

With TensorFlow Serving, which expects the folder under a version number:

    docker run -p 8501:8501 -v "$PWD/{name}:/models/{name}/1" -e MODEL_NAME={name} \\
        tensorflow/serving

    echo '{{"signature_name": "jpeg", "instances": [{{"jpeg": {{"b64": "'$(base64 -w0 photo.jpg)'"}}}}]}}' |
        curl -d @- http://localhost:8501/v1/models/{name}:predict |
        python -c 'import base64, json, sys; sys.stdout.buffer.write(
            base64.b64decode(json.load(sys.stdin)["predictions"][0]["b64"]))' > restored.png

Bytes are sent as `{{"b64": ...}}`, and returned so, since the name of the output ends in `_bytes`.
"""  # noqa: E501

_GRAPH = """\
# {name}: removes JPEG artifacts, as {kind}

Input `image`, float32 `{shape}` in [0, 1]: {meaning}. {output}: the same, not
clipped. {unknown}

- {sizes}
- Pictures of less than {smallest} pixels a side need edge padding.
- JPEG's blocks of 8x8 pixels begin at the upper left corner of the image: cut pictures
  at multiples of 8 only, and restore before you turn or scale them.
{more}
In Python:

{example}"""

_ONNX_EXAMPLE = """\
    import numpy as np, onnxruntime
    session = onnxruntime.InferenceSession("{name}")
    image = picture.astype(np.float32).transpose(2, 0, 1)[None] / 255
    (restored,) = session.run(None, {{"image": image}})
"""

_LITERT_EXAMPLE = """\
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter("{name}")
    interpreter.allocate_tensors()
    image = picture.astype(np.float32)[None] / 255
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    restored = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
"""

_TABLES = """\
- Two more inputs are optional: `steps`, float32 `[{aux}, 8, 8]`, the quantization
  tables of {planes}, by vertical, then horizontal frequency, 0 where not known; and
  `sampling`, int32 `[2]`, rows and columns of pixels that share a sample of chroma,
  [2, 2] for 4:2:0. The picture then must begin at the upper left corner of the file.
"""


def saved_model_readme(network: Network, name: str) -> str:
    """The README.md of a SavedModel.

    Args:
        network: Its network.
        name: Of its folder.
    """
    tables = "Tables are read from the file." if network.aux_channels else ""
    return _SAVED_MODEL.format(
        name=name,
        pixels=name_of(network),
        channels=network.channels,
        meaning=_meaning(network),
        tables=tables,
        unknown=_unknown(network),
    )


def onnx_readme(network: Network, name: str, tile: int | None) -> str:
    """The README of an ONNX file.

    Args:
        network: Its network.
        name: Of the file.
        tile: H and W, pixels; None for any.
    """
    more = ""
    if network.aux_channels:
        planes = "Y, Cb and Cr" if network.aux_channels == 3 else "Y"
        more = _TABLES.format(aux=network.aux_channels, planes=planes)
    sides = f"{tile}, {tile}" if tile else "H, W"
    return _graph_readme(
        network,
        name,
        tile,
        kind="an ONNX file",
        output="Output `restored`",
        shape=f"[1, {network.channels}, {sides}]",
        more=more,
        example=_ONNX_EXAMPLE.format(name=name),
    )


def litert_readme(network: Network, name: str, tile: int) -> str:
    """The README of a LiteRT file: see `onnx_readme`."""
    return _graph_readme(
        network,
        name,
        tile,
        kind="a LiteRT file",
        output="Its one output",
        shape=f"[1, {tile}, {tile}, {network.channels}]",
        more="",
        example=_LITERT_EXAMPLE.format(name=name),
    )


def _graph_readme(network: Network, name: str, tile: int | None, **own: str) -> str:
    return _GRAPH.format(
        name=name,
        meaning=_meaning(network),
        unknown=_unknown(network),
        sizes=_sizes(tile),
        smallest=SMALLEST,
        **own,
    )


def _meaning(network: Network) -> str:
    if network.channels == 1:
        return "luma of JFIF files, 0.299 R + 0.587 G + 0.114 B, or grey"
    return "red, green, blue"


def _unknown(network: Network) -> str:
    differs = (
        "`dual-prior restore` also clips its results to what the JPEG file allows, "
        "where that gains."
    )
    if not network.aux_channels:
        return differs
    return (
        "Without quantization tables the network restores a little less than "
        f"`dual-prior restore` does, which reads them from JPEG files. {differs}"
    )


def _sizes(tile: int | None) -> str:
    if tile is None:
        return "Any height and width."
    return (
        f"{tile} x {tile} pixels: restore larger pictures in tiles that overlap, for "
        "example by 64 pixels."
    )
