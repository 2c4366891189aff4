"""Measures speed and memory, in relation to the capacity of the machine.

    python -m experiments.benchmark --preset=compact

Prints, and with --output writes as Markdown:
- the machine's convolution peak: training steps of plain 3x3 convolutions of 128
  channels, in float32 and in bfloat16;
- a training step of the preset by Adam and the mean absolute error, in the precision
  that training takes here: the de-blocker's part as a share of that peak, and where the
  rest goes; not of networks for colour files;
- restoration of a 512x512 picture, beside DnCNN's architecture (20 convolutions of 64
  features) on the same cores, and of a large one by tiles: time and peak memory;
- with --folder=200, a folder of this many photographs of mixed size and quality, made
  from the pictures in --data_dir: the command, beside a process for each picture;
- with --cluster=12, this many pictures restored by one worker of a Ray cluster and by
  two, beside the command without a cluster; and the overhead of Ray, without a network.
--training=False, --restoration=False and --large=0 leave out the rest:

    python -m experiments.benchmark --preset=photo --cluster=12 --training=False \
        --restoration=False --large=0

Times are the shortest of several, but for the large picture and the folder, which are
timed once, and the cluster's, which are medians of rounds taken in turn. On a busy
machine only the ratios mean something.
"""

import functools
import itertools
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from absl import flags

from dual_prior.jpeg.table_plane import UNKNOWN
from dual_prior.network.backend import compiled
from dual_prior.network.colour_network import (
    ColourNetwork,
    load_network,
    unfolding_of,
)
from dual_prior.network.presets import PRESETS, find_preset
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import restore_array, seen_by
from dual_prior.restoration.restorer import graph_of_pixels
from dual_prior.system.atomic_file import atomic_file
from experiments import binaries
from experiments.contenders.baselines.dncnn import dncnn
from experiments.data import sources
from experiments.measuring import cluster_speed, cost, folder_speed
from experiments.measuring.own_process import alone
from experiments.measuring.tables import aligned
from experiments.measuring.throughput import (
    FLOP_PER_MAC,
    PASSES,
    best_seconds,
    convolution_peak,
    faster_dtype,
    training_seconds,
)
from experiments.training import recipes

_PRESET = flags.DEFINE_string(
    "preset", "compact", f"What to measure: one of {', '.join(PRESETS)}."
)
_OUTPUT = flags.DEFINE_string("output", None, "Markdown file to write.")
_LARGE = flags.DEFINE_float(
    "large", 24.0, "Megapixels of the large picture; 0: none.", lower_bound=0
)
_FOLDER = flags.DEFINE_integer(
    "folder", 0, "Photographs in the folder that is restored; 0: none.", lower_bound=0
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", "../shared/data", "Folder of bsds500, cid22 and live1."
)
_CLUSTER = flags.DEFINE_integer(
    "cluster", 0, "Pictures for workers of a Ray cluster; 0: none.", lower_bound=0
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 2, "Of the cluster's measurements.", lower_bound=1
)
_RESTORATION = flags.DEFINE_bool("restoration", True, "Measure a 512x512 picture.")
_TRAINING = flags.DEFINE_bool("training", True, "Measure training steps.")
_REPEATS = flags.DEFINE_integer(
    "repeats", 7, "Of which the best counts.", lower_bound=1
)


def training_report(preset: str, repeats: int) -> str:
    """Where the time of a training step goes, as Markdown."""
    recipe = recipes.network_recipe(find_preset(preset))
    phase = recipe.phases[-1]
    peaks = {
        dtype: convolution_peak(dtype, repeats)
        for dtype in ("float32", "mixed_bfloat16")
    }
    dtype = faster_dtype(recipe.dtype)
    keras.config.set_dtype_policy(dtype)
    network = DualPriorNetwork.from_preset(preset, weights=None)
    network = network.with_changes(num_stages=phase.num_stages)
    channels = network.channels
    rng = np.random.default_rng(0)
    shape = (phase.batch_size, phase.patch_size, phase.patch_size, channels)
    batch = rng.uniform(size=shape).astype(np.float32)
    whole = training_seconds(network, batch, repeats)

    image = keras.Input((None, None, channels))
    deblocker = keras.Model(image, network.deblocker(image))
    deblocker_seconds = training_seconds(deblocker, batch, repeats)
    macs = cost.macs(network.deblocker, channels) * batch.size / channels
    flop = PASSES * FLOP_PER_MAC * macs
    share = flop / deblocker_seconds / peaks[dtype]
    keras.config.set_dtype_policy("float32")

    stages = phase.num_stages
    in_deblockers = stages * deblocker_seconds / whole
    rows = {
        **{
            f"convolution peak, {d}": f"{p / 1e9:.0f} GFLOP/s" for d, p in peaks.items()
        },
        f"step, K = {stages}, {shape[0]} patches of {shape[1]}x{shape[2]}, "
        f"{dtype}": f"{whole * 1e3:.0f} ms",
        "de-blocker alone": f"{deblocker_seconds * 1e3:.0f} ms",
        "its arithmetic": f"{flop / 1e9:.1f} GFLOP",
        "its share of the peak": f"{share:.0%}",
        f"{stages} de-blockers, of the step": f"{in_deblockers:.0%}",
        "descent, solver, loss, optimiser, of the step": f"{1 - in_deblockers:.0%}",
    }
    return _table("training", rows)


