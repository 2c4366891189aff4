"""Measures restored pictures by the paper's protocol, beside its Table 1.

    python -m experiments.evaluate --data_dir=../shared/data --preset=compact
    python -m experiments.evaluate --data_dir=../shared/data            # the JPEG alone
    python -m experiments.evaluate --preset=compact --also=consistent,narrow,self_ensemble
    python -m experiments.evaluate --preset=compact --weights=runs/network-compact/compact.weights.h5 --output=runs/evaluation
    python -m experiments.evaluate --preset=photo --colour --data=my/pictures --metrics=psnr,my_module:my_measure

Luma (MATLAB's), compressed as a one-channel JPEG, restored, clipped and rounded to
uint8, measured on the full frame, averaged over the pictures of a set. SSIM has two
conventions, which must not be compared: "uniform" (8x8 box) and "gaussian" (11x11, sigma
1.5). Table 1 mixes them; the SSIM of its rows stands in the column of its convention.

With --colour, RGB is compressed at 4:2:0 and measured over all channels; a preset of one
channel restores luma and does not change chroma. Without --colour, the luma part of a
preset for colour is measured. A preset that uses quantization tables gets those of the
JPEG; for pictures that come compressed they are unknown.

Twitter and WeChat (--datasets=twitter,wechat) come compressed: no quality applies. With
--crop, a part of each is taken before it is restored, as the paper does.

--also adds rows that need no training. "consistent": the restored luma is projected onto
the pictures that the JPEG may have been made from. "narrow": onto a narrower set within
(see dual_prior/jpeg/projection.py). "self_ensemble": the mean over eight flips and
rotations, eight times as slow. The column "kept" is the share of quantized coefficients
that are unchanged when the result is encoded again.

--rivals adds rivals that are not networks, and know the quantization table: those of the
paper by our own code (`SADCT`, 14 s a megapixel, `LD`), and `jpegqs` where it is
installed.

With --output, writes evaluation.md, evaluation.csv and pictures.csv there: the means, and a
row for each picture, which `python -m experiments.compare` reads.
"""  # noqa: E501

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from absl import flags
from tqdm import tqdm

from dual_prior.network.colour_network import ColourNetwork, load_network, unfolding_of
from dual_prior.network.presets import PRESETS
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.restorer import graph_of_pixels
from dual_prior.system.atomic_file import atomic_file
from experiments import binaries
from experiments.contenders.rivals import at_quality, rivals
from experiments.data import sources
from experiments.data.protocol import QUALITIES
from experiments.measuring import measures
from experiments.measuring.scores import (
    OPTIONS,
    SELF_ENSEMBLE,
    Restore,
    csv_table,
    evaluate,
    markdown_table,
    means,
    methods,
    picture_csv,
    published_scores,
    read_pairs,
    tables_at,
)
from experiments.training.flags import define_data_dir, parse_qualities

_DATA_DIR = define_data_dir()
_DATASETS = flags.DEFINE_list(
    "datasets",
    list(sources.EVALUATION_SETS),
    "Pictures to measure on: some of "
    f"{', '.join((*sources.EVALUATION_SETS, *sources.PAIR_SETS))}, folders of pictures "
    "(searched through), of pairs (in compressed/ and clean/), or tfds:NAME[:SPLIT].",
)
flags.DEFINE_alias("data", "datasets")
_QUALITIES = flags.DEFINE_list(
    "qualities", [str(quality) for quality in QUALITIES], "JPEG qualities."
)
_PRESET = flags.DEFINE_string(
    "preset",
    None,
    f"Network to restore with: one of {', '.join(PRESETS)}. Default: the JPEG alone.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "A .weights.h5 file. Default: those that ship with the preset."
)
_ALSO = flags.DEFINE_list(
    "also",
    [],
    f"Rows beside the preset's: some of {', '.join(OPTIONS)}.",
)
_METRICS = flags.DEFINE_list(
    "metrics",
    list(measures.PAPER),
    f"Measures: some of {', '.join(measures.KNOWN)}, or module:function of your "
    "own, which takes the clean and the restored picture, uint8.",
)
_COLOUR = flags.DEFINE_bool("colour", False, "Measure RGB in place of luma.")
_RIVALS = flags.DEFINE_list(
    "rivals",
    [],
    f"Rivals that are not networks: some of {', '.join(rivals())}.",
)
_CROP = flags.DEFINE_integer(
    "crop",
    None,
    "Side of a random part of each picture of twitter and wechat, pixels. Default: the "
    "whole picture.",
    lower_bound=8,
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the tables.")
_PAPER = flags.DEFINE_bool("paper", True, "Show the rows of the paper's Table 1.")
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Measure on the first pictures of each set only.", lower_bound=1
)


