"""Measures what the paper does not: colour, high quality, compressed twice, per preset.

    python -m experiments.evaluate_photographs --data_dir=../shared/data

On LIVE1, PSNR in dB. "colour": RGB, compressed by OpenCV at 4:2:0, measured over RGB;
beside it, by how many grey levels the mean of a channel is off over the set, at most.
"luma": MATLAB's luma as a one-channel JPEG. "twice": luma at quality 10, cropped by one
pixel in both directions, then at quality 50. A preset of one channel shows what luma
alone gives in colour, and "PRESET, planes" what it gives on luma and chroma, each
restored as a grey picture of its own.

With --output, writes photographs.md there.
"""

from pathlib import Path

from absl import flags
from tqdm import tqdm

from dual_prior.network.presets import PRESETS
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.system.atomic_file import atomic_file
from experiments import binaries
from experiments.data import sources
from experiments.measuring.photograph_scores import measure, methods, table

_DATA_DIR = flags.DEFINE_string(
    "data_dir", "../shared/data", "Folder that holds live1."
)
_PRESETS = flags.DEFINE_list(
    "presets",
    ["compact", "photo"],  # `paper` would take a day
    f"Networks to restore with, by preset: some of {', '.join(PRESETS)}.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "A .weights.h5 file, for a single preset."
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the table.")
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Measure on the first pictures only.", lower_bound=1
)


def main(argv):
    """Reads the flags, measures, prints and writes the table."""
    del argv
    unknown = set(_PRESETS.value) - set(PRESETS)
    if unknown:
        raise ValueError(
            f"--presets: expected some of {', '.join(PRESETS)}; got {min(unknown)!r}."
        )
    if _WEIGHTS.value and len(_PRESETS.value) != 1:
        raise ValueError("--weights: name the one preset they belong to in --presets.")
    pictures = sources.evaluation_pictures("live1", _DATA_DIR.value)[: _LIMIT.value]
    restoring, in_colour = {"JPEG": lambda image: image}, {}
    for preset in _PRESETS.value:
        network = DualPriorNetwork.from_preset(preset, _WEIGHTS.value or "shipped")
        for_all, for_colour = methods(preset, network)
        restoring |= for_all
        in_colour |= for_colour
    with tqdm(total=len(pictures), unit="picture", disable=None) as bar:
        seen = (picture.rgb() for picture in pictures)
        result = table(*measure(seen, restoring, in_colour, bar.update))
    print(result, end="")
    if _OUTPUT.value:
        folder = Path(_OUTPUT.value)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_file(folder / "photographs.md") as file:
            file.write(result.encode())


if __name__ == "__main__":
    binaries.run(main)
