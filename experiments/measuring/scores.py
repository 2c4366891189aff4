"""Scores of restored pictures by the paper's protocol, and their tables.

Restored pictures are clipped, rounded to uint8 and measured on the full frame; scores
are means over the pictures of a set. SSIM has two conventions: see
`dual_prior.metrics`.
"""

import csv
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from dual_prior import jpeg
from dual_prior.jpeg.header import read_jpeg_header
from dual_prior.jpeg.projection import HALF_STEP, NARROW, agreement, project
from dual_prior.jpeg.table_plane import UNKNOWN, Tables, tables_of
from dual_prior.restoration.pixels import restore_array
from dual_prior.restoration.self_ensemble import self_ensemble
from dual_prior.restoration.symmetries import SYMMETRIES
from experiments.data import sources
from experiments.measuring import measures
from experiments.measuring.measures import Measure
from experiments.measuring.published import table1
from experiments.measuring.tables import aligned, csv_text

Restore = Callable[[np.ndarray], np.ndarray]  # a picture [H, W] or [H, W, 3] to one

SELF_ENSEMBLE = "self_ensemble"
REACHES = {"consistent": HALF_STEP, "narrow": NARROW}  # of projections, by name
OPTIONS = (*REACHES, SELF_ENSEMBLE)
KEPT = "kept"
_PICTURE_HEADER = ("dataset", "quality", "picture", "method")


@dataclasses.dataclass(frozen=True)
class Score:
    """Means over a data set: one row of the table. None for unknown values.

    Attributes:
        quality: None for pictures that others compressed.
        pictures: How many were measured.
        kept: The share of quantized coefficients that are unchanged when the result is
            encoded again.
        others: By other measures than the paper's, by name.
    """

    dataset: str
    quality: int | None
    method: str
    pictures: int | None
    psnr: float | None
    ssim_uniform: float | None
    ssim_gaussian: float | None
    psnr_b: float | None
    kept: float | None = None
    note: str = ""
    others: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class PictureScore:
    """One picture by one method, by the name of each measure."""

    dataset: str
    quality: int | None
    picture: str
    method: str
    values: dict[str, float]


def evaluate(
    dataset: str,
    quality: int | None,
    pairs: Iterable[tuple[str, np.ndarray, np.ndarray]],
    methods: dict[str, Restore],
    measured_by: dict[str, Measure] | None = None,
) -> list[PictureScore]:
    """Measures every method on each picture of one data set at one quality.

    Args:
        dataset: Its name.
        quality: Of the JPEG, if known.
        pairs: Names, compressed and clean pictures `[H, W]` or `[H, W, 3]`, uint8.
        methods: By name, functions from the compressed picture to the restored one.
        measured_by: By name; the paper's by default.
    """
    if measured_by is None:
        measured_by = measures.find(measures.PAPER)
    rows = []
    for picture, compressed, clean in pairs:
        for name, restore in methods.items():
            restored = restore(compressed)
            values = {n: float(f(clean, restored)) for n, f in measured_by.items()}
            if quality is not None and clean.ndim == 2:
                steps = jpeg.quantization_table(quality)
                values[KEPT] = agreement(restored, compressed, steps)
            rows.append(PictureScore(dataset, quality, picture, name, values))
    return rows


def means(rows: Iterable[PictureScore]) -> list[Score]:
    """The means over the pictures of each data set, quality and method."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        key = (row.dataset, row.quality, row.method)
        groups.setdefault(key, []).append(row.values)
    scores = []
    for (dataset, quality, method), of_pictures in groups.items():
        values = {
            name: float(np.mean([values[name] for values in of_pictures]))
            for name in of_pictures[0]
        }
        known: dict[str, Any] = {
            name: values.pop(name, None) for name in (*measures.PAPER, KEPT)
        }
        scores.append(
            Score(
                dataset=dataset,
                quality=quality,
                method=method,
                pictures=len(of_pictures),
                others=values,
                **known,
            )
        )
    return scores


def published_scores(dataset: str, quality: int | None) -> list[Score]:
    """Table 1's rows for a data set and quality, SSIM in the column it belongs to."""
    scores = []
    for row in table1():
        if (row.dataset, row.quality) != (dataset, quality):
            continue
        ssim = {row.ssim_window: row.ssim}
        scores.append(
            Score(
                dataset=dataset,
                quality=quality,
                method=f"{row.method} (Table 1)",
                pictures=None,
                psnr=row.psnr,
                ssim_uniform=ssim.get("uniform"),
                ssim_gaussian=ssim.get("gaussian"),
                psnr_b=row.psnr_b,
                note=""
                if row.ssim_window
                else f"SSIM {row.ssim:.4f}, convention not known",
            )
        )
    return scores


_HEADER = (
    "set",
    "QF",
    "method",
    "pictures",
    "PSNR",
    "SSIM uniform",
    "SSIM gaussian",
    "PSNR-B",
    "kept",
    "",
)
_LEFT_ALIGNED = {"set", "method", ""}


def markdown_table(scores: Sequence[Score]) -> str:
    """An aligned Markdown table: measured figures to four decimals, Table 1's as is."""
    others = _others(scores)
    header = (*_HEADER[:-1], *others, _HEADER[-1])
    numbers = [i for i, name in enumerate(header) if name not in _LEFT_ALIGNED]
    return aligned([header, *(_cells(s, others) for s in scores)], right=numbers)


def csv_table(scores: Sequence[Score]) -> str:
    """The scores as CSV, unrounded."""
    names = [field.name for field in dataclasses.fields(Score)][:-1]
    others = _others(scores)
    rows = [
        [getattr(score, name) for name in names] + [score.others.get(n) for n in others]
        for score in scores
    ]
    return csv_text([*names, *others], rows)


