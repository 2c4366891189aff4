"""Figure 6: activations of the last convolution of the classifier."""

from pathlib import Path

import numpy as np
from keras import ops

from dual_prior import jpeg
from dual_prior.network.operators import image_gradient
from experiments.reproduction.drawing import figure, show
from experiments.reproduction.inputs import Sources, compact
from experiments.reproduction.page import finding

TITLE = "Figure 6: activations of the classifier"

_QUALITY = 10  # ours
_PICTURES = 3  # ours: the first ones
_SURE = 0.95  # ours: of the pairs


def make(sources: Sources, folder: Path) -> str:
    """BSD500 val, clear and compressed, the map that differs most; figure6.png."""
    classifier = compact().classifier
    pairs = []
    for picture in sources.pictures("bsds500"):
        clear = picture.luma()
        pairs.append((clear, jpeg.compress(clear, _QUALITY)))
    means = np.array(
        [[last_maps(classifier, p).mean(axis=(0, 1)) for p in pair] for pair in pairs]
    )
    difference = np.abs(means[:, 0] - means[:, 1]).mean(axis=0)
    channel = int(np.argmax(difference))
    shown = pairs[:_PICTURES]
    with figure(folder / "figure6.png", len(shown), 4, 1.6, 2.4) as axes:
        for row, pair in zip(axes, shown, strict=True):
            maps = [last_maps(classifier, plane)[..., channel] for plane in pair]
            largest = max(m.max() for m in maps)
            for k, (label, plane) in enumerate(
                zip(("clear", "compressed"), pair, strict=True)
            ):
                show(row[2 * k], plane, label)
                show(row[2 * k + 1], maps[k], "activation", vmin=0, vmax=largest)
    each = means[..., channel]  # [pictures, clear and compressed]
    of_clear, of_compressed = each.mean(axis=0)
    higher = np.mean(each[:, 1] > each[:, 0])
    higher = max(higher, 1 - higher)
    found = finding(
        paper="activations of f_s tell compressed pictures from clean ones",
        measured=f"a map's mean is {of_compressed:.2f} for compressed and "
        f"{of_clear:.2f} for clear pictures, and differs so in {higher:.0%} of "
        f"{len(each)} pairs",
        verdict="holds" if higher > _SURE else "does not hold",
    )
    return f"""
{found}

Map {channel} of the last convolution, whose mean differs most between clear and
compressed pictures; BSD500 val at quality {_QUALITY}.

![Activations](figure6.png)
"""


def last_maps(classifier, plane: np.ndarray) -> np.ndarray:
    """Activations `[h, w, F]` of the last convolution for a plane `[H, W]`, uint8."""
    y = ops.convert_to_tensor(plane[None, :, :, None].astype(np.float32) / 255)
    features = image_gradient(y)
    for convolution in classifier.convolutions:
        features = convolution(features)
    return ops.convert_to_numpy(features)[0]
