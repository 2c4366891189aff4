"""Files of photographs and drawings, by several encoders, restored as files."""

import collections
import dataclasses
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dual_prior import jpeg
from dual_prior.pictures.consistency import clipping_of
from dual_prior.pictures.reader import read_picture
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from experiments.data import encoders
from experiments.data.drawings import KINDS, drawing
from experiments.data.encoders import JPEGLI, LIBJPEG, MOZJPEG, Settings
from experiments.measuring.measures import Measure, psnr
from experiments.measuring.tables import aligned

# A file to a picture.
Restore = Callable[[bytes], np.ndarray]

QUALITIES = (10, 20, 30, 40, 60, 80, 90, 95)
_OF_DRAWINGS = ((40, "4:2:0"), (75, "4:4:4"), (75, "4:2:0"), (95, "4:2:0"))
_TWICE = (10, 50)
_COPIED = (20, 60)
_SIZES = (30, 60, 85)  # of libjpeg-turbo; files of other encoders have these sizes
_PLATFORM_SIDE, _OF_PLATFORM = 1080, (70, 75, 80, 85)
_NO_ERROR_DB = 71.0  # the value of a picture without errors in means


@dataclasses.dataclass(frozen=True)
class Case:
    """A file and the picture it was made from.

    Attributes:
        groups: The rows of the table that it counts in.
        data: The file.
        clean: `[H, W]` or `[H, W, 3]`, uint8.
    """

    groups: tuple[str, ...]
    data: bytes
    clean: np.ndarray


def of_photograph(
    rgb: np.ndarray, qualities: Sequence[int] = QUALITIES
) -> Iterator[Case]:
    """All cases of a clean photograph `[H, W, 3]`, uint8."""
    luma = jpeg.luma(rgb)
    for name, picture in (("colour", rgb), ("luma", luma)):
        for quality in qualities:
            data = encoders.encode(picture, Settings(quality=quality))
            yield Case((f"{name}, {quality}",), data, picture)
    first, second = _TWICE
    once = as_shown(encoders.encode(luma, Settings(quality=first)))[1:, 1:]
    data = encoders.encode(once, Settings(quality=second))
    yield Case((f"luma, {first}, cropped, {second}",), data, luma[1:, 1:])
    for quality in _COPIED:  # as a screenshot is: the tables are lost
        copy = as_shown(encoders.encode(rgb, Settings(quality=quality)))
        yield Case((f"colour, {quality}, then PNG",), _png(copy), rgb)
        group = f"colour, {quality}, cropped, then PNG"
        yield Case((group,), _png(copy[3:, 5:]), rgb[3:, 5:])
    yield Case(("photograph as PNG",), _png(rgb), rgb)


def of_platform(pictures: Iterable[np.ndarray]) -> Iterator[Case]:
    """A stand-in for what social networks store of photographs `[H, W, 3]`, uint8.

    At most 1,080 pixels a side, libjpeg-turbo, 4:2:0, quality 70, 75, 80 and 85 in
    turn. The clean picture is the scaled one.
    """
    for number, rgb in enumerate(pictures):
        scale = min(1, _PLATFORM_SIDE / max(rgb.shape))
        size = [round(scale * side) for side in rgb.shape[1::-1]]
        clean = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        quality = _OF_PLATFORM[number % len(_OF_PLATFORM)]
        data = encoders.encode(clean, Settings(quality=quality))
        yield Case(("platform stand-in",), data, clean)


def of_encoders(rgb: np.ndarray) -> Iterator[Case]:
    """A clean photograph `[H, W, 3]`, uint8, by each encoder, at equal sizes."""
    installed = encoders.installed()
    for quality in _SIZES:
        size = len(encoders.encode(rgb, Settings(LIBJPEG, quality)))
        for encoder in (LIBJPEG, MOZJPEG, JPEGLI):
            if encoder in installed:
                group = f"{encoder}, size of {quality}"
                yield Case((group,), _of_size(rgb, encoder, size), rgb)


