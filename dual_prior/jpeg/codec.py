"""The degradation of the paper: luma, and JPEG compression of one channel.

Luma and JPEG are defined here and nowhere else, so that training, measuring and
exporting see the same pixels. OpenCV's encoder and decoder are libjpeg's; they write
and read what MATLAB's do, bit for bit (the five MATLAB-written files of Classic5 are
the test). TensorFlow's decoder does so only with `dct_method="INTEGER_ACCURATE"`.
"""

import cv2
import numpy as np

from dual_prior.jpeg.header import read_jpeg_header


def luma(rgb: np.ndarray) -> np.ndarray:
    """The Y channel of MATLAB's `rgb2ycbcr`, on which the paper trains and measures.

    Args:
        rgb: Picture `[H, W, 3]`, uint8, in the order red, green, blue.

    Returns:
        Luma `[H, W]`, uint8 in [16, 235].

    Raises:
        ValueError: `rgb` is not a uint8 picture of three channels.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(
            f"Expected an RGB picture [H, W, 3] of uint8, got {rgb.dtype} "
            f"{list(rgb.shape)}."
        )
    weights = np.array([65.481, 128.553, 24.966]) / 255.0
    return np.round(16.0 + rgb @ weights).astype(np.uint8)


def encode(plane: np.ndarray, quality: int) -> bytes:
    """A one-channel baseline JPEG file of `plane`.

    Args:
        plane: `[H, W]`, uint8.
        quality: libjpeg's quality factor, 1 to 100.

    Raises:
        ValueError: `plane` is not a uint8 plane, or `quality` is out of range.
    """
    if plane.dtype != np.uint8 or plane.ndim != 2:
        raise ValueError(
            f"Expected a plane [H, W] of uint8, got {plane.dtype} {list(plane.shape)}."
        )
    _check_quality(quality)
    _, data = cv2.imencode(".jpg", plane, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return data.tobytes()


def quantization_table(quality: int) -> np.ndarray:
    """The steps `[8, 8]` of `encode`, by vertical, then horizontal frequency.

    Raises:
        ValueError: `quality` is out of range.
    """
    header = read_jpeg_header(encode(np.zeros((8, 8), np.uint8), quality))
    return header.quantization[0].reshape(8, 8)


def decode(data: bytes) -> np.ndarray:
    """The plane `[H, W]`, uint8, of a one-channel JPEG file.

    Raises:
        ValueError: `data` is not a picture that can be decoded.
    """
    plane = None
    if data:  # OpenCV raises an error of its own
        plane = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if plane is None:
        raise ValueError(
            f"Expected a JPEG file, got {len(data)} bytes of another kind."
        )
    return plane


def compress(plane: np.ndarray, quality: int) -> np.ndarray:
    """`plane` as it looks after JPEG: `decode(encode(plane, quality))`.

    Example:
        >>> plane = np.full((8, 8), 100, np.uint8)
        >>> jpeg.compress(plane, quality=10)[0, 0]
        np.uint8(98)
    """
    return decode(encode(plane, quality))


def encode_colour(rgb: np.ndarray, quality: int) -> bytes:
    """A JPEG file of a colour picture, its chroma at half resolution (4:2:0).

    Args:
        rgb: `[H, W, 3]`, uint8, in the order red, green, blue.
        quality: libjpeg's quality factor, 1 to 100.

    Raises:
        ValueError: `quality` is out of range.
    """
    _check_quality(quality)
    settings = [
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ]
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], settings)
    return data.tobytes()


def decode_colour(data: bytes) -> np.ndarray:
    """The picture `[H, W, 3]`, uint8, red, green, blue, of a JPEG file."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(bgr)[..., ::-1])


def compress_colour(rgb: np.ndarray, quality: int) -> np.ndarray:
    """`rgb` as it looks after JPEG: `decode_colour(encode_colour(rgb, quality))`."""
    return decode_colour(encode_colour(rgb, quality))


def _check_quality(quality: int) -> None:
    if not 1 <= quality <= 100:
        raise ValueError(f"Expected a JPEG quality of 1 to 100, got {quality}.")
