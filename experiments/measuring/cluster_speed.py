"""The speed of a Ray cluster on this machine, beside the command without one."""

import contextlib
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dual_prior import jpeg

_WARM = 2  # ours: pictures a worker before its pace counts; the first traces the graph
_SMALL, _MANY = (48, 64), 300  # ours: pictures for Ray's own part
_LARGE, _QUALITY = (321, 481), 40  # ours: as the pictures of BSD500

# The command; `unchanged` puts a restorer in the network's place.
_COMMAND = "import sys; from dual_prior import cli; cli.run({})"
_NETWORK = _COMMAND.format("")
_UNCHANGED = "from experiments.measuring.cluster_speed import Unchanged; " + (
    _COMMAND.format("Unchanged")
)


class Unchanged:
    """Takes the place of a `Restorer`, and does nothing."""

    def __init__(self, options=None):
        pass

    def probability(self, image):
        return 1.0

    def is_clean(self, probability):
        return False

    def restore(self, image, *_, **__):
        return image


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the command.

    Attributes:
        whole_seconds: From its start to its end.
        seconds: A picture, once all workers are warm.
        cpu_seconds: A picture, of the command, the workers and Ray together.
        own_cpu_seconds: A picture, of the command's own process.
    """

    whole_seconds: float
    seconds: float
    cpu_seconds: float
    own_cpu_seconds: float


def measure(preset: str, count: int, rounds: int) -> dict[str, str]:
    """Restores a folder with no cluster, by one worker and by two, in turn.

    Args:
        preset: The network.
        count: Pictures of 481x321.
        rounds: Of which medians are reported.

    Returns:
        Values by title.

    Raises:
        ValueError: There are too few pictures, or Ray is not installed.
        CalledProcessError: The command has failed.
    """
    if count <= 2 * _WARM:
        raise ValueError(f"--cluster: expected more than {2 * _WARM} pictures.")
    try:
        from ray.cluster_utils import Cluster
    except ModuleNotFoundError as error:
        raise ValueError(
            '--cluster needs Ray: pip install "dual-prior[cluster]"'
        ) from error
    os.environ["PYTHONPATH"] = os.getcwd()  # where workers find `Unchanged`
    settings: dict[str, Any] = {
        "num_cpus": 1,
        "memory": 4 * 2**30,
        "object_store_memory": 80 * 2**20,
    }
    with tempfile.TemporaryDirectory() as folder:
        large = _write(Path(folder, "large"), count, _LARGE)
        small = _write(Path(folder, "small"), _MANY, _SMALL)
        words = ["--preset", preset]
        cluster = Cluster(True, head_node_args={**settings, "include_dashboard": False})
        try:
            runs: dict[tuple, list[Run]] = {}
            for index in range(rounds):
                for workers in (0, 1, 2):
                    where = ["--cluster", cluster.address] if workers else []
                    node = cluster.add_node(**settings) if workers == 2 else None
                    for name, script, pictures in (
                        ("network", _NETWORK, large),
                        ("nothing", _UNCHANGED, small),
                    ):
                        output = Path(folder, f"{name}-{workers}-{index}")
                        run = _run(script, pictures, output, workers, words + where)
                        runs.setdefault((name, workers), []).append(run)
                    if node is not None:
                        cluster.remove_node(node)
        finally:
            cluster.shutdown()
    return dict(_rows(runs, count))


def _rows(runs: dict[tuple, list[Run]], count: int) -> Iterator[tuple[str, str]]:
    def median(key: tuple, value: Callable[[Run], float]) -> float:
        return statistics.median(map(value, runs[key]))

    def told(key: tuple) -> str:
        """Seconds, also as a share of those without a cluster in the same round."""
        pairs = zip(runs[key], runs[key[0], 0], strict=True)
        ratio = statistics.median(run.seconds / alone.seconds for run, alone in pairs)
        seconds = median(key, lambda run: run.seconds)
        whole = median(key, lambda run: run.whole_seconds)
        return (
            f"{1 / seconds:.2f} pictures/s, {ratio:.2f} of the time without a cluster; "
            f"from start to end {whole:.0f} s"
        )

    wheres = {0: "no cluster, all cores", 1: "one worker", 2: "two workers"}
    megapixels = _LARGE[0] * _LARGE[1] / 1e6
    for workers, where in wheres.items():
        cpu = median(("network", workers), lambda run: run.cpu_seconds)
        yield (
            f"{count} of {_LARGE[1]}x{_LARGE[0]}, {where}",
            f"{told(('network', workers))}; {cpu / megapixels:.1f} CPU s a megapixel",
        )
    for workers, where in wheres.items():
        cpu = median(("nothing", workers), lambda run: run.cpu_seconds)
        own = median(("nothing", workers), lambda run: run.own_cpu_seconds)
        yield (
            f"{_MANY} of {_SMALL[1]}x{_SMALL[0]}, no network, {where}",
            f"{told(('nothing', workers))}; {cpu * 1e3:.1f} ms of CPU a picture, "
            f"{own * 1e3:.1f} ms of it in the process that plans",
        )
    # One worker's: of several, some have begun a picture before the warm ones end.
    cpu = median(("network", 1), lambda run: run.cpu_seconds)
    hours = 1e8 * cpu / megapixels / 3600
    yield "a hundred million pictures of a megapixel", f"{hours:,.0f} core hours"


def _write(folder: Path, count: int, shape: tuple[int, int]) -> Path:
    """A folder of JPEGs of smooth noise."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        coarse = rng.uniform(0, 255, (shape[0] // 16 + 1, shape[1] // 16 + 1))
        plane = np.kron(coarse, np.ones((16, 16)))[: shape[0], : shape[1]]
        data = jpeg.encode(plane.astype(np.uint8), _QUALITY)
        (folder / f"{index:04}.jpg").write_bytes(data)
    return folder


def _run(
    script: str, pictures: Path, output: Path, workers: int, words: list[str]
) -> Run:
    command = [sys.executable, "-c", script, "restore", str(pictures)]
    command += ["--output", str(output), "--json", *words]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    warm, count = _WARM * max(workers, 1), len(list(pictures.iterdir()))
    stamps = {}
    for index, _ in enumerate(process.stdout or (), 1):  # a picture each, a summary
        if index in (warm, count):  # workers are still there
            stamps[index] = np.array(
                [time.perf_counter(), *_cpu_seconds(os.getpid(), process.pid)]
            )
    if code := process.wait():
        raise subprocess.CalledProcessError(code, command)
    whole = time.perf_counter() - started
    return Run(whole, *(stamps[count] - stamps[warm]) / (count - warm))


def _cpu_seconds(root: int, process: int) -> tuple[float, float]:
    """Of all processes below one, and of one of them."""
    status = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            fields = path.read_text().rpartition(")")[2].split()
            status[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:13]))
    ours = {root}
    while more := {pid for pid in status if status[pid][0] in ours} - ours:
        ours |= more
    below = sum(status[pid][1] for pid in ours - {root})
    tick = os.sysconf("SC_CLK_TCK")
    return below / tick, status[process][1] / tick
