"""Beyond the paper: files as people have them, in colour, and drawings."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dual_prior.system.atomic_file import atomic_file
from experiments.data.drawings import HELD_OUT_SEED
from experiments.data.sources import Picture
from experiments.data.training_pictures import find
from experiments.measuring import file_scores
from experiments.measuring.tables import csv_text
from experiments.reproduction.inputs import Sources
from experiments.reproduction.page import finding

TITLE = "Beyond the paper: photographs and drawings"

_PRESETS = ("photo", "fast")
_NUM_DRAWINGS = 36
_NUM_CROPS = 6  # of the encoders
_SIDE = 256  # of these, pixels

# By group, the scores `[files, methods]`, and the shifts `[methods]`.
Scores = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


def make(sources: Sources, folder: Path) -> str:
    """LIVE1 and drawings by the presets for files; writes photographs.csv."""
    methods = file_scores.methods(_PRESETS)
    with tqdm(unit="file", leave=False, disable=None) as bar:
        photographs = file_scores.measure(
            _of_photographs(sources), methods, on_case=bar.update
        )
        # It takes seconds a picture, and nothing else is said of it.
        if jpegqs := file_scores.jpegqs():
            methods["jpegqs -q6"] = jpegqs
        seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + (sources.limit or _NUM_DRAWINGS))
        drawings = file_scores.measure(
            file_scores.of_drawings(seeds), methods, on_case=bar.update
        )
    return _page(folder, photographs, drawings, list(methods))


def _of_photographs(sources: Sources) -> Iterator[file_scores.Case]:
    """Whole pictures of LIVE1, and of the first ones the middle, by each encoder."""
    pictures = sources.pictures("live1")
    return itertools.chain(
        *(file_scores.of_photograph(picture.rgb()) for picture in pictures),
        *(
            file_scores.of_encoders(file_scores.middle(p.rgb(), _SIDE))
            for p in pictures[:_NUM_CROPS]
        ),
        file_scores.of_platform(p.rgb() for p in pictures + _held_out(sources)),
    )


def _held_out(sources: Sources) -> list[Picture]:
    """The pictures of CLIC that training holds out, if they are there."""
    if not Path(sources.data_dir, "clic").is_dir():
        return []
    return [*find(["clic"], sources.data_dir).held_out[: sources.limit]]


def _found(photographs: Scores, drawings: Scores, names: list[str]) -> str:
    """What the first preset gains over the files."""

    def gain(scores: Scores, groups: list[str], method: int) -> str:
        values = np.concatenate([scores[0][group] for group in groups])
        return f"{np.mean(values[:, method] - values[:, 0]):+.2f}"

    in_colour = [f"colour, {quality}" for quality in file_scores.QUALITIES]
    drawn = [group for group in drawings[0] if group.startswith("drawing, ")]
    of_tool = ""
    if len(names) > 1 + len(_PRESETS):
        of_tool = f" ({names[-1]}: {gain(drawings, drawn, len(names) - 1)})"
    return finding(
        paper="grey pictures of quality 10, 20 and 30 only",
        measured="`photo` over the file, LIVE1 in colour at 10 to 95: "
        f"{gain(photographs, in_colour, 1)} dB; drawings: "
        f"{gain(drawings, drawn, 1)}{of_tool}",
        verdict="one network serves photographs and drawings of any quality; on "
        "drawings a tool without training can be better",
    )


def _page(folder: Path, photographs: Scores, drawings: Scores, names: list[str]) -> str:
    """Writes photographs.csv; returns the page."""
    rows = [
        (group, len(values), name, psnr)
        for scores, _ in (photographs, drawings)
        for group, values in scores.items()
        for name, psnr in zip(names, values.mean(axis=0), strict=False)
    ]
    with atomic_file(folder / "photographs.csv") as file:
        header = ["group", "files", "method", "psnr"]
        file.write(csv_text(header, rows).encode())
    return f"""
{_found(photographs, drawings, names)}

PSNR in dB, each picture written as a file and restored as `dual-prior restore` does.
"least gain": over the file itself, the worst of the group. "shift": by how many grey
levels the mean of a channel is off. `python -m experiments.evaluate_photographs` prints
the same for other presets.

LIVE1. "colour": RGB, stored at 4:2:0, measured over RGB. "luma": grey files of MATLAB's
luma, as in Table 1. "luma, 10, cropped, 50": compressed at quality 10, cropped by one
pixel in both directions, then compressed at quality 50. "then PNG": decoded and stored
as PNG, so that the tables are lost; "cropped": by three rows and five columns.
"as PNG": never compressed. "platform stand-in", for Twitter's and WeChat's pictures,
which were not available: LIVE1 and held-out pictures of CLIC, scaled to 1,080 pixels a
side at most, at quality 70 to 85, 4:2:0.
"size of 60": the middle {_SIDE}x{_SIDE} pixels of the first {_NUM_CROPS} pictures, in
the file by that encoder whose size is closest to libjpeg-turbo's at quality 60.

{file_scores.table(*photographs, names[: 1 + len(_PRESETS)])}
Made-up drawings that no network was trained on; a kind ("drawing: text") at qualities
40, 75 and 95 together.

{file_scores.table(*drawings, names)}
"""