def _methods_at(
    network: DualPriorNetwork | ColourNetwork | None,
    graph: Callable | None,
    quality: int | None,
) -> dict[str, Restore]:
    found: dict[str, Restore] = {"JPEG": lambda compressed: compressed}
    if network is not None and graph is not None:
        found |= methods(
            _PRESET.value or "",
            graph,
            network.channels,
            _ALSO.value,
            quality,
            tables_at(quality, _COLOUR.value) if network.aux_channels else None,
        )
    if quality is not None:
        found |= {name: at_quality(rivals()[name], quality) for name in _RIVALS.value}
    return found


def _network() -> DualPriorNetwork | ColourNetwork | None:
    """The network of the flags, or the part of it that restores what is measured."""
    if _WEIGHTS.value and not _PRESET.value:
        raise ValueError("--weights: name the --preset that they belong to as well.")
    if not set(_ALSO.value) <= set(OPTIONS):
        raise ValueError(
            f"--also: expected some of {', '.join(OPTIONS)}; got "
            f"{','.join(_ALSO.value)}."
        )
    if _COLOUR.value and not set(_ALSO.value) <= {SELF_ENSEMBLE}:
        raise ValueError(f"--also: with --colour expected {SELF_ENSEMBLE} only.")
    if _ALSO.value and not _PRESET.value:
        raise ValueError("--also: name the --preset that it is for as well.")
    if not _PRESET.value:
        return None
    network = load_network(_PRESET.value, _WEIGHTS.value or "shipped")
    return network if _COLOUR.value else unfolding_of(network)


def _find_pictures() -> dict[str, tuple[list, bool]]:
    """By data set: its pictures, and whether they are pairs. Finds all sets first."""
    if not _DATASETS.value:
        raise ValueError("--datasets: expected at least one, got none.")
    found = {}
    for name in _DATASETS.value:
        paired = sources.has_pairs(name, _DATA_DIR.value)
        find = sources.pairs if paired else sources.evaluation_pictures
        found[name] = find(name, _DATA_DIR.value)[: _LIMIT.value], paired
    return found


def _open_output(stack: contextlib.ExitStack) -> dict[str, BinaryIO]:
    """The files of --output, by name, to be complete when `stack` is unwound."""
    if not _OUTPUT.value:
        return {}
    folder = Path(_OUTPUT.value)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"--output: expected a folder, {folder} is a file.")
    folder.mkdir(parents=True, exist_ok=True)
    return {
        name: stack.enter_context(atomic_file(folder / name))
        for name in ("evaluation.md", "evaluation.csv", "pictures.csv")
    }


def main(argv):
    """Reads the flags, measures, prints and writes the tables."""
    del argv
    # Wrong flags are found before anything is computed.
    qualities = parse_qualities(_QUALITIES.value)
    measured_by = measures.find(_METRICS.value)
    if _COLOUR.value and _RIVALS.value:
        raise ValueError("--rivals: grey pictures only, not with --colour.")
    if not set(_RIVALS.value) <= set(rivals()):
        raise ValueError(
            f"--rivals: expected some of {', '.join(rivals())}; got "
            f"{','.join(_RIVALS.value)}."
        )
    pictures = _find_pictures()
    cases = [
        (name, quality)
        for name, (_, paired) in pictures.items()
        for quality in ([None] if paired else qualities)
    ]
    with contextlib.ExitStack() as stack:
        files = _open_output(stack)
        network = _network()
        graph = None if network is None else graph_of_pixels(network)
        scores, rows = [], []
        total = sum(len(pictures[name][0]) for name, _ in cases)
        with tqdm(total=total, unit="picture", disable=None) as bar:
            for name, quality in cases:
                bar.set_description(name if quality is None else f"{name} at {quality}")
                found, _ = pictures[name]
                pairs = read_pairs(found, quality, _CROP.value, colour=_COLOUR.value)
                measured = evaluate(
                    name,
                    quality,
                    _counted(pairs, bar),
                    _methods_at(network, graph, quality),
                    measured_by,
                )
                rows += measured
                scores += means(measured)
                if _PAPER.value and not _COLOUR.value:
                    scores += published_scores(name, quality)
        print(markdown_table(scores), end="")
        contents = {
            "evaluation.md": markdown_table(scores),
            "evaluation.csv": csv_table(scores),
            "pictures.csv": picture_csv(rows),
        }
        for name, file in files.items():
            file.write(contents[name].encode())
    if files:
        names = ", ".join(str(Path(_OUTPUT.value or "", name)) for name in files)
        print(f"Wrote {names}.")


def _counted(pairs: Iterable, bar: tqdm) -> Iterator:
    for pair in pairs:
        yield pair
        bar.update()


if __name__ == "__main__":
    binaries.run(main)
