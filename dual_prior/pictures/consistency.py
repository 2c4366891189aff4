"""Decides whether results are clipped to the quantization cells of their JPEG files.

Measured on held-out pictures (experiments/NOTES.md): clipping chroma gains everywhere,
most where it has half the resolution. Where it is clipped, it is also guided by luma
(`dual_prior.jpeg.guided_chroma`). Clipping luma gains on drawings written by
libjpeg; mozjpeg moves coefficients out of their cells. On photographs it gains 0.01 dB,
and loses 0.2 dB if they were compressed more strongly before: where that has left a
trace, nothing is clipped. At very high quality a network can only lose.
"""

import dataclasses
from importlib.util import find_spec

from dual_prior.jpeg.coefficients import (
    Coefficients,
    has_coefficients,
    read_coefficients,
)
from dual_prior.pictures.picture import Picture
from dual_prior.system.text import one_line

_HARDLY_LOSSY = 97  # ours: the lowest quality that leaves nothing for a network


@dataclasses.dataclass(frozen=True)
class Clipping:
    """How the coefficients of a result are clipped to what its file allows.

    Attributes:
        held: The stored coefficients of the clipped channels; None for no clipping.
        words: In words, with the reason: "luma and chroma", "none: no JPEG file".
        is_all: Whether the picture is only clipped, without a network.
    """

    held: Coefficients | None
    words: str
    is_all: bool = False


def clipping_of(picture: Picture, consistency: str) -> Clipping:
    """How the result of a picture is clipped.

    Args:
        picture: As read from its file.
        consistency: As for `Options`.
    """
    is_all = (
        consistency == "auto"
        and picture.quality is not None
        and picture.quality >= _HARDLY_LOSSY
        and picture.trace is None
    )
    obstacle = _obstacle(picture, consistency)
    if obstacle is None and consistency == "auto" and picture.trace is not None:
        obstacle = str(picture.trace)  # the original lies in the cells of that
    if obstacle or picture.jpeg is None:
        return Clipping(None, f"none: {obstacle}", is_all)
    try:
        held = read_coefficients(picture.encoded or b"").turned(picture.symmetry)
    except (ImportError, OSError, ValueError) as error:
        unread = f"none: its coefficients cannot be read ({one_line(error)})"
        return Clipping(None, unread, is_all)
    if is_all and held.sampling == (1, 1):
        return Clipping(None, "none: hardly anything was lost", is_all)
    reason = None
    if is_all:
        reason = "hardly anything was lost"
    elif consistency == "auto" and not held.is_drawing:
        reason = "a photograph, by its coefficients"
    elif consistency == "auto" and not picture.jpeg.has_standard_luma:
        reason = "not libjpeg's tables"
    is_grey = len(held.quantized) == 1
    if reason is None:
        return Clipping(held, "luma" if is_grey else "luma and chroma")
    if is_grey:
        return Clipping(None, f"none: {reason}", is_all)
    return Clipping(held.of_chroma(), f"chroma ({reason})", is_all)


def _obstacle(picture: Picture, consistency: str) -> str | None:
    """The reason why coefficients are not read; None if they are."""
    if consistency == "never":
        return "not wanted"
    if picture.jpeg is None:
        return "no JPEG file"
    if not has_coefficients(picture.jpeg):
        return "neither luma nor YCbCr in Huffman's coding"
    if picture.encoded is None:
        return "turned within a block, cropped or damaged"
    if find_spec("jpeglib") is None:
        return "jpeglib is not installed"
    return None