def picture_csv(rows: Sequence[PictureScore]) -> str:
    """A row for each picture and method as CSV, unrounded; see `read_picture_csv`."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    header = [field.name for field in dataclasses.fields(PictureScore)][:-1]
    cells = [
        [getattr(row, name) for name in header] + [row.values.get(n) for n in names]
        for row in rows
    ]
    return csv_text([*header, *names], cells)


def read_picture_csv(text: str) -> list[PictureScore]:
    """Reads the text that `picture_csv` writes.

    Raises:
        ValueError: The text has another form.
    """
    rows = []
    try:
        for line in csv.DictReader(text.splitlines(), strict=True):
            row = {name: line.pop(name) for name in _PICTURE_HEADER}
            values = {name: float(cell) for name, cell in line.items() if cell != ""}
            text_of_quality = row.pop("quality")
            quality = int(text_of_quality) if text_of_quality else None
            rows.append(PictureScore(quality=quality, values=values, **row))
    except (KeyError, TypeError, ValueError, csv.Error):
        raise ValueError(
            "expected rows as `evaluate` writes them into pictures.csv: "
            f"{', '.join(_PICTURE_HEADER)}, and measures."
        ) from None
    return rows


def _others(scores: Sequence[Score]) -> list[str]:
    return list(dict.fromkeys(name for score in scores for name in score.others))


def _cells(score: Score, others: Sequence[str]) -> tuple[str, ...]:
    decimals = 2 if "Table 1" in score.method else 4

    def number(value, decimals):
        return "" if value is None else f"{value:.{decimals}f}"

    return (
        score.dataset,
        number(score.quality, 0),
        score.method,
        number(score.pictures, 0),
        number(score.psnr, decimals),
        number(score.ssim_uniform, 4),
        number(score.ssim_gaussian, 4),
        number(score.psnr_b, decimals),
        number(score.kept, 4),
        *(number(score.others.get(name), 4) for name in others),
        score.note,
    )


def methods(
    name: str,
    network: Callable,
    channels: int,
    also: Sequence[str],
    quality: int | None,
    tables: Tables | None = None,
) -> dict[str, Restore]:
    """The methods of a network by name: itself, and with the options of `also`.

    Args:
        name: Of the network.
        network: Maps `[1, H, W, channels]`, float32 in [0, 1], to the same.
        also: Some of `OPTIONS`.
        quality: Of the JPEG; projections need it.
        tables: Of the JPEG, if the network takes them as well.
    """

    steps = None if quality is None else jpeg.quantization_table(quality)

    def rounded(restore: Restore, compressed: np.ndarray) -> np.ndarray:
        return np.round(restore(compressed)).astype(np.uint8)

    def projected(
        restore: Restore, steps: np.ndarray, reach: float, compressed: np.ndarray
    ) -> np.ndarray:
        plane = project(restore(compressed), compressed, steps, reach)
        return np.round(plane).astype(np.uint8)

    functions: dict[str, Callable] = {name: network}
    if SELF_ENSEMBLE in also:
        functions[f"{name}, {SELF_ENSEMBLE}"] = self_ensemble([network] * SYMMETRIES)
    found: dict[str, Restore] = {}
    for label, function in functions.items():
        restore = _Restored(function, channels, tables)
        found[label] = functools.partial(rounded, restore)
        for option, reach in REACHES.items():
            if option in also and steps is not None:
                found[f"{label}, {option}"] = functools.partial(
                    projected, restore, steps, reach
                )
    return found


def tables_at(quality: int | None, colour: bool) -> Tables:
    """Those of the JPEG files of the protocol: see `read_pairs`."""
    if quality is None:
        return UNKNOWN
    picture = np.zeros((16, 16, 3) if colour else (8, 8), np.uint8)
    encode = jpeg.encode_colour if colour else jpeg.encode
    return tables_of(read_jpeg_header(encode(picture, quality)))


class _Restored:
    """Restores a plane, and caches the last result, which two methods use.

    The result has 16 bits: a projection needs values that were not rounded to 8.
    """

    def __init__(self, function: Callable, channels: int, tables: Tables | None):
        self._function, self._channels, self._tables = function, channels, tables
        self._compressed: np.ndarray | None = None

    def __call__(self, compressed: np.ndarray) -> np.ndarray:
        if self._compressed is not compressed:
            deep = restore_array(
                compressed,
                self._function,
                self._channels,
                dtype=np.uint16,
                tables=self._tables,
            )
            self._compressed, self._restored = compressed, deep / 257
        return self._restored


def read_pairs(
    pictures: Sequence, quality: int | None, crop: int | None = None, *, colour=False
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Names, compressed and clean pictures, `[H, W]` or in colour `[H, W, 3]`, uint8.

    Args:
        pictures: Clean ones; pairs where they come compressed.
        quality: To compress at; None where they come compressed.
        crop: Side of the part that is taken of those; see `sources.read_pairs`.
        colour: RGB, compressed by OpenCV at 4:2:0, in place of luma.
    """
    if quality is None:
        pairs = sources.read_pairs(pictures, crop, colour=colour)
        for (picture, _), pair in zip(pictures, pairs, strict=True):
            yield picture.name, *pair
        return
    for picture in pictures:
        if colour:
            clean = picture.rgb()
            yield picture.name, jpeg.compress_colour(clean, quality), clean
        else:
            clean = picture.luma()
            yield picture.name, jpeg.compress(clean, quality), clean
