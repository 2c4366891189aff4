"""Traces of JPEG compression in decoded pixels: how strong it was, and on which grid.

A coefficient that was quantized with a step s lies near a multiple of s, but only in
the blocks of the compression, on one of the 64 grids of a picture. Of the n
coefficients c of at least half a step in the blocks of a grid,

    score = sum over c of cos(2 pi c / s) / sqrt(n / 2)

is about normally distributed, of variance 1, where they were not quantized so, and near
sqrt(2 n) where they were. Steps are libjpeg's and mozjpeg's of each quality; those of
other encoders are near enough to one of them to find their grid.

What a trace is good for:

- Networks are trained on pictures that begin with a block. On others, as crops of a
  JPEG that were stored as PNG, they lose half a decibel.
- Where a picture was compressed before its last compression, and more coarsely,
  `undone` gives back what the first one left: each coefficient goes to the nearest
  multiple.

Source: periodicity of coefficients over all grids, as Bianchi and Piva, "Detection of
nonaligned double JPEG compression based on integer periodicity maps", IEEE TIFS 2012,
detect forgeries.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dual_prior.jpeg.header import LUMA_TABLES, of_qualities
from dual_prior.jpeg.projection import DCT, backward, blocks_of, forward
from dual_prior.jpeg.table_plane import UNKNOWN, Tables, of_luma
from dual_prior.jpeg.ycc import YCC_FROM_RGB, luma_of

_BLOCK = 8
_GRIDS = _BLOCK**2

# Luma's table of quality 50 that mozjpeg takes by default, row by row.
_MOZJPEG_TABLE = np.array(
    [
        *(16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75),
        *(16, 20, 24, 31, 43, 62, 91, 135, 18, 27, 31, 40, 53, 74, 106, 156),
        *(25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238),
        *(56, 53, 91, 106, 131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418),
    ]
)

# All numbers below are ours.
_QUALITIES = range(5, 97)  # above 96 hardly anything was lost
_TABLES = np.concatenate(
    [
        tables[_QUALITIES.start - 1 : _QUALITIES.stop - 1]
        for tables in (LUMA_TABLES, of_qualities(_MOZJPEG_TABLE))
    ]
)  # [Q, 8, 8]
_LOWEST = 4  # frequencies in each direction
_FREQUENCIES = [
    (u, v) for u in range(_LOWEST) for v in range(_LOWEST) if 0 < u + v <= _LOWEST
]
_WIDTH, _BINS = 0.25, 1024  # of the histograms of |c|, grey levels
_LEAST_MARGIN = 6.0  # of the score over that of the next best grid
_LEAST_MARGIN_UNFIT = 20.0  # the same where no table fits: in clean drawings up to 16
_NEAR = 1.7  # the largest ratio of other steps that are tried to those of a table
_SURE = 3.0  # the score from which a step of one frequency is believed
_LEAST_FIT = 0.85
_COARSER = 1.2  # the least ratio of the steps of an earlier compression to the last
_COARSER_ON_GRID = 3.0  # the same where its blocks are those of the last
_LEAST_NEARNESS_ON_GRID = 0.5

_PART = 256  # pixels: the side of the parts of a large picture


@dataclasses.dataclass(frozen=True)
class Trace:
    """A compression that has left its trace in pixels.

    Attributes:
        quality: Whose table fits best, of libjpeg or mozjpeg.
        table: Luma's steps, `[8, 8]`.
        origin: Row and column of a block at which the picture begins, 0 to 7.
        margin: Of the score over that of the next best grid.
        nearness: The mean cosine, over all frequencies.
        fit: That relative to the one of the best step of each frequency: about 1 if it
            is the right table, mostly below 0.8 if the encoder has others.
        is_last: Whether no other compression came after it.
    """

    quality: int
    table: np.ndarray = dataclasses.field(compare=False)
    origin: tuple[int, int]
    margin: float
    nearness: float
    fit: float
    is_last: bool

    def __str__(self) -> str:
        return f"compressed before at quality about {self.quality}"

    @property
    def facts(self) -> dict:
        """Its quality, origin, margin and fit, by name, rounded."""
        return {
            "quality": self.quality,
            "origin": list(self.origin),
            "margin": round(self.margin, 1),
            "fit": round(self.fit, 2),
        }

    @property
    def tables(self) -> Tables:
        """Luma's table, if it fits, and how it lies on the picture."""
        if self.fit < _LEAST_FIT:
            return dataclasses.replace(UNKNOWN, origin=self.origin)
        return of_luma(self.table, self.origin)


