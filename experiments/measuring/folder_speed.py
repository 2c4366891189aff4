"""The speed of restoring a folder of photographs, and of alternatives."""

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import keras
import numpy as np

from dual_prior.network.backend import compiled
from dual_prior.network.colour_network import load_network
from experiments.data.sources import Picture
from experiments.measuring import cost
from experiments.measuring.throughput import best_seconds

_QUALITIES = (50, 65, 75, 85, 95)  # ours, in turn
_ALONE = 8  # ours: pictures that are restored in a process each
_BATCH, _BATCH_SIDE = 4, 256  # ours


def measure(
    preset: str, pictures: Sequence[Picture], peak: float, repeats: int
) -> dict[str, str]:
    """Restores a folder by the command, and some of its pictures one a process.

    Args:
        preset: The network.
        pictures: Clean ones; JPEGs of mixed quality are made of them.
        peak: FLOP/s of convolutions on this machine.
        repeats: Of the comparison of batches.

    Returns:
        Values by title.

    Raises:
        CalledProcessError: The command has failed.
    """
    network = load_network(preset)
    channels = network.channels
    with tempfile.TemporaryDirectory() as folder:
        photographs = Path(folder) / "photographs"
        pixels = _write_photographs(pictures, photographs)
        seconds = _command(preset, photographs, Path(folder) / "restored")
        alone = list(pixels)[:_ALONE]
        alone_seconds = sum(
            _command(preset, path, Path(folder) / f"{path.stem}.png") for path in alone
        )
    pace = sum(pixels.values()) / seconds
    alone_pace = sum(pixels[path] for path in alone) / alone_seconds
    share = 2 * cost.macs(network, channels) * pace / peak
    batched = _batch_seconds(network, channels, repeats)
    return {
        "the command, one folder": f"{pace / 1e6:.3f} megapixels/s",
        f"a process each (the first {len(alone)})": f"{alone_pace / 1e6:.3f} "
        f"megapixels/s, {alone_pace / pace:.2f} of that",
        "of the convolution peak, float32": f"{share:.0%}",
        f"{_BATCH} of one size as one batch / one by one": f"{batched:.2f} of the time",
    }


def _write_photographs(pictures: Sequence[Picture], folder: Path) -> dict[Path, int]:
    """JPEGs of the pictures, and how many pixels each has."""
    folder.mkdir()
    pixels: dict[Path, int] = {}
    for picture, quality in zip(pictures, itertools.cycle(_QUALITIES), strict=False):
        image = picture.rgb()
        photograph = folder / f"{len(pixels):04}.jpg"
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        cv2.imwrite(str(photograph), image[..., ::-1], settings)
        pixels[photograph] = image.shape[0] * image.shape[1]
    return pixels


def _command(preset: str, source: Path, output: Path) -> float:
    """Seconds that `dual-prior restore` takes, from its start to its end."""
    command = [sys.executable, "-m", "dual_prior", "restore", str(source)]
    command += ["--output", str(output), "--preset", preset, "--quiet"]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def _batch_seconds(network, channels: int, repeats: int) -> float:
    """The time of a batch, as a share of that of its pictures one by one."""
    shape = (_BATCH, _BATCH_SIDE, _BATCH_SIDE, channels)
    batch = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    graph = compiled(network, channels)

    def one_by_one():
        for picture in batch:
            keras.ops.convert_to_numpy(graph(picture[None]))

    together = best_seconds(lambda: keras.ops.convert_to_numpy(graph(batch)), repeats)
    return together / best_seconds(one_by_one, repeats)
