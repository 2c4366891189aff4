"""Measures how well the classifier tells compressed pictures from clear ones.

    python -m experiments.evaluate_classifier --preset=compact --data_dir=../shared/data

On the validation pictures of BSD500, which it was not trained on, at a probability of
one half: the share of clear pictures called clear, and of pictures compressed at each
quality called compressed; whole frames, and the 64x64 pixels at their centre.
"""

import numpy as np
from absl import flags
from tqdm import tqdm

from dual_prior import jpeg
from dual_prior.classifier import CompressionClassifier
from dual_prior.operators import image_gradient
from dual_prior.presets import PRESETS
from dual_prior.unfolding import DualPriorNetwork
from experiments import app, configs, data

_PRESET = flags.DEFINE_enum("preset", "compact", list(PRESETS), "Whose classifier.")
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "A .weights.h5 file of the network. Default: those that ship with the preset.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", "../shared/data", "Folder that holds bsds500/val."
)

_PATCH = 64  # paper: the size of a training patch


def probability(classifier: CompressionClassifier, luma: np.ndarray) -> float:
    """f_s of the gradients of a plane `[H, W]`, uint8."""
    image = luma[None, :, :, None].astype(np.float32) / np.float32(255)
    return float(classifier(image_gradient(image))[0, 0])


def centre(luma: np.ndarray, side: int = _PATCH) -> np.ndarray:
    """The middle of a plane, cut on the grid of 8x8 blocks."""
    top, left = ((n - side) // 16 * 8 for n in luma.shape)
    return luma[top : top + side, left : left + side]


def main(argv):
    """Reads the flags, measures, prints the table."""
    del argv
    paths = data.evaluation_paths(_DATA_DIR.value, "bsds500")
    network = DualPriorNetwork.from_preset(_PRESET.value, _WEIGHTS.value or "shipped")
    names = ["clear", *(f"quality {quality}" for quality in configs.QUALITIES)]
    values = {name: [] for name in names}
    for path in tqdm(paths, unit="picture", disable=None):
        clear = data.read_luma(path)
        versions = [clear, *(jpeg.compress(clear, q) for q in configs.QUALITIES)]
        for name, luma in zip(names, versions, strict=True):
            values[name].append(
                [probability(network.classifier, part) for part in (luma, centre(luma))]
            )
    print("| picture    | accuracy, frame | 64x64 | mean probability, frame | 64x64 |")
    print("|------------|-----------------|-------|-------------------------|-------|")
    for name, pairs in values.items():
        pairs = np.array(pairs)
        correct = ((pairs > 0.5) == (name != "clear")).mean(axis=0)
        mean = pairs.mean(axis=0)
        print(
            f"| {name:10} | {correct[0]:15.3f} | {correct[1]:5.3f} "
            f"| {mean[0]:23.3f} | {mean[1]:5.3f} |"
        )


if __name__ == "__main__":
    app.run(main)
