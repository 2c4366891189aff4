"""Measures what the paper does not: colour, high quality, compressed twice, per preset.

    python -m experiments.evaluate_photographs --data_dir=../shared/data

On LIVE1, PSNR in dB. "colour": RGB, compressed by OpenCV at 4:2:0, measured over RGB;
beside it, by how many grey levels the mean of a channel is off over the set, at most.
"luma": MATLAB's luma as a one-channel JPEG. "twice": luma at quality 10, cropped by one
pixel in both directions, then at quality 50. A preset of one channel shows what luma
alone gives in colour.

With --output, writes photographs.md there.
"""

import collections
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from absl import flags
from tqdm import tqdm

from dual_prior import jpeg
from dual_prior.atomic_file import atomic_file
from dual_prior.presets import PRESETS
from dual_prior.restoration import restore_array
from dual_prior.unfolding import DualPriorNetwork
from experiments import app, data

_DATA_DIR = flags.DEFINE_string(
    "data_dir", "../shared/data", "Folder that holds live1."
)
_PRESETS = flags.DEFINE_list(
    "presets",
    [name for name, preset in PRESETS.items() if preset.weights],
    "Networks to restore with, by preset: those with shipped weights.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "A .weights.h5 file, for a single preset."
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the table.")
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Measure on the first pictures only.", lower_bound=1
)

_COLOUR_QUALITIES = (10, 20, 30, 40)
_LUMA_QUALITIES = (10, 20, 30, 40, 60, 80, 90, 95)
_TWICE = (10, 50)


@dataclasses.dataclass(frozen=True)
class Case:
    """A compressed picture and what it was: `[H, W]` or `[H, W, 3]`, uint8."""

    name: str
    compressed: np.ndarray
    clean: np.ndarray


def cases(rgb: np.ndarray) -> Iterator[Case]:
    """All that is measured of one clean picture `[H, W, 3]`, uint8."""
    for quality in _COLOUR_QUALITIES:
        yield Case(f"colour {quality}", compress_colour(rgb, quality), rgb)
    luma = jpeg.luma(rgb)
    for quality in _LUMA_QUALITIES:
        yield Case(f"luma {quality}", jpeg.compress(luma, quality), luma)
    first, second = _TWICE
    once = jpeg.compress(luma, first)[1:, 1:]
    yield Case(f"twice {first} {second}", jpeg.compress(once, second), luma[1:, 1:])


def compress_colour(rgb: np.ndarray, quality: int) -> np.ndarray:
    """`rgb` `[H, W, 3]`, uint8, as it looks after OpenCV's JPEG at 4:2:0."""
    settings = [
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ]
    _, encoded = cv2.imencode(".jpg", rgb[..., ::-1], settings)
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])


def psnr(clean: np.ndarray, restored: np.ndarray) -> float:
    """In dB, over all channels together; infinite for equal pictures."""
    error = np.mean((clean.astype(np.float64) - restored) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def measure(pictures, methods, bar=None) -> tuple[dict, dict]:
    """Means over the pictures, by (method, case).

    Args:
        pictures: Clean pictures `[H, W, 3]`, uint8.
        methods: By name, what maps a compressed picture to a restored one.
        bar: A progress bar, told after each picture.

    Returns:
        PSNR in dB; and, of colour, the shift of the channels' means, `[3]`.
    """
    scores, shifts = collections.defaultdict(list), collections.defaultdict(list)
    for rgb in pictures:
        for case in cases(rgb):
            for method, restore in methods.items():
                restored = restore(case.compressed)
                key = (method, case.name)
                scores[key].append(psnr(case.clean, restored))
                if restored.ndim == 3:
                    difference = restored.astype(np.float64) - case.clean
                    shifts[key].append(difference.mean(axis=(0, 1)))
        if bar is not None:
            bar.update()
    means = {key: float(np.mean(values)) for key, values in scores.items()}
    return means, {key: np.mean(values, axis=0) for key, values in shifts.items()}


def table(means: dict, shifts: dict) -> str:
    """Markdown: a row a case, a column a method."""
    methods = list(dict.fromkeys(method for method, _ in means))
    names = list(dict.fromkeys(name for _, name in means))
    lines = [["LIVE1", *methods, *(f"shift, {m}" for m in methods)]]
    for name in names:
        cells = [f"{means[method, name]:.3f}" for method in methods]
        for method in methods:
            shift = shifts.get((method, name))
            cells.append("" if shift is None else f"{np.abs(shift).max():.2f}")
        lines.append([name, *cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([rows[0], rule, *rows[1:]]) + "\n"


def _restoring(preset: str):
    network = DualPriorNetwork.from_preset(preset, _WEIGHTS.value or "shipped")
    channels = network.deblocker.channels
    return lambda image: restore_array(image, network, channels)


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
    paths = data.evaluation_paths(_DATA_DIR.value, "live1")[: _LIMIT.value]
    methods = {"JPEG": lambda image: image}
    methods |= {preset: _restoring(preset) for preset in _PRESETS.value}
    with tqdm(total=len(paths), unit="picture", disable=None) as bar:
        result = table(*measure(map(data.read_rgb, paths), methods, bar))
    print(result, end="")
    if _OUTPUT.value:
        folder = Path(_OUTPUT.value)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_file(folder / "photographs.md") as file:
            file.write(result.encode())


if __name__ == "__main__":
    app.run(main)