def find_trace(image: np.ndarray, last: Tables = UNKNOWN) -> Trace | None:
    """The trace of compression in a picture; None if there is none.

    Args:
        image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8 or uint16. Of a large
            one, nine parts are examined.
        last: The tables of the JPEG file, if it is one.

    Returns:
        If there are several compressions, one before the last that was coarser, whose
        table fits, and, unless it was much coarser, that had its blocks elsewhere;
        otherwise, if `last` is not known, the last one.
    """
    parts = [luma_of(part) for part in spread_parts(image)]
    scores = _scores(functools.reduce(np.add, map(_histograms, parts)))
    trace = None
    if not last.steps[0].any():
        trace = _best(scores, parts, is_last=True)
        if trace is None:
            return None
        last = of_luma(trace.table, trace.origin)
    scores[~are_coarser(_TABLES, last.steps[0])] = 0
    # On the last one's grid, multiples of its steps are near those of others, too.
    row, column = (-start % _BLOCK for start in last.origin)
    is_alike = ~are_coarser(_TABLES, last.steps[0], _COARSER_ON_GRID)
    scores[is_alike, row * _BLOCK + column] = -np.inf
    first = _best(scores, parts, is_last=False)
    return first if first and _is_earlier(first, last) else trace


def _is_earlier(first: Trace, last: Tables) -> bool:
    """Whether a trace is that of a compression that came before the last."""
    is_on_grid = all(
        (start - of_last) % _BLOCK == 0
        for start, of_last in zip(first.origin, last.origin, strict=True)
    )
    if is_on_grid and first.nearness < _LEAST_NEARNESS_ON_GRID:
        return False
    ratio = _COARSER_ON_GRID if is_on_grid else _COARSER
    is_coarser = are_coarser(first.table, last.steps[0], ratio)
    return bool(is_coarser) and first.fit >= _LEAST_FIT


def _best(scores: np.ndarray, parts: list[np.ndarray], is_last: bool) -> Trace | None:
    """The trace with the largest margin; `scores` are `[Q, 64]`."""
    best = np.partition(scores, _GRIDS - 2, axis=1)[:, -2:]
    margins = best[:, 1] - best[:, 0]
    index = int(np.argmax(margins))
    if margins[index] < _LEAST_MARGIN:
        return None
    row, column = divmod(int(np.argmax(scores[index])), _BLOCK)
    index, nearness, fit = _fitted(parts, row, column)
    quality = _QUALITIES[index % len(_QUALITIES)]
    origin = -row % _BLOCK, -column % _BLOCK
    margin = float(margins.max())
    if fit < _LEAST_FIT and margin < _LEAST_MARGIN_UNFIT:
        return None
    return Trace(quality, _TABLES[index], origin, margin, nearness, fit, is_last)


