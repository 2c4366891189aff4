"""Table 1's rivals that are not networks, by our own code, and jpegqs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dual_prior import jpeg
from dual_prior.system.atomic_file import atomic_file
from experiments.contenders import jpegqs
from experiments.contenders.rivals import CLASSICAL, SOURCES, at_quality, rivals
from experiments.data import folders
from experiments.data.protocol import QUALITIES
from experiments.measuring import photograph_scores
from experiments.measuring.csv_text import csv_text
from experiments.measuring.published import table1
from experiments.measuring.scores import (
    Score,
    csv_table,
    evaluate,
    markdown_table,
    published_scores,
    read_pairs,
)
from experiments.measuring.timing import best_seconds
from experiments.reproduction.inputs import Sources
from experiments.reproduction.score_cache import remembered

TITLE = "Table 1's rivals that are not networks, and jpegqs"

# Farther than this from the printed figure, a row needs a reason, dB.
_CLOSE = 0.15
_COLOUR_QUALITIES = (10, 20, 30, 40)


def make(sources: Sources, folder: Path) -> str:
    """Measures them by the protocol; writes rivals.csv and rivals_colour.csv."""
    scores = [
        score
        for dataset in folders.EVALUATION_SETS
        for quality in QUALITIES
        for name in ("JPEG", *rivals())
        for score in _measured(sources, dataset, quality, name)
    ]
    with atomic_file(folder / "rivals.csv") as file:
        file.write(csv_table(scores).encode())
    printed = [
        score
        for dataset in folders.EVALUATION_SETS
        for quality in QUALITIES
        for score in published_scores(dataset, quality)
        if score.method.split()[0] in CLASSICAL
    ]
    text = f"""
Our own code, by the papers (`experiments/contenders/classical`), measured by the
protocol of Table 1. A difference of {_CLOSE} dB is what other JPEG encoders, rounding
and details that a paper leaves open may make.

PSNR in dB, ours and as printed:

{_comparison(scores)}
Seconds a megapixel on one core, `1.png` of Classic5 at quality 10:

{_seconds(sources)}
All measures:

{markdown_table(scores + printed)}"""
    if jpegqs.is_installed():
        text += _in_colour(sources, folder)
    return text


def _measured(sources: Sources, dataset: str, quality: int, name: str) -> list[Score]:
    paths = sources.paths(dataset)

    def measure():
        pairs = tqdm(
            read_pairs(paths, quality),
            f"{name}, {dataset} at {quality}",
            len(paths),
            unit="picture",
            leave=False,
            disable=None,
        )
        restore = at_quality(rivals()[name], quality) if name != "JPEG" else np.copy
        return evaluate(dataset, quality, pairs, {name: restore})

    return remembered(
        sources.scores,
        measure,
        rival=name,
        code=SOURCES.get(name),
        dataset=dataset,
        quality=quality,
        pictures=len(paths),
    )


def _comparison(scores: Sequence[Score]) -> str:
    ours = {(s.method, s.dataset, s.quality): s.psnr for s in scores}
    printed = {(row.method, row.dataset, row.quality): row.psnr for row in table1()}
    lines = ["| method | set | 10 | 20 | 30 |", "|---|---|---|---|---|"]
    for name in rivals():
        for dataset in folders.EVALUATION_SETS:
            cells = []
            for quality in QUALITIES:
                key = (name, dataset, quality)
                cell = f"{ours[key]:.2f}"
                if key in printed:
                    difference = ours[key] - printed[key]
                    far = "" if abs(difference) <= _CLOSE else " (!)"
                    cell += f", {printed[key]:.2f}: {difference:+.2f}{far}"
                cells.append(cell)
            lines.append(f"| {name} | {dataset} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _seconds(sources: Sources) -> str:
    (compressed, _), *_ = read_pairs(sources.paths("classic5")[:1], 10)
    lines = ["| method | seconds a megapixel |", "|---|---|"]
    for name, rival in rivals().items():
        restore = at_quality(rival, 10)
        seconds = best_seconds(lambda restore=restore: restore(compressed), 1)
        lines.append(f"| {name} | {seconds / compressed.size * 1e6:.2g} |")
    return "\n".join(lines) + "\n"


def _in_colour(sources: Sources, folder: Path) -> str:
    """jpegqs on colour files of LIVE1 (4:2:0): RGB, as in the photographs' table."""
    rows = []
    for quality in _COLOUR_QUALITIES:
        psnr = {"JPEG": [], "jpegqs": []}
        for path in sources.paths("live1"):
            rgb = folders.read_rgb(path)
            data = jpeg.encode_colour(rgb, quality)
            for name, file in (("JPEG", data), ("jpegqs", jpegqs.smoothed(data))):
                restored = jpeg.decode_colour(file)
                psnr[name].append(photograph_scores.psnr(rgb, restored))
        rows.append((quality, *(float(np.mean(values)) for values in psnr.values())))
    with atomic_file(folder / "rivals_colour.csv") as file:
        file.write(csv_text(["quality", "jpeg", "jpegqs"], rows).encode())
    lines = ["| quality | JPEG | jpegqs |", "|---|---|---|"]
    lines += [f"| {quality} | {a:.2f} | {b:.2f} |" for quality, a, b in rows]
    return "\nLIVE1 in colour, PSNR in dB:\n\n" + "\n".join(lines) + "\n"
