"""Measures restored pictures by the paper's protocol, beside its Table 1.

    python -m experiments.evaluate --data_dir=../shared/data --preset=compact
    python -m experiments.evaluate --data_dir=../shared/data            # the JPEG alone
    python -m experiments.evaluate --preset=compact --also=consistent,self_ensemble
    python -m experiments.evaluate --preset=compact --weights=runs/network-compact/compact.weights.h5 --output=runs/evaluation

Luma (MATLAB's), compressed as a one-channel JPEG, restored, clipped and rounded to
uint8, measured on the full frame, averaged over the pictures of a set. SSIM has two
conventions, which must not be compared: "uniform" (8x8 box; Table 1's rows Proposed and
DCSC) and "gaussian" (11x11, sigma 1.5; its rows ARCNN, TNRD and DnCNN on Classic5 and
LIVE1). The SSIM of the other rows stands beside the table's columns.

Twitter and WeChat (--datasets=twitter,wechat) come compressed: no quality applies.

--also adds rows that need no training. "consistent": the restored luma is projected onto
the pictures that the JPEG may have been made from. "self_ensemble": the mean over eight
flips and rotations, eight times as slow. The column "kept" says which share of the
quantized coefficients come out as before when the result is encoded again.

With --output, writes evaluation.md and evaluation.csv there.
"""  # noqa: E501

import contextlib
import csv
import dataclasses
import functools
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from dual_prior import jpeg, metrics
from dual_prior.atomic_file import atomic_file
from dual_prior.consistency import agreement, project
from dual_prior.presets import PRESETS
from dual_prior.restoration import restore_array
from dual_prior.self_ensemble import self_ensemble
from dual_prior.unfolding import DualPriorNetwork
from experiments import app, configs, data
from experiments.published import table1

Restore = Callable[[np.ndarray], np.ndarray]  # a plane to a plane