def _fitted(parts: list[np.ndarray], row: int, column: int) -> tuple[int, float, float]:
    """Which table fits all frequencies of a grid best, its nearness, and its fit."""
    counts = np.zeros((_BLOCK**2, _BINS), np.float32)
    for part in parts:
        blocks = forward(blocks_of(part[row:, column:])).reshape(-1, _BLOCK**2)
        for frequency in range(1, _BLOCK**2):
            bins = _bins(blocks[:, frequency])
            counts[frequency] += np.bincount(bins, minlength=_BINS)
    steps = np.arange(1, 256)
    cosines, counted = _waves()
    sums, numbers = counts @ cosines.T, counts @ counted.T  # [64, 255]
    frequencies = np.arange(_BLOCK**2)

    def of_all(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sums and numbers of all frequencies of each table."""
        at = frequencies, tables - 1
        return sums[at].sum(axis=-1), np.maximum(numbers[at].sum(axis=-1), 1)

    def mean(table: np.ndarray) -> float:
        total, number = of_all(table)
        return float(total / number)

    tables = _TABLES.reshape(-1, _BLOCK**2)
    total, number = of_all(tables)
    index = int(np.argmax(total / np.sqrt(number)))
    table = tables[index]
    scores = sums / np.sqrt(np.maximum(numbers, 1) / 2)
    is_near = np.abs(np.log(steps / table[:, None])) < np.log(_NEAR)
    free = steps[np.argmax(np.where(is_near, scores, -np.inf), axis=1)]
    is_sure = scores[frequencies, free - 1] >= _SURE
    best = mean(np.where(is_sure, free, table))
    return index, mean(table), mean(table) / max(best, 1e-6)


def undone(y: np.ndarray, tables: Tables, skipped: Sequence[int]) -> np.ndarray:
    """A picture as an earlier compression left it, without what came after that.

    Args:
        y: `[1, H, W, C]`, luma or red, green and blue, float32 in [0, 1]; it begins
            with a block.
        tables: Of the earlier compression, as they lie on `y`.
        skipped: Rows and columns of the first blocks that are not the picture's; those
            blocks stay as they are.

    Returns:
        Shaped like `y`: luma's coefficients are multiples of their steps.
    """
    top, left = (_BLOCK * (number > 0) for number in skipped)
    inner = y[0, top:, left:]
    luma = 255 * (inner[..., 0] if y.shape[-1] == 1 else inner @ YCC_FROM_RGB[0])
    steps = tables.steps[0].astype(np.float32)
    blocks = blocks_of(luma)
    before = luma.copy()
    blocks[...] = backward(np.rint(forward(blocks) / steps) * steps)
    luma = np.clip(luma, 0, 255)
    result = y.copy()
    result[0, top:, left:] += (luma - before)[..., None] / np.float32(255)
    return result


def are_coarser(
    tables: np.ndarray, last: np.ndarray, ratio: float = _COARSER
) -> np.ndarray:
    """Whether steps are larger than the last ones by a ratio, on the average.

    Args:
        tables: `[..., 8, 8]`.
        last: `[8, 8]`.
        ratio: The least one; by default that of an earlier compression that counts.

    Returns:
        `[...]`, bool.
    """
    known = np.where(last > 0, last, tables)  # damaged files have steps of zero
    return np.log(tables / known).mean(axis=(-2, -1)) >= np.log(ratio)


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


def _histograms(luma: np.ndarray) -> np.ndarray:
    """How many blocks have which |c|, by grid and frequency, `[64, F, _BINS]`."""
    if min(luma.shape) < _BLOCK:
        return np.zeros((_GRIDS, len(_FREQUENCIES), _BINS), np.float32)
    # The lowest coefficients of all possible blocks, and the grids that these are on.
    low = DCT[:_LOWEST].T.astype(np.float32)
    of_all = sliding_window_view(luma, _BLOCK, axis=0) @ low  # [rows, columns, u]
    of_all = sliding_window_view(of_all, _BLOCK, axis=1) @ low  # [rows, columns, u, v]
    rows, columns = (np.arange(side) % _BLOCK for side in of_all.shape[:2])
    grid = _BLOCK * rows[:, None] + columns
    counts = np.empty((_GRIDS, len(_FREQUENCIES), _BINS), np.float32)
    for index, (u, v) in enumerate(_FREQUENCIES):
        bins = _bins(of_all[..., u, v]) + _BINS * grid
        of_bins = np.bincount(bins.ravel(), minlength=_GRIDS * _BINS)
        counts[:, index] = of_bins.reshape(_GRIDS, _BINS)
    return counts


def _bins(coefficients: np.ndarray) -> np.ndarray:
    sizes = np.rint(np.abs(coefficients) / np.float32(_WIDTH))
    return np.minimum(sizes, _BINS - 1).astype(np.int64)


def _scores(counts: np.ndarray) -> np.ndarray:
    """The score of each quality and grid, `[Q, 64]`."""
    cosines, counted = _waves_of_tables()
    flat = counts.reshape(_GRIDS, -1).T
    return (cosines @ flat) / np.sqrt(np.maximum(counted @ flat, 1) / 2)


@functools.cache
def _waves_of_tables() -> tuple[np.ndarray, np.ndarray]:
    """`_waves` of the steps of all tables, `[Q, F * _BINS]`."""
    at = [_BLOCK * u + v for u, v in _FREQUENCIES]
    steps = _TABLES.reshape(-1, _BLOCK**2)[:, at]
    cosines, counted = (waves[steps - 1] for waves in _waves())
    return cosines.reshape(len(steps), -1), counted.reshape(len(steps), -1)


@functools.cache
def _waves() -> tuple[np.ndarray, np.ndarray]:
    """The cosine of each bin, and whether it is counted, by step, `[255, _BINS]`."""
    sizes = _WIDTH * np.arange(_BINS)
    steps = np.arange(1, 256)[:, None]
    is_counted = (sizes >= steps / 2) & (np.arange(_BINS) < _BINS - 1)
    cosines = np.where(is_counted, np.cos(2 * np.pi * sizes / steps), 0)
    return cosines.astype(np.float32), is_counted.astype(np.float32)
