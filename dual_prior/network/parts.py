"""What the network asks of its images, and of the parts that a person brings along."""

import re
from typing import Any

import keras

Shape = tuple[Any, ...]  # of integers and None

# Of the image on which a part is tried where height and width are open: ours.
_SIDE = 64


def image_spec(channels: int | None) -> keras.InputSpec:
    """The input of a layer that takes images.

    Args:
        channels: C; None for any number.

    Returns:
        What Keras checks; its errors give the name, and with it the rule.
    """
    name = f"an image [B, H, W, {channels or 'C'}], float32 in [0, 1]"
    return keras.InputSpec("float32", ndim=4, axes={-1: channels}, name=name)


def feature_spec(channels: int, of: str = "feature maps") -> keras.InputSpec:
    """The input of a layer of another kind, of any precision: likewise."""
    name = f"{of} [B, H, W, {channels}]"
    return keras.InputSpec(ndim=4, axes={-1: channels}, name=name)


def channels_of(deblocker: keras.layers.Layer) -> int | None:
    """C, where the de-blocker or the input of a functional model has it."""
    shape = getattr(deblocker, "input_shape", None) or (None,)
    channels = getattr(deblocker, "channels", shape[-1])
    return channels if isinstance(channels, int) else None


def build_deblocker(deblocker: keras.layers.Layer, shape: Shape) -> None:
    """Builds a layer or model that takes the place of f_p, and checks what it returns.

    Args:
        deblocker: Maps images `[B, H, W, C]` to images of the same shape.
        shape: Of an image; all but C may be None.

    Raises:
        ValueError: It does not.
    """
    image = _symbolic(shape, shape[-1])
    _build(deblocker, "de-blocker", image, tuple(image.shape))


def build_classifier(classifier: keras.layers.Layer, shape: Shape) -> None:
    """Builds a layer or model that takes the place of f_s, and checks what it returns.

    Args:
        classifier: Maps gradients `[B, H, W, 2C]` to probabilities `[B, 1]`.
        shape: Of an image `[B, H, W, C]`; all but C may be None.

    Raises:
        ValueError: It does not.
    """
    _build(classifier, "classifier", _symbolic(shape, 2 * shape[-1]), (None, 1))


def _symbolic(shape: Shape, channels: int) -> keras.KerasTensor:
    _, height, width, _ = shape
    shape = (None, height or _SIDE, width or _SIDE, channels)
    return keras.KerasTensor(shape, "float32")


def _build(part, role: str, given: keras.KerasTensor, wanted: Shape) -> None:
    rule = (
        f"Expected a {role} that maps a float32 tensor {given.shape} to one tensor of "
        f"floats {wanted}; {part.name!r}"
    )
    try:
        if isinstance(part, keras.Sequential) and not part.built:
            # By a call, it would be one of that call's height and width.
            part.build((None, None, None, given.shape[-1]))
        # By a call, since a layer may make its children there, or leave some of them
        # out in `build`: they would be loaded without their weights.
        output = part(given)
        if not all(layer.built for layer in part._flatten_layers()):
            # Its own `compute_output_shape` has spared Keras the call.
            output = keras.Operation.compute_output_spec(part, given)
    except Exception as error:  # whatever a person's own code raises
        raise ValueError(f"{rule} fails: {first_line(error)}") from error
    if not isinstance(output, keras.KerasTensor):
        raise ValueError(f"{rule} returns a {type(output).__name__}.")
    is_float = keras.backend.is_float_dtype(output.dtype)
    if tuple(output.shape) != wanted or not is_float:
        raise ValueError(f"{rule} returns {output.dtype} {output.shape}.")


def serialized(part: keras.layers.Layer) -> dict:
    """As Keras serialises it, but for shapes, by which Keras would build it, too."""
    config = keras.saving.serialize_keras_object(part)
    return {key: config[key] for key in config if key != "build_config"}


def first_line(error: Exception) -> str:
    """What an error says, where Keras and TensorFlow say much."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))  # bold
    text = re.sub(r"^Exception encountered when calling .*", "", text)
    text = text.rpartition("Error encountered:")[2]
    return next(iter(text.strip().splitlines()), type(error).__name__)
