"""Measurements beyond the paper: colour, high quality, compressed twice."""

import collections
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from dual_prior import jpeg
from dual_prior.network.backend import compiled
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import restore_array
from experiments.measuring.measures import psnr
from experiments.measuring.tables import aligned

# A picture to a picture.
Restore = Callable[[np.ndarray], np.ndarray]

_COLOUR_QUALITIES = (10, 20, 30, 40)
_LUMA_QUALITIES = (10, 20, 30, 40, 60, 80, 90, 95)
_TWICE = (10, 50)


@dataclasses.dataclass(frozen=True)
class Case:
    """A compressed picture and the clean one: `[H, W]` or `[H, W, 3]`, uint8."""

    name: str
    compressed: np.ndarray
    clean: np.ndarray


def cases(rgb: np.ndarray) -> Iterator[Case]:
    """All cases of one clean picture `[H, W, 3]`, uint8."""
    for quality in _COLOUR_QUALITIES:
        yield Case(f"colour {quality}", jpeg.compress_colour(rgb, quality), rgb)
    luma = jpeg.luma(rgb)
    for quality in _LUMA_QUALITIES:
        yield Case(f"luma {quality}", jpeg.compress(luma, quality), luma)
    first, second = _TWICE
    once = jpeg.compress(luma, first)[1:, 1:]
    yield Case(f"twice {first} {second}", jpeg.compress(once, second), luma[1:, 1:])


def restore_planes(rgb: np.ndarray, restore_grey: Restore) -> np.ndarray:
    """A colour picture whose luma and chroma are restored as grey pictures each.

    The chroma of a 4:2:0 file at its own resolution: half the picture's.

    Args:
        rgb: `[H, W, 3]`, uint8.
        restore_grey: Maps a plane `[H, W]`, uint8, to the restored one.
    """
    luma, *chroma = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))
    planes = [restore_grey(luma)]
    height, width = luma.shape
    half = (-(-width // 2), -(-height // 2))
    for plane in chroma:
        stored = cv2.resize(plane, half, interpolation=cv2.INTER_AREA)
        of_half = restore_grey(stored).astype(np.float32) - stored
        change = cv2.resize(of_half, (width, height), interpolation=cv2.INTER_LINEAR)
        planes.append(np.clip(np.round(plane + change), 0, 255).astype(np.uint8))
    return cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2RGB)


def methods(
    name: str, network: DualPriorNetwork
) -> tuple[dict[str, Restore], dict[str, Restore]]:
    """The methods of a network by name: for all pictures, and for colour only.

    A network of one channel does not change the chroma; "NAME, planes", for colour
    only, restores it, too.
    """
    channels = network.channels

    graph = compiled(network, channels)

    def restore(image):
        return restore_array(image, graph, channels)

    planes = functools.partial(restore_planes, restore_grey=restore)
    return {name: restore}, {f"{name}, planes": planes} if channels == 1 else {}


def measure(
    pictures: Iterable[np.ndarray],
    methods: dict[str, Restore],
    colour_methods: dict[str, Restore] | None = None,
    on_picture: Callable[[], object] = lambda: None,
) -> tuple[dict, dict]:
    """Means over the pictures, by (method, case).

    Args:
        pictures: Clean pictures `[H, W, 3]`, uint8.
        methods: By name, functions from a compressed picture to a restored one.
        colour_methods: The same, for colour only.
        on_picture: Called after each picture.

    Returns:
        PSNR in dB; and, of colour, the shift of the channels' means, `[3]`.
    """
    scores, shifts = collections.defaultdict(list), collections.defaultdict(list)
    for rgb in pictures:
        for case in cases(rgb):
            for_colour = (colour_methods or {}) if case.clean.ndim == 3 else {}
            for method, restore in (methods | for_colour).items():
                restored = restore(case.compressed)
                key = (method, case.name)
                scores[key].append(psnr(case.clean, restored))
                if restored.ndim == 3:
                    difference = restored.astype(np.float64) - case.clean
                    shifts[key].append(difference.mean(axis=(0, 1)))
        on_picture()
    means = {key: float(np.mean(values)) for key, values in scores.items()}
    return means, {key: np.mean(values, axis=0) for key, values in shifts.items()}


def table(means: dict, shifts: dict) -> str:
    """Markdown: a row a case, a column a method."""
    methods = list(dict.fromkeys(method for method, _ in means))
    names = list(dict.fromkeys(name for _, name in means))
    lines = [["LIVE1", *methods, *(f"shift, {m}" for m in methods)]]
    for name in names:
        values = [means.get((method, name)) for method in methods]
        cells = ["" if value is None else f"{value:.3f}" for value in values]
        for method in methods:
            shift = shifts.get((method, name))
            cells.append("" if shift is None else f"{np.abs(shift).max():.2f}")
        lines.append([name, *cells])
    return aligned(lines)
