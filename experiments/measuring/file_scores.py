"""JPEG files of photographs and drawings, by several encoders, restored as files."""

import collections
import dataclasses
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dual_prior.pictures.reader import read_picture
from dual_prior.restoration.restorer import Restorer
from experiments.data import encoders
from experiments.data.drawings import KINDS, drawing
from experiments.data.encoders import JPEGLI, LIBJPEG, MOZJPEG, Settings
from experiments.measuring.measures import Measure, psnr
from experiments.measuring.tables import aligned

# A JPEG file to a picture.
Restore = Callable[[bytes], np.ndarray]

_QUALITIES = (10, 20, 30, 40, 60, 80, 90, 95)
_OF_DRAWINGS = ((40, "4:2:0"), (75, "4:4:4"), (75, "4:2:0"), (95, "4:2:0"))
_TWICE = (10, 50)
_SIZES = (30, 60, 85)  # the qualities of libjpeg-turbo whose sizes others are given
_NO_ERROR_DB = 71.0  # what a picture without errors counts in means


@dataclasses.dataclass(frozen=True)
class Case:
    """A JPEG file and what it shows.

    Attributes:
        groups: The rows of the table that it counts in.
        data: The file.
        clean: `[H, W]` or `[H, W, 3]`, uint8.
    """

    groups: tuple[str, ...]
    data: bytes
    clean: np.ndarray


def of_photograph(rgb: np.ndarray) -> Iterator[Case]:
    """All that is measured of a clean photograph `[H, W, 3]`, uint8."""
    for quality in _QUALITIES:
        data = encoders.encode(rgb, Settings(quality=quality))
        yield Case((f"photograph, {quality}",), data, rgb)
    first, second = _TWICE
    once = encoders.encode(rgb, Settings(quality=first))
    cropped = np.asarray(Image.open(io.BytesIO(once)))[1:, 1:]
    data = encoders.encode(cropped, Settings(quality=second))
    yield Case((f"photograph, {first}, cropped, {second}",), data, rgb[1:, 1:])
    installed = encoders.installed()
    for quality in _SIZES:
        size = len(encoders.encode(rgb, Settings(LIBJPEG, quality)))
        for encoder in (LIBJPEG, MOZJPEG, JPEGLI):
            if encoder in installed:
                group = f"{encoder}, size of {quality}"
                yield Case((group,), _of_size(rgb, encoder, size), rgb)


def of_drawings(seeds: Iterable[int]) -> Iterator[Case]:
    """All that is measured of the drawings of these seeds."""
    for seed in seeds:
        rgb = drawing(seed)
        kind = tuple(KINDS)[seed % len(KINDS)]
        for quality, sampling in _OF_DRAWINGS:
            settings = Settings(quality=quality, subsampling=sampling)
            groups = (f"drawing, {quality}, {sampling}", f"drawing: {kind}")
            yield Case(groups, encoders.encode(rgb, settings), rgb)


def _of_size(rgb: np.ndarray, encoder: str, size: int) -> bytes:
    """The file of an encoder that is closest to `size` bytes."""
    low, high = 1, 100
    while high - low > 1:
        middle = (low + high) // 2
        if len(encoders.encode(rgb, Settings(encoder, middle))) < size:
            low = middle
        else:
            high = middle
    files = [encoders.encode(rgb, Settings(encoder, q)) for q in (low, high)]
    return min(files, key=lambda data: abs(len(data) - size))


def by(restorer: Restorer) -> Restore:
    """What `dual-prior restore` makes of the pixels of a file."""

    def restore(data: bytes) -> np.ndarray:
        picture = read_picture(io.BytesIO(data))
        return restorer.restore(picture.pixels, tables=picture.tables).pixels

    return restore


def as_shown(data: bytes) -> np.ndarray:
    """The pixels of a file."""
    return read_picture(io.BytesIO(data)).pixels


def jpegqs() -> Restore | None:
    """`jpegqs -q6`, quantization smoothing (Debian's jpegqs), where it is installed."""
    program = shutil.which("jpegqs")
    if program is None:
        return None

    def restore(data: bytes) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "a.jpg"), Path(folder, "b.jpg")
            source.write_bytes(data)
            command = [program, "-q6", str(source), str(target)]
            subprocess.run(command, check=True, capture_output=True)
            return as_shown(target.read_bytes())

    return restore


def measure(
    cases: Iterable[Case],
    methods: dict[str, Restore],
    measure: Measure = psnr,
    on_case: Callable[[], object] = lambda: None,
) -> dict[str, np.ndarray]:
    """The score of every case by every method, `[cases, methods]`, by group."""
    found: dict[str, list] = collections.defaultdict(list)
    for case in cases:
        scores = [
            measure(case.clean, restore(case.data)) for restore in methods.values()
        ]
        for group in case.groups:
            found[group].append(np.minimum(scores, _NO_ERROR_DB))
        on_case()
    return {group: np.array(scores) for group, scores in found.items()}


def table(scores: dict[str, np.ndarray], methods: Sequence[str]) -> str:
    """Markdown: a row a group; means, and each method's least gain over the first."""
    first, *others = methods
    lines = [["group", "n", *methods, *(f"least gain, {name}" for name in others)]]
    for group, values in scores.items():
        gains = (values[:, 1:] - values[:, :1]).min(axis=0)
        cells = [f"{mean:.2f}" for mean in values.mean(axis=0)]
        cells += [f"{gain:+.2f}" for gain in gains]
        lines.append([group, str(len(values)), *cells])
    return aligned(lines, right=range(1, len(lines[0])))
