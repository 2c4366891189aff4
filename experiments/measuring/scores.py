"""Scores of restored pictures by the paper's protocol, and their tables.

Restored luma is clipped, rounded to uint8 and measured on the full frame; scores are
means over the pictures of a set. SSIM has two conventions: see `dual_prior.metrics`.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from dual_prior import jpeg, metrics
from dual_prior.jpeg.projection import HALF_STEP, NARROW, agreement, project
from dual_prior.restoration.pixels import restore_array
from dual_prior.restoration.self_ensemble import self_ensemble
from dual_prior.restoration.symmetries import SYMMETRIES
from experiments.data import sources
from experiments.measuring.published import table1
from experiments.measuring.tables import aligned, csv_text

Restore = Callable[[np.ndarray], np.ndarray]  # a plane [H, W] to a plane

SELF_ENSEMBLE = "self_ensemble"
REACHES = {"consistent": HALF_STEP, "narrow": NARROW}  # of projections, by name
OPTIONS = (*REACHES, SELF_ENSEMBLE)


@dataclasses.dataclass(frozen=True)
class Score:
    """Means over a data set: one row of the table. None where nothing is known.

    Attributes:
        quality: None for pictures that others compressed.
        pictures: How many were measured.
        kept: The share of quantized coefficients that come out as before when the
            result is encoded again.
    """

    dataset: str
    quality: int | None
    method: str
    pictures: int | None
    psnr: float
    ssim_uniform: float | None
    ssim_gaussian: float | None
    psnr_b: float
    kept: float | None = None
    note: str = ""


_MEASURES = ("psnr", "ssim_uniform", "ssim_gaussian", "psnr_b")


def measure(reference: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """PSNR, SSIM uniform, SSIM gaussian, PSNR-B of two uint8 planes `[H, W]`."""
    return np.array(
        [
            metrics.psnr(reference, restored),
            metrics.ssim(reference, restored, "uniform"),
            metrics.ssim(reference, restored, "gaussian"),
            metrics.psnr_b(reference, restored),
        ]
    )


def evaluate(
    dataset: str,
    quality: int | None,
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
    methods: dict[str, Restore],
) -> list[Score]:
    """Measures every method on one data set at one quality.

    Args:
        dataset: Its name.
        quality: Of the JPEG, if known.
        pairs: Compressed and clean planes `[H, W]`, uint8.
        methods: By name, what maps the compressed plane to the restored one.
    """
    measured: dict[str, list] = {name: [] for name in methods}
    kept: dict[str, list] = {name: [] for name in methods}
    for compressed, clean in pairs:
        for name, restore in methods.items():
            restored = restore(compressed)
            measured[name].append(measure(clean, restored))
            if quality is not None:
                steps = jpeg.quantization_table(quality)
                kept[name].append(agreement(restored, compressed, steps))
    return [
        Score(
            dataset=dataset,
            quality=quality,
            method=name,
            pictures=len(rows),
            kept=float(np.mean(kept[name])) if kept[name] else None,
            **dict(zip(_MEASURES, np.mean(rows, axis=0).tolist(), strict=True)),
        )
        for name, rows in measured.items()
    ]


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
    numbers = [i for i, name in enumerate(_HEADER) if name not in _LEFT_ALIGNED]
    return aligned([_HEADER, *map(_cells, scores)], right=numbers)


def csv_table(scores: Sequence[Score]) -> str:
    """The scores as CSV, unrounded."""
    names = [field.name for field in dataclasses.fields(Score)]
    return csv_text(names, map(dataclasses.astuple, scores))


def _cells(score: Score) -> tuple[str, ...]:
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
        score.note,
    )


def methods(
    name: str,
    network: Callable,
    channels: int,
    also: Sequence[str],
    quality: int | None,
) -> dict[str, Restore]:
    """What is measured of a network, by name: itself, and with the options of `also`.

    Args:
        name: Of the network.
        network: Maps `[1, H, W, channels]`, float32 in [0, 1], to the same.
        also: Some of `OPTIONS`.
        quality: Of the JPEG; nothing can be projected without it.
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
        restore = _Restored(function, channels)
        found[label] = functools.partial(rounded, restore)
        for option, reach in REACHES.items():
            if option in also and steps is not None:
                found[f"{label}, {option}"] = functools.partial(
                    projected, restore, steps, reach
                )
    return found


class _Restored:
    """A plane restored, unrounded; the last one is remembered: two methods ask for it.

    It has 16 bits: what is projected must not have been rounded before.
    """

    def __init__(self, function: Callable, channels: int):
        self._function, self._channels = function, channels
        self._compressed: np.ndarray | None = None

    def __call__(self, compressed: np.ndarray) -> np.ndarray:
        if self._compressed is not compressed:
            deep = restore_array(
                compressed, self._function, self._channels, dtype=np.uint16
            )
            self._compressed, self._restored = compressed, deep / 257
        return self._restored


def read_pairs(
    pictures: Iterable, quality: int | None, crop: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Compressed and clean luma `[H, W]`, uint8, of pictures.

    Args:
        pictures: Clean ones; pairs where they come compressed.
        quality: To compress at; None where they come compressed.
        crop: Side of the part that is taken of those; see `sources.read_pairs`.
    """
    if quality is None:
        yield from sources.read_pairs(pictures, crop)
        return
    for picture in pictures:
        clean = picture.luma()
        yield jpeg.compress(clean, quality), clean