def restoration_report(preset: str, repeats: int) -> str:
    """Time of a 512x512 picture and of its parts, beside DnCNN, as Markdown."""
    network = load_network(preset, weights=None)
    unfolding = unfolding_of(network)
    picture = _noise(512, network.channels)
    planes = seen_by(unfolding.channels, np.atleast_3d(picture))
    y = keras.ops.convert_to_tensor(planes[None])
    stage = unfolding.stages[0]
    beta = stage.solver.beta.value()
    u, g = unfolding.deblocker(y), stage.descent(y, beta)
    rival = dncnn(batch_normalization=False)
    restore, rival_graph = _restore(network), compiled(rival, 1)
    parts = {
        "network": lambda: restore(picture),
        "one de-blocker": lambda: _wait(unfolding.deblocker(y)),
        "one classifier descent": lambda: _wait(stage.descent(y, beta)),
        "one solver": lambda: _wait(stage.solver(y, u, g)),
        "DnCNN's architecture": lambda: restore_array(_noise(512, 1), rival_graph),
    }
    if isinstance(network, ColourNetwork):
        chroma = y[..., :1] - keras.ops.zeros((1, 1, 1, 2))
        parts["chroma"] = lambda: _wait(network.chroma(chroma))
    seconds = {name: best_seconds(run, repeats) for name, run in parts.items()}
    ratio = seconds["network"] / seconds["DnCNN's architecture"]
    macs = cost.macs(network, network.channels)
    rows = {
        **{name: f"{value * 1e3:.0f} ms" for name, value in seconds.items()},
        "network / DnCNN's architecture": f"{ratio:.2f}",
        "FLOP a pixel, network": f"{FLOP_PER_MAC * macs:,.0f}",
        "FLOP a pixel, DnCNN": f"{FLOP_PER_MAC * cost.macs(rival):,.0f}",
        "parameters, network": f"{network.count_params():,}",
        "parameters, DnCNN": f"{rival.count_params():,}",
    }
    return _table("512x512 picture, float32", rows)


def large_report(preset: str, megapixels: float) -> str:
    """Time and peak memory of a large picture, in a process of its own."""
    side = round((megapixels * 1e6) ** 0.5 / 8) * 8
    seconds, peak = alone(_restore_large, preset, side)
    pace = side * side / seconds / 1e6
    rows = {
        "time": f"{seconds:.0f} s, {pace:.2f} megapixels/s",
        "peak memory of the process": f"{peak / 2**30:.2f} GiB",
    }
    return _table(f"{side}x{side} picture, by tiles", rows)


def mixed_pictures(data_dir: str, count: int) -> list[sources.Picture]:
    """Pictures of all sets in turn, so that any number of them is mixed.

    Raises:
        ValueError: There are not so many.
    """
    sets = [
        sources.evaluation_pictures("live1", data_dir),
        sources.training_pictures("cid22", data_dir),
        sources.evaluation_pictures("bsds500", data_dir),
    ]
    turns = itertools.zip_longest(*sets)
    pictures = [picture for turn in turns for picture in turn if picture is not None]
    if count > len(pictures):
        raise ValueError(
            f"--folder: expected at most {len(pictures)}, the pictures in {data_dir}; "
            f"got {count}."
        )
    return pictures[:count]


def folder_report(preset: str, pictures: list[sources.Picture], repeats: int) -> str:
    """Pace of a folder of photographs, as Markdown."""
    peak = convolution_peak("float32", repeats)
    rows = folder_speed.measure(preset, pictures, peak, repeats)
    return _table(f"{len(pictures)} photographs, float32", rows)


def cluster_report(preset: str, count: int, rounds: int) -> str:
    """Pace of one and two workers on this machine, and Ray's part, as Markdown."""
    rows = cluster_speed.measure(preset, count, rounds)
    return _table("workers of one core, float32", rows)


def _table(title: str, rows: dict[str, str]) -> str:
    return aligned([(title, ""), *rows.items()])


def _restore_large(preset: str, side: int) -> tuple[float, int]:
    network = load_network(preset, weights=None)
    picture = _noise(side, network.channels)
    restore = _restore(network)
    started = time.perf_counter()
    restore(picture)
    seconds = time.perf_counter() - started
    return seconds, _peak_memory()


def _restore(network: DualPriorNetwork | ColourNetwork) -> Callable:
    """A function of pictures, whose tables are not known."""
    return functools.partial(
        restore_array,
        network=graph_of_pixels(network),
        channels=network.channels,
        tables=UNKNOWN if network.aux_channels else None,
    )


def _peak_memory() -> int:
    """Bytes that this process had at most.

    Not by getrusage: a child starts with what its parent had.
    """
    status = Path("/proc/self/status").read_text()
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kib) * 1024


def _noise(side: int, channels: int) -> np.ndarray:
    shape = (side, side) if channels == 1 else (side, side, channels)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _wait(tensor) -> np.ndarray:
    # Backends compute asynchronously: a result has been computed when it can be read.
    return keras.ops.convert_to_numpy(tensor)


def main(argv):
    """Reads the flags, measures, prints and writes the tables."""
    del argv
    preset, repeats = _PRESET.value, _REPEATS.value
    pictures = mixed_pictures(_DATA_DIR.value, _FOLDER.value) if _FOLDER.value else []
    header = (
        f"{find_preset(preset).name}, {keras.backend.backend()}, {os.cpu_count()} cores"
    )
    sections = [f"**{header}**\n"]
    if _TRAINING.value and recipes.recipe_for(preset).network:
        sections.append(training_report(preset, repeats))
    if _RESTORATION.value:
        sections.append(restoration_report(preset, repeats))
    if _LARGE.value:
        sections.append(large_report(preset, _LARGE.value))
    if pictures:
        sections.append(folder_report(preset, pictures, repeats))
    if _CLUSTER.value:
        sections.append(cluster_report(preset, _CLUSTER.value, _ROUNDS.value))
    text = "\n".join(sections)
    print(text, end="")
    if _OUTPUT.value:
        path = Path(_OUTPUT.value)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            file.write(text.encode())


if __name__ == "__main__":
    binaries.run(main)
