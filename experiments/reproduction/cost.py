"""Quality against arithmetic: published networks, and the presets."""

import csv
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dual_prior.network.colour_network import load_network, unfolding_of
from dual_prior.network.presets import PRESETS
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from dual_prior.system.atomic_file import atomic_file
from experiments.data.protocol import QUALITIES
from experiments.measuring import cost
from experiments.measuring.peers import Peer, peers
from experiments.measuring.published import table1
from experiments.measuring.tables import csv_text
from experiments.measuring.throughput import best_seconds
from experiments.reproduction.drawing import figure
from experiments.reproduction.inputs import Sources
from experiments.reproduction.page import finding

TITLE = "Quality against arithmetic"

_SETS = {"live1": "LIVE1", "classic5": "Classic5"}
_QUALITY = 10  # drawn
# Labels lie right of their points; these would lie on another's.
_OFFSETS = {
    "FBCNN": (6, -9),
    "DRUNet": (-2, 7),
    "QGCN": (-24, 7),
    "RNAN": (-12, -13),
    "SwinIR": (6, -10),
}
# `paper` takes minutes.
_REFERENCE, _ALSO_TIMED = "photo", ("fast", "compact")
_TIMED_SIDE, _REPEATS = 512, 5  # ours
_HEADER = ["preset", "parameters", "million_macs_per_pixel", "time"]
_OURS, _OTHERS = "tab:red", "0.35"


def make(sources: Sources, folder: Path) -> str:
    """Reads table1.csv and photographs.csv of `folder`; writes cost.png."""
    del sources
    ours = _presets(folder)
    others = peers()
    with figure(folder / "cost.png", 1, len(_SETS), 5.4, 4.4) as (row,):
        for axes, (dataset, title) in zip(row, _SETS.items(), strict=True):
            _draw(axes, dataset, others, _OTHERS)
            _draw(axes, dataset, ours, _OURS)
            _draw_paper(axes, dataset)
            axes.set_xscale("log")
            axes.set_xticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
            axes.minorticks_off()
            axes.set_xlim(0.03, 30)
            axes.grid(alpha=0.25)
            axes.set_xlabel("million multiply-accumulates a pixel")
            axes.set_ylabel("PSNR, dB")
            axes.set_title(f"{title}, grey, quality {_QUALITY}")
    unmeasured = [
        f"`{peer.method}` on {title}"
        for peer in ours
        for dataset, title in _SETS.items()
        if (dataset, _QUALITY) not in peer.psnr
    ]
    times = _times()
    timed = "; ".join(f"`{name}` {time:.2f}" for name, time in times.items())
    rows = [
        [peer.method, load_network(peer.method).count_params(), peer.macs]
        + [times.get(peer.method)]
        for peer in ours
    ]
    with atomic_file(folder / "cost.csv") as file:
        file.write(csv_text(_HEADER, rows).encode())
    return f"""
{_found(ours, others)}

Red: the presets, as measured here (table1.csv; photographs.csv for `photo` and `fast`).
Grey: published networks, as printed. The dotted line is the paper's own row of Table 1,
whose cost is not printed. The JPEG itself lies far below, at 27.77 dB on LIVE1 and
27.82 on Classic5.

![PSNR against multiply-accumulates a pixel](cost.png)

{_table([*others, *ours])}
Time of a {_TIMED_SIDE}x{_TIMED_SIDE} colour picture beside `{_REFERENCE}`, the best of
{_REPEATS} in one run: {timed}.
Not measured here: {", ".join(unmeasured) or "none"}.
"""


def _found(ours: Sequence[Peer], others: Sequence[Peer]) -> str:
    """Which presets no published network beats with as little arithmetic, on LIVE1."""
    case = ("live1", _QUALITY)

    def is_beaten(one: Peer) -> bool:
        return any(
            peer.macs <= one.macs and peer.psnr.get(case, 0.0) >= one.psnr[case]
            for peer in others
        )

    measured = [peer for peer in ours if case in peer.psnr]
    unbeaten = [f"`{peer.method}`" for peer in measured if not is_beaten(peer)]
    best = max(others, key=lambda peer: peer.psnr.get(case, 0.0))
    figures = [
        f"`{peer.method}` {peer.psnr[case]:.2f} ({peer.macs:.2g})" for peer in measured
    ]
    return finding(
        paper="prints no cost",
        measured=f"LIVE1 at {_QUALITY}, dB (million multiply-accumulates a pixel): "
        f"{'; '.join(figures)}; {best.method}, the best published, "
        f"{best.psnr[case]:.2f} ({best.macs:.3g})",
        verdict="no published network here is better with as little: "
        + (", ".join(unbeaten) or "none"),
    )


