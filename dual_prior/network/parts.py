"""Checks of the images, the de-blocker and the classifier that a network is given."""

import re
from typing import Any

import keras

Shape = tuple[Any, ...]  # of integers and None

# Ours: the side of the image on which a part is tried where the size is not fixed.
_SIDE = 64


def image_spec(channels: int | None) -> keras.InputSpec:
    """The input of a layer that takes images.

    Args:
        channels: C; None for any number.

    Returns:
        A specification that Keras checks; its errors show the name, hence the rule.
    """
    name = f"an image [B, H, W, {channels or 'C'}], float32 in [0, 1]"
    return keras.InputSpec("float32", ndim=4, axes={-1: channels}, name=name)


def feature_spec(channels: int, of: str = "feature maps") -> keras.InputSpec:
    """The input of a layer that takes feature maps or gradients, of any precision."""
    name = f"{of} [B, H, W, {channels}]"
    return keras.InputSpec(ndim=4, axes={-1: channels}, name=name)


def channels_of(deblocker: keras.layers.Layer) -> int | None:
    """C, if the de-blocker or the input of a functional model has it; else None."""
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
        # By a call, since a layer may create children in `call`, or not build all of
        # them in `build`: those would be loaded without their weights.
        output = part(given)
        if not all(layer.built for layer in part._flatten_layers()):
            # Keras used its `compute_output_shape` and did not call it.
            output = keras.Operation.compute_output_spec(part, given)
    except Exception as error:  # a user's layer may raise anything
        raise ValueError(f"{rule} fails: {first_line(error)}") from error
    if not isinstance(output, keras.KerasTensor):
        raise ValueError(f"{rule} returns a {type(output).__name__}.")
    is_float = keras.backend.is_float_dtype(output.dtype)
    if tuple(output.shape) != wanted or not is_float:
        raise ValueError(f"{rule} returns {output.dtype} {output.shape}.")


def serialized(part: keras.layers.Layer) -> dict:
    """As Keras serialises it, without what builds or compiles it."""
    config = keras.saving.serialize_keras_object(part)
    left_out = ("build_config", "compile_config")
    return {key: config[key] for key in config if key not in left_out}


def first_line(error: Exception) -> str:
    """The first line of an error that says something: Keras and TensorFlow say much."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))  # bold
    text = re.sub(r"^Exception encountered when calling .*", "", text)
    text = text.rpartition("Error encountered:")[2]
    return next(iter(text.strip().splitlines()), type(error).__name__)
