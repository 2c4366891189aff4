"""Figure 6: activations of the last convolution of the classifier."""

from pathlib import Path

import numpy as np
from keras import ops

from dual_prior import jpeg
from dual_prior.network.operators import image_gradient
from experiments.reproduction.drawing import figure, show
from experiments.reproduction.inputs import Sources, compact

TITLE = "Figure 6: activations of the classifier"

_QUALITY = 10  # ours
_PICTURES = 3  # ours: the first ones


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
    of_clear, of_compressed = means[..., channel].mean(axis=0)
    return f"""
The paper's maps separate compressed pictures from clean ones. Shown is map
{channel} of the last convolution, the one whose mean differs most between the two:
{of_clear:.3f} for clear and {of_compressed:.3f} for compressed pictures, on average
over BSD500 val at quality {_QUALITY}. Twitter and WeChat were not available.

![Activations](figure6.png)
"""


def last_maps(classifier, plane: np.ndarray) -> np.ndarray:
    """Activations `[h, w, F]` of the last convolution for a plane `[H, W]`, uint8."""
    y = ops.convert_to_tensor(plane[None, :, :, None].astype(np.float32) / 255)
    features = image_gradient(y)
    for convolution in classifier.convolutions:
        features = convolution(features)
    return ops.convert_to_numpy(features)[0]
