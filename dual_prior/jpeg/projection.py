"""Projection onto the pictures that a JPEG file may have been made from.

The encoder divided each coefficient of each block by its step and rounded. So the
original's coefficient lies within half a step of the stored value: in its cell. A
restored coefficient outside is wrong. The DCT of a block is orthonormal, so clipping
each coefficient to its cell is the projection onto the pictures that the file may have
been made from. It never moves a picture away from the original.

A coefficient outside of its cell rarely belongs exactly at the border. On average the
error is smaller after clipping to narrower bounds, a little within (Park and Kim,
"Theory of projection onto the narrow quantization constraint set and its application",
1999).
"""

import numpy as np

from dual_prior.jpeg.coefficients import Coefficients
from dual_prior.jpeg.ycc import to_rgb, to_ycc

# Largest distance of a coefficient from the stored value, in steps. Narrow is ours: of
# 0.35, 0.4, 0.44, 0.47 and 0.5 the best for `compact` on held-out pictures; `photo`
# gains by it, too.
HALF_STEP = 0.5
NARROW = 0.4

_BLOCK = 8
_LEVEL = 128  # what the encoder subtracts before the DCT
_WHITE = 255
_ROUNDS = 3  # ours: clipped to cells, and to black and white, in turn


def _dct_matrix() -> np.ndarray:
    """The orthonormal DCT-II of eight samples: coefficients = matrix @ samples."""
    frequency, sample = np.mgrid[:_BLOCK, :_BLOCK]
    matrix = np.cos(np.pi * (2 * sample + 1) * frequency / (2 * _BLOCK))
    matrix[0] /= np.sqrt(2)
    return matrix * np.sqrt(2 / _BLOCK)


DCT = _dct_matrix()


def project(
    restored: np.ndarray,
    compressed: np.ndarray,
    table: np.ndarray,
    reach: float = HALF_STEP,
) -> np.ndarray:
    """The picture closest to `restored` that the JPEG may have been made from.

    Args:
        restored: Plane `[H, W]`, grey levels of 0 to 255, of any real dtype.
        compressed: The decoded JPEG `[H, W]`, uint8; blocks start at its top left.
        table: Steps of its quantization `[8, 8]`, by vertical, then horizontal
            frequency.
        reach: Largest distance from the stored value, in steps: `HALF_STEP` for the
            whole cell, or less, as `NARROW`.

    Returns:
        `[H, W]`, float64, in [0, 255]. Blocks that are cut off at the right and bottom
        do not change, nor do those that touch black or white: the decoder may have
        clipped them, so their stored values are unknown.
    """
    result = restored.astype(np.float64)
    before = blocks_of(restored).astype(np.float64)
    _clip(result, _quantized(compressed, table), table, reach)
    keep = _touches_black_or_white(compressed)[..., None, None]
    blocks_of(result)[...] = np.where(keep, before, blocks_of(result))
    return np.clip(result, 0, _WHITE)


def project_picture(
    restored: np.ndarray,
    held: Coefficients,
    top: int = 0,
    reach: float = NARROW,
) -> np.ndarray:
    """The picture that a JPEG file may have been made from, close to `restored`.

    Chroma is projected at its own resolution: the encoder transformed the mean of the
    pixels that share a sample. Projections onto the cells and onto the range from black
    to white alternate, `_ROUNDS` times, and end with the range, so cells may be
    exceeded a little.

    Args:
        restored: Luma `[h, W, 1]`, or red, green, blue `[h, W, 3]`; grey levels of 0 to
            255, float32.
        held: The coefficients of the file.
        top: The first of its rows, where blocks of all components begin.
        reach: As for `project`.

    Returns:
        Shaped like `restored`, float32, in [0, 255]. Blocks that are cut off at the
        right and bottom do not change: the rest of their input is unknown.
    """
    is_grey = restored.shape[-1] == 1
    pixels = restored
    for _ in range(_ROUNDS):
        planes = pixels.copy() if is_grey else to_ycc(pixels)
        clip_planes(planes, held, top, reach)
        inside = planes if is_grey else to_rgb(planes)
        pixels = np.clip(inside, 0, _WHITE)
        if np.array_equal(pixels, inside):
            break
    return pixels


