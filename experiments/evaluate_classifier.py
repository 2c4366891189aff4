"""Measures how well the classifier separates compressed and clean pictures.

    python -m experiments.evaluate_classifier --preset=compact --data_dir=../shared/data

On the validation pictures of BSD500, on which it was not trained; with
--pictures=held_out on the held-out training pictures, where thresholds are chosen;
with --pictures=photographs on all that `photo` holds out, with --pictures=drawings on
held-out drawings. A preset of one channel gets luma, one of three RGB compressed at
4:2:0.

Prints for clean pictures and for each quality, whole frames and the 64x64 pixels at
their centre: the share that is classified correctly at a probability of one half; the
mean probability; the share of whole frames with a trace of compression in their
coefficients; and of those that do not change, as PNGs (no trace, and a probability
below `clean_below` of the preset, or --clean_below).
"""

from collections.abc import Iterator

import numpy as np
from absl import flags
from tqdm import tqdm

from dual_prior.network.presets import PRESETS, find_preset
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from experiments import binaries
from experiments.data import sources
from experiments.data.drawings import HELD_OUT_SEED, drawing
from experiments.data.training_pictures import find
from experiments.measuring.classifier_scores import evidence, table

_PRESET = flags.DEFINE_string(
    "preset", "compact", f"The owner of the classifier: one of {', '.join(PRESETS)}."
)
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "A .weights.h5 file of the network. Default: those that ship with the preset.",
)
_DATA_DIR = flags.DEFINE_string("data_dir", "../shared/data", "Folder of bsds500.")
_PICTURES = flags.DEFINE_enum(
    "pictures",
    "val",
    ["val", "held_out", "photographs", "drawings"],
    "Pictures of BSD500, those that photo holds out, or drawings.",
)
_NUM_DRAWINGS = 39  # ours, of all kinds in turn
_CLEAN_BELOW = flags.DEFINE_float(
    "clean_below", None, "Probability below which a picture counts as clean."
)


def main(argv):
    """Reads the flags, measures, prints the table."""
    del argv
    restorer = Restorer(Options(_PRESET.value, _WEIGHTS.value))
    clean_below = _CLEAN_BELOW.value
    if clean_below is None:
        clean_below = find_preset(_PRESET.value).profile.clean_below
    seen = tqdm(_pictures(), unit="picture", disable=None)
    values = evidence(restorer, seen)
    print(table(values, clean_below), end="")


def _pictures() -> Iterator[np.ndarray]:
    """Those that were asked for, `[H, W, 3]`, uint8."""
    if _PICTURES.value == "drawings":
        for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + _NUM_DRAWINGS):
            yield drawing(seed)
        return
    if _PICTURES.value == "val":
        pictures = sources.evaluation_pictures("bsds500", _DATA_DIR.value)
    else:
        named = ["bsds500"] + ["cid22"] * (_PICTURES.value == "photographs")
        pictures = list(find(named, _DATA_DIR.value).held_out)
    for picture in pictures:
        yield picture.rgb()


if __name__ == "__main__":
    binaries.run(main)
