"""Figure 5: the derivative of the classifier at each stage, and the true artifacts."""

from pathlib import Path

import numpy as np
from keras import ops

from dual_prior import jpeg
from dual_prior.network.backend import value_and_input_gradient
from dual_prior.network.operators import image_gradient
from experiments.reproduction.drawing import figure, show
from experiments.reproduction.inputs import Sources, compact
from experiments.reproduction.page import finding

TITLE = "Figure 5: the derivative of the classifier"

_QUALITY = 10  # ours
_WEAK = 0.1  # ours: a correlation of less says nothing
_FIVE_STAGES = "K = 5"  # as in the paper, where it is trained


def make(sources: Sources, folder: Path) -> str:
    """On LIVE1: pictures of the first, numbers for all; writes figure5.png."""
    network = sources.trained(_FIVE_STAGES)
    name = _FIVE_STAGES if network else "`compact`"
    network = network or compact()
    correlations = []
    for index, picture in enumerate(sources.pictures("live1")):
        clear = picture.luma()
        compressed = jpeg.compress(clear, _QUALITY)
        fields = derivatives(network, compressed)
        error = np.abs(compressed.astype(float) - clear)
        detail = np.hypot(*np.gradient(clear.astype(float)))
        correlations.append(
            [[_correlation(field, other) for other in (error, detail)]
             for field in fields]
        )  # fmt: skip
        if index == 0:
            _draw(folder / "figure5.png", clear, error, fields)
    means = np.mean(correlations, axis=0)
    rows = [
        f"| {'grad y' if k == 0 else f'g of stage {k}'} | {of_error:.3f} "
        f"| {of_detail:.3f} |"
        for k, (of_error, of_detail) in enumerate(means)
    ]
    table = "\n".join(rows)
    found = finding(
        paper="the derivative is large where artifacts are",
        measured=f"its correlation with the artifacts is {means[0, 0]:.2f} at grad y; "
        f"at the g of the stages {means[1:, 0].min():.2f} to {means[1:, 0].max():.2f}",
        verdict=verdict(means[0, 0]),
    )
    return f"""
{found}

The network is {name}; its classifier is that of `compact`.

![Derivatives of the classifier](figure5.png)

Correlation over the pixels of its magnitude with the artifacts, |y - x|, and with the
detail of the picture, |grad x|, mean over LIVE1 at quality {_QUALITY}:

| derivative at | with the artifacts | with the detail |
|---|---|---|
{table}
"""


def verdict(correlation: float) -> str:
    """What the correlation of the derivative at grad y with the artifacts says."""
    if abs(correlation) < _WEAK:
        return "not seen"
    return "holds" if correlation > 0 else "the other way round"


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def derivatives(network, compressed: np.ndarray) -> list[np.ndarray]:
    """|d f_s / d g| `[H, W]`, both directions together, at grad y and at each g_k."""
    y = ops.convert_to_tensor(compressed[None, :, :, None].astype(np.float32) / 255)
    fields = [image_gradient(y)]
    fields += [state["g"] for state in network(y, return_stages=True)]
    found = []
    for g in fields:
        _, slope = value_and_input_gradient(network.classifier, g)
        found.append(np.linalg.norm(ops.convert_to_numpy(slope)[0], axis=-1))
    return found


def _draw(path: Path, clear, error, fields) -> None:
    pictures = {"x": clear, "|y - x|": error}
    with figure(path, 1, 2 + len(fields), 2.6, 2.6) as (row,):
        for axes, (title, picture) in zip(row, pictures.items(), strict=False):
            show(axes, picture, title)
        for k, field in enumerate(fields):
            title = "at grad y" if k == 0 else f"at g{k}"
            # Normalised, as in the paper; roots, so that little shows.
            show(row[2 + k], np.sqrt(field / field.max()), title)