def _times() -> dict[str, float]:
    """Seconds of each preset that people use, divided by those of the first."""
    size = (_TIMED_SIDE, _TIMED_SIDE, 3)
    picture = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    restorers = {name: Restorer(Options(name)) for name in (_REFERENCE, *_ALSO_TIMED)}
    best = dict.fromkeys(restorers, np.inf)
    for _ in range(_REPEATS):  # in turn, so that all see the same noise
        for name, restorer in restorers.items():
            seconds = best_seconds(functools.partial(restorer.restore, picture), 1)
            best[name] = min(best[name], seconds)
    return {name: seconds / best[_REFERENCE] for name, seconds in best.items()}


def _presets(folder: Path) -> list[Peer]:
    """The presets, with what `folder` holds of their figures."""
    psnr: dict[str, dict[tuple[str, int], float]] = {name: {} for name in PRESETS}
    for row in _rows(folder / "table1.csv"):
        if row["method"] in psnr and row["quality"]:
            case = (row["dataset"], int(row["quality"]))
            psnr[row["method"]][case] = float(row["psnr"])
    for row in _rows(folder / "photographs.csv"):
        group = row["group"].split(", ")
        if group[0] == "luma" and len(group) == 2 and row["method"] in psnr:
            case = ("live1", int(group[1]))
            psnr[row["method"]].setdefault(case, float(row["psnr"]))
    found = []
    for name in PRESETS:
        network = unfolding_of(load_network(name))  # of grey pictures
        macs = cost.macs(network, network.deblocker.channels)
        parameters = network.count_params() / 1e6
        found.append(Peer(name, parameters, macs / 1e6, "no", psnr[name]))
    return sorted(found, key=lambda peer: peer.macs)


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _draw(axes, dataset: str, networks: list[Peer], colour: str) -> None:
    for network in networks:
        psnr = network.psnr.get((dataset, _QUALITY))
        if psnr is None:
            continue
        axes.plot(network.macs, psnr, "o", color=colour)
        axes.annotate(
            network.method,
            (network.macs, psnr),
            xytext=_OFFSETS.get(network.method, (6, -3)),
            textcoords="offset points",
            color=colour,
            weight="bold" if colour == _OURS else "normal",
        )


def _draw_paper(axes, dataset: str) -> None:
    (psnr,) = [
        row.psnr
        for row in table1()
        if (row.method, row.dataset, row.quality) == ("Proposed", dataset, _QUALITY)
    ]
    axes.axhline(psnr, linestyle=":", color=_OTHERS)
    axes.text(0.033, psnr + 0.01, "Fu et al., as printed", color=_OTHERS, fontsize=9)


def _table(networks: list[Peer]) -> str:
    qualities = " / ".join(map(str, QUALITIES))
    lines = [
        "| network | M parameters | M multiply-accumulates a pixel "
        f"| Classic5 {qualities} | LIVE1 {qualities} | knows the quality |",
        "|---|---|---|---|---|---|",
    ]
    for network in sorted(networks, key=lambda network: network.macs):
        cells = []
        for dataset in ("classic5", "live1"):
            values = [network.psnr.get((dataset, q)) for q in QUALITIES]
            texts = ["-" if value is None else f"{value:.2f}" for value in values]
            cells.append(" / ".join(texts))
        name = f"**{network.method}**" if network.method in PRESETS else network.method
        lines.append(
            f"| {name} | {network.parameters:.3g} | {network.macs:.3g} "
            f"| {cells[0]} | {cells[1]} | {network.knows_quality} |"
        )
    return "\n".join(lines) + "\n"
