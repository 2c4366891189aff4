"""Measures networks for photographs and drawings on files by several encoders.

    python -m experiments.evaluate_photographs --presets=photo --data_dir=../shared/data
    python -m experiments.evaluate_photographs --presets=photo,runs/chroma/preset --data=held_out

By default on LIVE1, to be measured once, at the end; --data=held_out measures on the
pictures that training holds out, to choose networks by. Drawings are held-out ones in
either case. Files are read and restored as `dual-prior restore` does, with their
tables. mozjpeg and jpegli are measured if installed (`pip install
dual-prior[encoders]`), and so is `jpegqs -q6`. "size of 60": the file of that encoder
whose size is closest to libjpeg-turbo's at quality 60. "luma": grey files, of MATLAB's
luma, as in Table 1. "as PNG": pictures that were never compressed. "shift": the error of
the mean of a channel, grey levels.
"""  # noqa: E501

import itertools

from absl import flags
from tqdm import tqdm

from experiments import binaries
from experiments.data import sources
from experiments.data.drawings import HELD_OUT_SEED
from experiments.data.training_pictures import find
from experiments.measuring import file_scores, measures
from experiments.training.flags import define_data_dir, parse_qualities

_HELD_OUT = "held_out"

_PRESETS = flags.DEFINE_list(
    "presets", ["photo"], "Networks: names or folders of presets."
)
_DATA_DIR = define_data_dir()
_DATA = flags.DEFINE_list(
    "data",
    ["live1"],
    f"Which photographs: some of {', '.join(sources.EVALUATION_SETS)}, {_HELD_OUT}, "
    "folders of pictures (searched through), pictures, tfds:NAME[:SPLIT].",
)
flags.DEFINE_alias("pictures", "data")
_QUALITIES = flags.DEFINE_list(
    "qualities",
    [str(quality) for quality in file_scores.QUALITIES],
    "JPEG qualities of photographs in colour and of their luma.",
)
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Measure on the first photographs only.", lower_bound=1
)
_SIDE = flags.DEFINE_integer(
    "side", None, "Measure on the middle of each, pixels. Default: all.", lower_bound=32
)
_NUM_DRAWINGS = flags.DEFINE_integer(
    "num_drawings", 36, "Drawings, of all kinds in turn.", lower_bound=0
)
_METRIC = flags.DEFINE_string(
    "metric", "psnr", "psnr, ssimulacra2, or another one of evaluate's --metrics."
)


def main(argv):
    """Reads the flags, measures, prints the table."""
    del argv
    (measure,) = measures.find([_METRIC.value]).values()
    qualities = parse_qualities(_QUALITIES.value)
    pictures = _pictures()
    methods = file_scores.methods(_PRESETS.value)
    if jpegqs := file_scores.jpegqs():
        methods["jpegqs -q6"] = jpegqs
    photographs = (picture.rgb() for picture in pictures[: _LIMIT.value])
    if _SIDE.value:
        photographs = (file_scores.middle(rgb, _SIDE.value) for rgb in photographs)
    cases = itertools.chain(
        *(
            itertools.chain(
                file_scores.of_photograph(rgb, qualities), file_scores.of_encoders(rgb)
            )
            for rgb in photographs
        ),
        file_scores.of_drawings(
            range(HELD_OUT_SEED, HELD_OUT_SEED + _NUM_DRAWINGS.value)
        ),
    )
    with tqdm(unit="file", disable=None) as bar:
        scores, shifts = file_scores.measure(cases, methods, measure, bar.update)
    print(file_scores.table(scores, shifts, list(methods)), end="")


def _pictures() -> list[sources.Picture]:
    found: list[sources.Picture] = []
    for source in _DATA.value:
        if source == _HELD_OUT:
            found += find(["bsds500", "cid22"], _DATA_DIR.value).held_out
        else:
            found += sources.evaluation_pictures(source, _DATA_DIR.value)
    if not found:
        raise ValueError("--data: expected at least one source, got none.")
    return found


if __name__ == "__main__":
    binaries.run(main)
