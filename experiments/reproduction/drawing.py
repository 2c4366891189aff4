"""Figures: pictures side by side with an enlarged detail, and plots."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dual_prior.drawing.comparison import most_changed
from dual_prior.system.atomic_file import atomic_file


@contextlib.contextmanager
def figure(
    path: Path, rows: int, columns: int, width: float, height: float
) -> Iterator:
    """The axes `[rows, columns]` of a figure that is written when the block ends.

    Args:
        path: The PNG file.
        rows, columns: Of axes.
        width, height: Of one of them, inches.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawing, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(columns * width, rows * height),
        squeeze=False,
        layout="constrained",
    )
    try:
        yield axes
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            # No version of the library in the file: the same figure, the same bytes.
            drawing.savefig(
                file,
                format="png",
                bbox_inches="tight",
                dpi=100,
                metadata={"Software": None},
            )
    finally:
        pyplot.close(drawing)


def show(axes, picture: np.ndarray, title: str, **settings) -> None:
    """A picture, pixel by pixel, without ticks."""
    settings = {"cmap": "gray", "interpolation": "nearest", **settings}
    if settings["cmap"] == "gray" and picture.dtype == np.uint8:
        settings |= {"vmin": 0, "vmax": 255}
    axes.imshow(picture, **settings)
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])


def comparison(path: Path, pictures: Sequence[dict[str, np.ndarray]]) -> None:
    """A row a picture: the whole of its first version, and a detail of each.

    The detail is the 80x80 pixels in which the first and the last version differ most.

    Args:
        path: The PNG file.
        pictures: The versions of each by label, the compressed one first.
    """
    columns = 1 + max(map(len, pictures))
    with figure(path, len(pictures), columns, 2.2, 2.4) as axes:
        for row, versions in zip(axes, pictures, strict=True):
            first, *_, last = versions.values()
            top, left, side = most_changed(first, last)
            show(row[0], first, next(iter(versions)))
            row[0].add_patch(_frame(left, top, side))
            for ax, (label, picture) in zip(row[1:], versions.items(), strict=False):
                show(ax, picture[top : top + side, left : left + side], label)
            for ax in row[1 + len(versions) :]:
                ax.axis("off")


def _frame(left: int, top: int, side: int):
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), side, side, fill=False, edgecolor="red", linewidth=1)