def of_drawings(seeds: Iterable[int]) -> Iterator[Case]:
    """All cases of the drawings of these seeds."""
    for seed in seeds:
        rgb = drawing(seed)
        kind = tuple(KINDS)[seed % len(KINDS)]
        for quality, sampling in _OF_DRAWINGS:
            settings = Settings(quality=quality, subsampling=sampling)
            groups = (f"drawing, {quality}, {sampling}", f"drawing: {kind}")
            yield Case(groups, encoders.encode(rgb, settings), rgb)
        yield Case(("drawing as PNG",), _png(rgb), rgb)


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


def _png(rgb: np.ndarray) -> bytes:
    """A file that loses nothing."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def by(restorer: Restorer) -> Restore:
    """Restores the pixels of a file as `dual-prior restore` does."""

    def restore(data: bytes) -> np.ndarray:
        picture = read_picture(io.BytesIO(data))
        pixels = picture.pixels
        if picture.jpeg is None and restorer.is_clean(
            restorer.probability(pixels), picture.trace
        ):
            return pixels
        clipping = clipping_of(picture, restorer.options.consistency)
        return restorer.restore(
            pixels,
            tables=picture.tables,
            trace=picture.trace,
            held=clipping.held,
            without_network=clipping.is_all,
        )

    return restore


def methods(presets: Iterable[str]) -> dict[str, Restore]:
    """What makes a picture of a file, by name: the file itself first, then presets."""
    found: dict[str, Restore] = {"JPEG": as_shown}
    return found | {preset: by(Restorer(Options(preset))) for preset in presets}


def middle(rgb: np.ndarray, side: int) -> np.ndarray:
    """The middle of a picture `[H, W, 3]`, at most `side` pixels a side."""
    top, left = (max(0, length - side) // 2 for length in rgb.shape[:2])
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def as_shown(data: bytes) -> np.ndarray:
    """The pixels of a file."""
    return read_picture(io.BytesIO(data)).pixels


def jpegqs() -> Restore | None:
    """`jpegqs -q6`, quantization smoothing (Debian's jpegqs), where it is installed."""
    program = shutil.which("jpegqs")
    if program is None:
        return None

    def restore(data: bytes) -> np.ndarray:
        if not data.startswith(b"\xff\xd8"):
            return as_shown(data)  # it takes JPEG files only
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
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Every case by every method.

    Returns:
        By group, the scores `[cases, methods]`; and by how many grey levels the mean of
        a channel is off on the average of the cases, at most, `[methods]`.
    """
    most = _NO_ERROR_DB if measure is psnr else np.inf
    scores: dict[str, list] = collections.defaultdict(list)
    shifts: dict[str, list] = collections.defaultdict(list)
    for case in cases:
        restored = [restore(case.data) for restore in methods.values()]
        measured = [measure(case.clean, picture) for picture in restored]
        means = [
            (picture.astype(np.float64) - case.clean).mean(axis=(0, 1))
            for picture in restored
        ]
        for group in case.groups:
            scores[group].append(np.minimum(measured, most))
            shifts[group].append(means)
        on_case()
    return (
        {group: np.array(values) for group, values in scores.items()},
        {
            group: np.abs(np.mean(values, axis=0)).reshape(len(methods), -1).max(axis=1)
            for group, values in shifts.items()
        },
    )


def table(
    scores: dict[str, np.ndarray], shifts: dict[str, np.ndarray], methods: Sequence[str]
) -> str:
    """Markdown: a row a group; means, and each method's least gain over the first."""
    first, *others = methods
    header = ["group", "n", *methods, *(f"least gain, {name}" for name in others)]
    lines = [header + [f"shift, {name}" for name in methods]]
    for group, values in scores.items():
        gains = (values[:, 1:] - values[:, :1]).min(axis=0)
        cells = [f"{mean:.2f}" for mean in values.mean(axis=0)]
        cells += [f"{gain:+.2f}" for gain in gains]
        cells += [f"{shift:.2f}" for shift in shifts[group]]
        lines.append([group, str(len(values)), *cells])
    return aligned(lines, right=range(1, len(lines[0])))