def clip_planes(
    planes: np.ndarray, held: Coefficients, top: int = 0, reach: float = NARROW
) -> None:
    """Projects planes onto the cells, in place, whatever black and white allow.

    Args:
        planes: Luma `[h, W, 1]`, or Y, Cb, Cr `[h, W, 3]`; grey levels, float32.
        held, top, reach: As for `project_picture`.
    """
    for channel in range(planes.shape[-1]):
        quantized = held.quantized[channel]
        if quantized is None:
            continue
        rows, columns = held.sampling if channel else (1, 1)
        _clip_samples(
            planes[..., channel],
            quantized[top // (_BLOCK * rows) :],
            held.steps[channel],
            (rows, columns),
            reach,
        )


def samples_of(planes: np.ndarray, sampling: tuple[int, int]) -> np.ndarray:
    """The means of the pixels that share a sample, as an encoder makes them.

    Args:
        planes: `[H, W, ...]`, whose sides are multiples of `sampling`.
        sampling: Rows and columns that share a sample.
    """
    rows, columns = sampling
    # Faster than a mean over short axes.
    parts = [planes[i::rows, j::columns] for i in range(rows) for j in range(columns)]
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total / total.dtype.type(len(parts))


def agreement(restored: np.ndarray, compressed: np.ndarray, table: np.ndarray) -> float:
    """The share of quantized coefficients that are unchanged when encoded again.

    Args:
        restored: Plane `[H, W]`, uint8, as it would be encoded.
        compressed, table: As for `project`.

    Returns:
        0 to 1, over the blocks that `project` changes; NaN if there are none.
    """
    same = _quantized(restored, table) == _quantized(compressed, table)
    compared = same[~_touches_black_or_white(compressed)]
    return float(np.mean(compared)) if compared.size else float("nan")


def _clip_samples(plane, quantized, steps, sampling, reach) -> None:
    """Clips the samples that an encoder would make of a plane, in place.

    Pixels that share a sample change alike: the smallest change that has that mean.
    """
    rows, columns = sampling
    height, width = (
        side // (_BLOCK * shared) * shared * _BLOCK
        for side, shared in zip(plane.shape, sampling, strict=True)
    )
    whole = plane[:height, :width]
    samples = samples_of(whole, sampling)
    clipped = samples.copy()
    _clip(clipped, quantized, steps, reach)
    change = clipped - samples
    for row in range(rows):
        for column in range(columns):
            whole[row::rows, column::columns] += change


def _clip(plane, quantized, steps, reach) -> None:
    """Clips the coefficients of the whole blocks of a plane of floats, in place."""
    blocks = blocks_of(plane)
    rows, columns = blocks.shape[:2]
    held = quantized[:rows, :columns].astype(plane.dtype)
    steps = steps.astype(plane.dtype)
    bounded = np.clip(forward(blocks), (held - reach) * steps, (held + reach) * steps)
    blocks[...] = backward(bounded)


def blocks_of(plane: np.ndarray) -> np.ndarray:
    """The whole blocks `[H // 8, W // 8, 8, 8]`: a view of `plane`."""
    rows, columns = (side // _BLOCK for side in plane.shape)
    whole = plane[: rows * _BLOCK, : columns * _BLOCK]
    return whole.reshape(rows, _BLOCK, columns, _BLOCK, copy=False).swapaxes(1, 2)


def _quantized(plane: np.ndarray, table: np.ndarray) -> np.ndarray:
    return np.round(forward(blocks_of(plane).astype(np.float64)) / table)


def forward(blocks: np.ndarray) -> np.ndarray:
    """Coefficients of blocks `[..., 8, 8]` of grey levels, in their dtype."""
    matrix = DCT.astype(blocks.dtype)
    return matrix @ (blocks - blocks.dtype.type(_LEVEL)) @ matrix.T


def backward(coefficients: np.ndarray) -> np.ndarray:
    """The inverse of `forward`."""
    matrix = DCT.astype(coefficients.dtype)
    return matrix.T @ coefficients @ matrix + coefficients.dtype.type(_LEVEL)


def _touches_black_or_white(compressed: np.ndarray) -> np.ndarray:
    blocks = blocks_of(compressed)
    return np.any((blocks == 0) | (blocks == 255), axis=(-2, -1))