_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    "../shared/data",
    "Folder that holds classic5, live1, bsds500/val, twitter, wechat: those measured.",
)
_DATASETS = flags.DEFINE_list(
    "datasets",
    list(data.EVALUATION_SETS),
    f"What to measure on: {', '.join((*data.EVALUATION_SETS, *data.PAIR_SETS))}.",
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
_CONSISTENT, _SELF_ENSEMBLE = "consistent", "self_ensemble"
_ALSO = flags.DEFINE_list(
    "also",
    [],
    f"Rows beside the preset's: {_CONSISTENT}, {_SELF_ENSEMBLE}, or both.",
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the tables.")
_PAPER = flags.DEFINE_bool("paper", True, "Show the rows of the paper's Table 1.")
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Measure on the first pictures of each set only.", lower_bound=1
)


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
    measured, kept = {name: [] for name in methods}, {name: [] for name in methods}
    for compressed, clean in pairs:
        for name, restore in methods.items():
            restored = restore(compressed)
            measured[name].append(measure(clean, restored))
            if quality is not None:
                steps = jpeg.quantization_table(quality)
                kept[name].append(agreement(restored, compressed, steps))
    return [
        Score(
            dataset,
            quality,
            name,
            len(rows),
            *np.mean(rows, axis=0).tolist(),
            float(np.mean(kept[name])) if kept[name] else None,
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
                dataset,
                quality,
                f"{row.method} (Table 1)",
                None,
                row.psnr,
                ssim.get("uniform"),
                ssim.get("gaussian"),
                row.psnr_b,
                note=""
                if row.ssim_window
                else f"SSIM {row.ssim:.4f}, window not stated",
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
    lines = [_HEADER, *(_cells(score) for score in scores)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADER))]
    aligned = [
        "| "
        + " | ".join(
            cell.ljust(width) if name in _LEFT_ALIGNED else cell.rjust(width)
            for name, cell, width in zip(_HEADER, line, widths, strict=True)
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


def _parse_qualities(texts: Sequence[str]) -> list[int]:
    in_range = [text.isdecimal() and 1 <= int(text) <= 100 for text in texts]
    if not texts or not all(in_range):
        raise ValueError(
            "--qualities: expected whole numbers of 1 to 100, got "
            f"{','.join(texts) or 'none'}."
        )
    return [int(text) for text in texts]


def _networks() -> dict[str, Restore]:
    """What restores, by name, to 16 bits: what is projected is not rounded before."""
    if _WEIGHTS.value and not _PRESET.value:
        raise ValueError("--weights: name the --preset that they belong to as well.")
    unknown = set(_ALSO.value) - {_CONSISTENT, _SELF_ENSEMBLE}
    if unknown or (_ALSO.value and not _PRESET.value):
        raise ValueError(
            f"--also: expected {_CONSISTENT} or {_SELF_ENSEMBLE}, and a --preset; got "
            f"{','.join(_ALSO.value)}."
        )
    if not _PRESET.value:
        return {}
    network = DualPriorNetwork.from_preset(_PRESET.value, _WEIGHTS.value or "shipped")
    channels = network.deblocker.channels
    networks = {_PRESET.value: network}
    if _SELF_ENSEMBLE in _ALSO.value:
        networks[f"{_PRESET.value}, {_SELF_ENSEMBLE}"] = self_ensemble(network)
    return {
        name: functools.partial(
            restore_array, network=f, channels=channels, dtype=np.uint16
        )
        for name, f in networks.items()
    }


def with_consistency(
    networks: dict[str, Restore], quality: int | None, consistent: bool
) -> dict[str, Restore]:
    """The methods to measure: the JPEG, `networks`, and each of them projected.

    Args:
        networks: By name, what restores with 16 bits.
        quality: Of the JPEG; nothing can be projected without it.
        consistent: Whether to.
    """

    def rounded(plane: np.ndarray) -> np.ndarray:
        return np.round(plane).astype(np.uint8)

    def projected(restore: Restore, compressed: np.ndarray) -> np.ndarray:
        steps = jpeg.quantization_table(quality)
        return rounded(project(restore(compressed) / 257, compressed, steps))

    methods = {"JPEG": lambda compressed: compressed}
    for name, restore in networks.items():
        methods[name] = lambda y, restore=restore: rounded(restore(y) / 257)
        if consistent and quality is not None:
            methods[f"{name}, {_CONSISTENT}"] = functools.partial(projected, restore)
    return methods


def _find_pictures() -> dict[str, list]:
    """By data set: paths, or pairs of them. Every folder is looked into."""
    if not _DATASETS.value:
        raise ValueError("--datasets: expected at least one, got none.")
    names = (*data.PAIR_SETS, *data.EVALUATION_SETS)
    for name in _DATASETS.value:
        if name not in names:
            raise ValueError(
                f"--datasets: expected some of {', '.join(names)}; got {name!r}."
            )
    return {
        name: (data.pair_paths if name in data.PAIR_SETS else data.evaluation_paths)(
            _DATA_DIR.value, name
        )[: _LIMIT.value]
        for name in _DATASETS.value
    }


def _read_pairs(
    paths: list, quality: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if quality is None:
        yield from data.read_pairs(paths)
        return
    for path in paths:
        clean = data.read_luma(path)
        yield jpeg.compress(clean, quality), clean


def _open_output(stack: contextlib.ExitStack) -> dict[str, io.BufferedIOBase]:
    """The files of --output, by suffix, to be complete when `stack` is unwound."""
    if not _OUTPUT.value:
        return {}
    folder = Path(_OUTPUT.value)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"--output: expected a folder, {folder} is a file.")
    folder.mkdir(parents=True, exist_ok=True)
    return {
        suffix: stack.enter_context(atomic_file(folder / f"evaluation.{suffix}"))
        for suffix in ("md", "csv")
    }


def main(argv):
    """Reads the flags, measures, prints and writes the tables."""
    del argv
    # All that may be wrong with the flags is found before anything is computed.
    qualities = _parse_qualities(_QUALITIES.value)
    pictures = _find_pictures()
    cases = [
        (name, quality)
        for name in pictures
        for quality in ([None] if name in data.PAIR_SETS else qualities)
    ]
    with contextlib.ExitStack() as stack:
        files = _open_output(stack)
        networks = _networks()
        scores = []
        total = sum(len(pictures[name]) for name, _ in cases)
        with tqdm(total=total, unit="picture", disable=None) as bar:
            for name, quality in cases:
                bar.set_description(name if quality is None else f"{name} at {quality}")
                pairs = _counted(_read_pairs(pictures[name], quality), bar)
                consistent = _CONSISTENT in _ALSO.value
                methods = with_consistency(networks, quality, consistent)
                scores += evaluate(name, quality, pairs, methods)
                if _PAPER.value:
                    scores += published_scores(name, quality)
        print(markdown_table(scores), end="")
        for suffix, file in files.items():
            table = {"md": markdown_table, "csv": csv_table}[suffix](scores)
            file.write(table.encode())
    if files:
        folder = Path(_OUTPUT.value)
        print(f"Wrote {folder / 'evaluation.md'} and {folder / 'evaluation.csv'}.")


def _counted(pairs: Iterable, bar: tqdm) -> Iterator:
    for pair in pairs:
        yield pair
        bar.update()


if __name__ == "__main__":
    app.run(main)
