"""Measures restored pictures by the paper's protocol, beside its Table 1.

    python -m experiments.evaluate --data_dir=../shared/data --preset=compact
    python -m experiments.evaluate --data_dir=../shared/data            # the JPEG alone
    python -m experiments.evaluate --preset=compact --weights=runs/network-compact/compact.weights.h5 --output=runs/evaluation

Luma (MATLAB's), compressed as a one-channel JPEG, restored, clipped and rounded to
uint8, measured on the full frame, averaged over the pictures of a set. SSIM has two
conventions, which must not be compared: "uniform" (8x8 box; Table 1's rows Proposed and
DCSC) and "gaussian" (11x11, sigma 1.5; its rows ARCNN, TNRD and DnCNN).

With --output, writes evaluation.md and evaluation.csv there.
"""  # noqa: E501

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from dual_prior import jpeg, metrics
from dual_prior.atomic_file import atomic_file
from dual_prior.presets import PRESETS
from experiments import app, configs, data
from experiments.published import table1

_DATA_DIR = flags.DEFINE_string(
    "data_dir", "../shared/data", "Folder that holds classic5, live1 and bsds500/val."
)
_DATASETS = flags.DEFINE_list(
    "datasets", list(data.EVALUATION_SETS), "What to measure on."
)
_QUALITIES = flags.DEFINE_list(
    "qualities", [str(quality) for quality in configs.QUALITIES], "JPEG qualities."
)
_PRESET = flags.DEFINE_enum(
    "preset", None, list(PRESETS), "Network to restore with. Default: the JPEG alone."
)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "A .weights.h5 file. Default: those that ship with the preset."
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the tables.")
_PAPER = flags.DEFINE_bool("paper", True, "Show the rows of the paper's Table 1.")
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Measure on the first pictures of each set only.", lower_bound=1
)


@dataclasses.dataclass(frozen=True)
class Score:
    """Means over a data set: one row of the table. None where nothing is known."""

    dataset: str
    quality: int
    method: str
    psnr: float
    ssim_uniform: float | None
    ssim_gaussian: float | None
    psnr_b: float
    note: str = ""


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
    lumas: Iterable[np.ndarray],
    quality: int,
    methods: dict[str, Callable[[np.ndarray], np.ndarray]],
) -> list[Score]:
    """Measures every method on one data set at one quality.

    Args:
        dataset: Its name.
        lumas: Clean planes `[H, W]`, uint8.
        quality: Of the JPEG.
        methods: By name, what maps the compressed plane to the restored one.
    """
    measured = {name: [] for name in methods}
    for clean in lumas:
        compressed = jpeg.compress(clean, quality)
        for name, restore in methods.items():
            measured[name].append(measure(clean, restore(compressed)))
    return [
        Score(dataset, quality, name, *(float(v) for v in np.mean(rows, axis=0)))
        for name, rows in measured.items()
    ]


def published_scores(dataset: str, quality: int) -> list[Score]:
    """Table 1's rows for a data set and quality, SSIM in the column it belongs to."""
    scores = []
    for row in table1():
        if (row.dataset, row.quality) != (dataset, quality):
            continue
        ssim = {row.ssim_window: row.ssim}
        scores.append(
            Score(
                dataset,
                quality,
                f"{row.method} (Table 1)",
                row.psnr,
                ssim.get("uniform"),
                ssim.get("gaussian"),
                row.psnr_b,
                "" if row.ssim_window else f"SSIM {row.ssim:.4f}, window not stated",
            )
        )
    return scores


_HEADER = ("set", "QF", "method", "PSNR", "SSIM uniform", "SSIM gaussian", "PSNR-B", "")


def markdown_table(scores: Sequence[Score]) -> str:
    """An aligned Markdown table: measured figures to four decimals, Table 1's as is."""
    lines = [_HEADER, *(_cells(score) for score in scores)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADER))]
    aligned = [
        "| "
        + " | ".join(
            cell.ljust(width) if i in (0, 2, 7) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([aligned[0], rule, *aligned[1:]]) + "\n"


def csv_table(scores: Sequence[Score]) -> str:
    """The scores as CSV, unrounded."""
    buffer = io.StringIO()
    names = [field.name for field in dataclasses.fields(Score)]
    writer = csv.DictWriter(buffer, names)
    writer.writeheader()
    writer.writerows(dataclasses.asdict(score) for score in scores)
    return buffer.getvalue()


def _cells(score: Score) -> tuple[str, ...]:
    decimals = 2 if "Table 1" in score.method else 4

    def number(value, decimals):
        return "" if value is None else f"{value:.{decimals}f}"

    return (
        score.dataset,
        str(score.quality),
        score.method,
        number(score.psnr, decimals),
        number(score.ssim_uniform, 4),
        number(score.ssim_gaussian, 4),
        number(score.psnr_b, decimals),
        score.note,
    )


def _parse_qualities(texts: Sequence[str]) -> list[int]:
    if not all(text.isdigit() and 1 <= int(text) <= 100 for text in texts):
        raise ValueError(
            f"--qualities: expected whole numbers of 1 to 100, got {','.join(texts)}."
        )
    return [int(text) for text in texts]


def _methods() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    methods = {"JPEG": lambda compressed: compressed}
    if _WEIGHTS.value and not _PRESET.value:
        raise ValueError("--weights: name the --preset that they belong to as well.")
    if _PRESET.value:
        from dual_prior.restoration import restore_luma
        from dual_prior.unfolding import DualPriorNetwork

        network = DualPriorNetwork.from_preset(
            _PRESET.value, _WEIGHTS.value or "shipped"
        )
        methods[_PRESET.value] = lambda compressed: restore_luma(network, compressed)
    return methods


def main(argv):
    """Reads the flags, measures, prints and writes the tables."""
    del argv
    qualities = _parse_qualities(_QUALITIES.value)
    # Every folder is checked before anything is computed.
    paths = {
        name: data.evaluation_paths(_DATA_DIR.value, name)[: _LIMIT.value]
        for name in _DATASETS.value
    }
    methods = _methods()
    scores = []
    total = len(qualities) * sum(len(of_set) for of_set in paths.values())
    with tqdm(total=total, unit="picture", disable=None) as bar:
        for name, of_set in paths.items():
            for quality in qualities:
                bar.set_description(f"{name} at {quality}")
                lumas = (data.read_luma(path) for path in of_set)
                counted = (_tick(bar, luma) for luma in lumas)
                scores += evaluate(name, counted, quality, methods)
                if _PAPER.value:
                    scores += published_scores(name, quality)
    print(markdown_table(scores), end="")
    if _OUTPUT.value:
        folder = Path(_OUTPUT.value)
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, table in (("md", markdown_table), ("csv", csv_table)):
            with atomic_file(folder / f"evaluation.{suffix}") as file:
                file.write(table(scores).encode())
        print(f"Wrote {folder}/evaluation.md and {folder}/evaluation.csv.")


def _tick(bar: tqdm, luma: np.ndarray) -> np.ndarray:
    bar.update()
    return luma


if __name__ == "__main__":
    app.run(main)
