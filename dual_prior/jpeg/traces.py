"""Traces of JPEG compression in decoded pixels: how strong it was, and on which grid.

A coefficient that was quantized with a step s lies near a multiple of s, but only in
the blocks of the compression, on one of the 64 grids of a picture. Of the n
coefficients c of at least half a step in the blocks of a grid,

    score = sum over c of cos(2 pi c / s) / sqrt(n / 2)

is about normally distributed, of variance 1, where they were not quantized so, and near
sqrt(2 n) where they were. Steps are libjpeg's of each quality; those of other encoders
are near enough to one of them.

Networks are trained on pictures that begin with a block. On others they lose half a
decibel, unless they are told where blocks begin.

Source: periodicity of coefficients over all grids, as Bianchi and Piva, "Detection of
nonaligned double JPEG compression based on integer periodicity maps", IEEE TIFS 2012,
detect forgeries.
"""

import dataclasses
import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dual_prior.jpeg.header import LUMA_TABLES
from dual_prior.jpeg.projection import DCT
from dual_prior.jpeg.table_plane import UNKNOWN, Tables
from dual_prior.jpeg.ycc import luma_of

_BLOCK = 8
_GRIDS = _BLOCK**2

# All numbers are ours.
_QUALITIES = range(5, 97)  # above 96 hardly anything was lost
_LOWEST = 4  # frequencies in each direction
_FREQUENCIES = [
    (u, v) for u in range(_LOWEST) for v in range(_LOWEST) if 0 < u + v <= _LOWEST
]
_WIDTH, _BINS = 0.25, 1024  # of the histograms of |c|, grey levels
_LEAST_MARGIN = 6.0  # of the score over that of the next best grid
_COARSER = 1.2  # the least ratio of the steps of an earlier compression to the last

_PART = 256  # pixels: the side of the parts of a large picture


@dataclasses.dataclass(frozen=True)
class Trace:
    """A compression that has left its trace in pixels.

    Attributes:
        quality: Whose tables of libjpeg fit best.
        origin: Row and column of a block at which the picture begins, 0 to 7.
        margin: Of the score over that of the next best grid.
    """

    quality: int
    origin: tuple[int, int]
    margin: float

    def __str__(self) -> str:
        return f"compressed before at quality about {self.quality}"

    @property
    def tables(self) -> Tables:
        """Luma's table, as it lies on the picture; those of chroma are not known."""
        steps = UNKNOWN.steps.copy()
        steps[0] = LUMA_TABLES[self.quality - 1]
        return Tables(steps, origin=self.origin)


def find_trace(image: np.ndarray, last: Tables = UNKNOWN) -> Trace | None:
    """The trace of compression in a picture; None if there is none.

    Args:
        image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8 or uint16. Of a large
            one, nine parts are examined.
        last: The tables of the JPEG file, if it is one.

    Returns:
        If there are several compressions, one before the last that was coarser and had
        its blocks elsewhere.
    """
    counts = sum(_histograms(luma_of(part)) for part in spread_parts(image))
    scores = _scores(counts)
    trace = _best(scores, last)
    if trace is None or last.steps[0].any():
        return trace
    return _best(scores, trace.tables) or trace


def _best(scores: np.ndarray, last: Tables) -> Trace | None:
    """The trace with the largest margin; `scores` are `[Q, 64]`."""
    if last.steps[0].any():
        row, column = (-start % _BLOCK for start in last.origin)
        scores = scores.copy()
        scores[:, row * _BLOCK + column] = -np.inf
        scores[~are_coarser(LUMA_TABLES[_slice()], last.steps[0])] = 0
    best = np.partition(scores, _GRIDS - 2, axis=1)[:, -2:]
    margins = best[:, 1] - best[:, 0]
    index = int(np.argmax(margins))
    if margins[index] < _LEAST_MARGIN:
        return None
    row, column = divmod(int(np.argmax(scores[index])), _BLOCK)
    origin = -row % _BLOCK, -column % _BLOCK
    return Trace(_QUALITIES[index], origin, float(margins[index]))


def are_coarser(tables: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Whether steps are a fifth larger than the last ones or more, on the average.

    Args:
        tables: `[..., 8, 8]`.
        last: `[8, 8]`.

    Returns:
        `[...]`, bool.
    """
    return np.log(tables / last).mean(axis=(-2, -1)) >= np.log(_COARSER)


def spread_parts(image: np.ndarray) -> list[np.ndarray]:
    """Nine parts of a large picture, which begin on one grid; or all of a small one."""
    height, width = image.shape[:2]
    if max(height, width) <= 3 * _PART:
        return [image]

    def starts(side: int) -> list[int]:
        last = max(0, side - _PART)
        return [last * i // 2 // _BLOCK * _BLOCK for i in range(3)]

    return [
        image[top : top + _PART, left : left + _PART]
        for top in starts(height)
        for left in starts(width)
    ]


def _slice() -> slice:
    return slice(_QUALITIES.start - 1, _QUALITIES.stop - 1)


def _histograms(luma: np.ndarray) -> np.ndarray:
    """How many blocks have which |c|, by grid and frequency, `[64, F, _BINS]`."""
    if min(luma.shape) < _BLOCK:
        return np.zeros((_GRIDS, len(_FREQUENCIES), _BINS))
    # The lowest coefficients of all possible blocks, and the grids that these are on.
    low = DCT[:_LOWEST].T.astype(np.float32)
    of_all = sliding_window_view(luma, _BLOCK, axis=0) @ low  # [rows, columns, u]
    of_all = sliding_window_view(of_all, _BLOCK, axis=1) @ low  # [rows, columns, u, v]
    rows, columns = (np.arange(side) % _BLOCK for side in of_all.shape[:2])
    grid = _BLOCK * rows[:, None] + columns
    counts = []
    for u, v in _FREQUENCIES:
        bins = np.rint(np.abs(of_all[..., u, v]) / np.float32(_WIDTH))
        bins = np.minimum(bins, _BINS - 1).astype(np.int64) + _BINS * grid
        counts.append(np.bincount(bins.ravel(), minlength=_GRIDS * _BINS))
    return np.reshape(counts, (-1, _GRIDS, _BINS)).swapaxes(0, 1)


def _scores(counts: np.ndarray) -> np.ndarray:
    """The score of each quality and grid, `[Q, 64]`."""
    cosines, counted = _waves()
    flat = counts.reshape(_GRIDS, -1).T
    return (cosines @ flat) / np.sqrt(np.maximum(counted @ flat, 1) / 2)


@functools.cache
def _waves() -> tuple[np.ndarray, np.ndarray]:
    """The cosine of each bin, and whether it is counted, `[Q, F * _BINS]`."""
    size = _WIDTH * np.arange(_BINS)
    tables = LUMA_TABLES[_slice()]
    steps = np.stack([tables[:, u, v] for u, v in _FREQUENCIES], axis=1)[..., None]
    counted = (size >= steps / 2) & (np.arange(_BINS) < _BINS - 1)
    cosines = np.where(counted, np.cos(2 * np.pi * size / steps), 0)
    shape = len(tables), -1
    return cosines.reshape(shape), counted.reshape(shape).astype(float)
