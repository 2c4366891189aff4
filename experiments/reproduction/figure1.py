"""Figure 1: histograms of images and of their gradients."""

from pathlib import Path

import numpy as np

from dual_prior import jpeg
from experiments.reproduction.drawing import figure, show
from experiments.reproduction.inputs import Sources
from experiments.reproduction.page import finding

TITLE = "Figure 1: histograms of the image and of its gradients"

_QUALITY = 10  # ours


def make(sources: Sources, folder: Path) -> str:
    """Of LIVE1, compressed and clear; writes figure1.png."""
    clear = [picture.luma() for picture in sources.pictures("live1")]
    compressed = [jpeg.compress(plane, _QUALITY) for plane in clear]
    sets = {"clear, x": clear, "compressed, y": compressed}
    with figure(folder / "figure1.png", 1, 4, 3, 2.8) as (
        (first, second, third, fourth),
    ):
        show(first, compressed[0], "y")
        show(second, clear[0], "x")
        for label, planes in sets.items():
            values = np.concatenate([plane.ravel() for plane in planes])
            third.hist(values, 64, density=True, histtype="step", label=label)
            fourth.hist(
                gradients(planes), np.arange(-50.5, 51), density=True, histtype="step",
                log=True, label=label,
            )  # fmt: skip
        third.set_title("image", fontsize=10)
        fourth.set_title("gradients", fontsize=10)
        for axes in (third, fourth):
            axes.set_yticks([])
            axes.legend(fontsize=7)
    entropies = {
        label: (
            entropy(np.concatenate([plane.ravel() for plane in planes])),
            entropy(gradients(planes)),
        )
        for label, planes in sets.items()
    }
    zeros = {label: np.mean(gradients(planes) == 0) for label, planes in sets.items()}
    rows = [
        f"| {label} | {of_image:.2f} | {of_gradients:.2f} | {zeros[label]:.1%} |"
        for label, (of_image, of_gradients) in entropies.items()
    ]
    table = "\n".join(rows)
    before, after = entropies.values()
    of_image, of_gradients = np.subtract(before, after)
    found = finding(
        paper="compression shows in the gradients more than in the image",
        measured=f"it takes {of_gradients:.2f} bits of entropy from the gradients, "
        f"{of_image:.2f} from the image; {zeros['compressed, y']:.0%} of the gradients "
        f"are 0, {zeros['clear, x']:.0%} before",
        verdict="holds" if of_gradients > of_image else "does not hold",
    )
    return f"""
{found}

LIVE1 at quality {_QUALITY}, luma.

![Histograms](figure1.png)

| | entropy of image, bits | of gradients, bits | gradients that are 0 |
|---|---|---|---|
{table}
"""


def gradients(planes: list[np.ndarray]) -> np.ndarray:
    """All differences between neighbours, in grey levels, int."""
    return np.concatenate(
        [
            np.diff(plane.astype(int), axis=axis).ravel()
            for plane in planes
            for axis in (0, 1)
        ]
    )


def entropy(values: np.ndarray) -> float:
    """Of whole numbers, bits."""
    _, counts = np.unique(values, return_counts=True)
    shares = counts / counts.sum()
    return float(-np.sum(shares * np.log2(shares)))
