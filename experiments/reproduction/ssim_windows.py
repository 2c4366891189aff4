"""Finds the convention of SSIM of each row of Table 1, from the figures.

On one data set at one quality, PSNR and SSIM of good methods lie close to a line: here
the line through the JPEG and `compact`, both measured by us in both conventions. The
conventions' lines are 0.01 to 0.02 apart, and a printed row lies near one of them.
"""

from collections.abc import Sequence

from experiments.measuring.published import Row, table1
from experiments.measuring.scores import Score

WINDOWS = ("uniform", "gaussian")


def distances(row: Row, jpeg: Score, restored: Score) -> dict[str, float]:
    """How far a row's SSIM lies above each convention's line, at the row's PSNR.

    Args:
        row: Of Table 1.
        jpeg, restored: Measured on the same data set at the same quality.
    """
    assert jpeg.psnr is not None and restored.psnr is not None
    share = (row.psnr - jpeg.psnr) / (restored.psnr - jpeg.psnr)

    def on_line(window: str) -> float:
        start, end = (getattr(s, f"ssim_{window}") for s in (jpeg, restored))
        return start + share * (end - start)

    return {window: row.ssim - on_line(window) for window in WINDOWS}


def table(scores: Sequence[Score]) -> str:
    """Markdown: a line for each method and data set, its distances by quality.

    Args:
        scores: Measured, those of "JPEG" and "compact" among them.
    """
    measured = {(s.dataset, s.quality, s.method): s for s in scores}
    cells: dict[tuple[str, str], list[str]] = {}
    settled: dict[tuple[str, str], str | None] = {}
    for row in table1():
        jpeg, restored = (
            measured.get((row.dataset, row.quality, name))
            for name in ("JPEG", "compact")
        )
        if jpeg is None or restored is None:
            continue
        found = distances(row, jpeg, restored)
        key = (row.method, row.dataset)
        cells.setdefault(key, []).append(
            " / ".join(f"{found[window]:+.3f}" for window in WINDOWS)
        )
        settled[key] = row.ssim_window
    lines = [
        "| method | set | QF 10: uniform / gaussian | QF 20 | QF 30 | settled |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {method} | {dataset} | {' | '.join(row)} | {settled[method, dataset]} |"
        for (method, dataset), row in cells.items()
    ]
    return "\n".join(lines) + "\n"
