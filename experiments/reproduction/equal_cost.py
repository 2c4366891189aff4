"""The comparison at equal cost: `compact` and the baselines, each trained as long."""

from pathlib import Path

import numpy as np

from dual_prior.system.atomic_file import atomic_file
from experiments.contenders.registry import COMPACT, CONTENDERS
from experiments.contenders.trial import TrialResult
from experiments.data.protocol import QUALITIES
from experiments.measuring.tables import csv_text
from experiments.reproduction.inputs import Sources
from experiments.reproduction.page import finding

TITLE = "At equal cost: compact and the baselines"
UNTRAINED = "Not trained yet: `python -m experiments.train_contenders`.\n"


def make(sources: Sources, folder: Path) -> str:
    """Tables of all finished trials; writes equal_cost.csv."""
    trials = {name: sources.trials(name) for name in CONTENDERS}
    with atomic_file(folder / "equal_cost.csv") as file:
        file.write(_csv(trials).encode())
    how = sources.settings()["trials"]
    time = f"{how['minutes']:g} minutes ({how['dtype']})" if how else "the same minutes"
    if not any(trials.values()):
        return UNTRAINED
    found = finding(
        paper="compares published weights only",
        measured=verdict(trials),
        verdict="which architecture learns fastest, not which is best in the end",
    )
    return f"""
{found}

Gain over the JPEG in dB on the 10 held-out training pictures, mean of quality 10, 20
and 30. Each was trained for {time} on the same machine, with the same feed
and schedule, by `python -m experiments.train_contenders`. Mean of the seeds ± half
their range, where there are several. The runs are short: they show which network
learns fastest, not which is the best in the end.

{gain_table(trials)}
"""


def gain_table(trials: dict[str, list[TrialResult]]) -> str:
    """Markdown of what the trials have gained, the best first."""
    chosen = {name: results for name, results in trials.items() if results}
    lines = [
        "| network | gain | at 10 / 20 / 30 | seeds | steps | parameters "
        "| FLOP a pixel |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in sorted(chosen, key=lambda name: -mean_gain(chosen[name])):
        results = chosen[name]
        gains = [result.gain for result in results]
        lines.append(
            f"| {name} | {np.mean(gains):.3f}{_spread(gains)} "
            f"| {gains_by_quality(results)} | {len(gains)} "
            f"| {round(np.mean([result.steps for result in results])):,} "
            f"| {results[0].parameters:,} | {2 * results[0].macs:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _spread(gains: list[float]) -> str:
    return f" ± {np.ptp(gains) / 2:.3f}" if len(gains) > 1 else ""


def verdict(trials: dict[str, list[TrialResult]]) -> str:
    """Which place `compact` has among them, and how far from the next."""
    gains = {name: mean_gain(results) for name, results in trials.items() if results}
    if COMPACT not in gains or len(gains) < 2:
        return "no two of them trained yet"
    ranked = sorted(gains, key=lambda name: -gains[name])
    rank = ranked.index(COMPACT)
    rival = ranked[0] if rank else ranked[1]
    return (
        f"`compact`: {rank + 1} of {len(ranked)}, "
        f"{gains[COMPACT] - gains[rival]:+.2f} dB beside {rival}"
    )


def mean_gain(results: list[TrialResult]) -> float:
    """Of a contender's trials, dB."""
    return float(np.mean([result.gain for result in results]))


def gains_by_quality(results: list[TrialResult]) -> str:
    """Of a contender's trials, dB, as text."""
    gains = np.mean([np.subtract(r.restored, r.jpeg) for r in results], axis=0)
    return " / ".join(f"{gain:.2f}" for gain in gains)


def _csv(trials: dict[str, list[TrialResult]]) -> str:
    qualities = [f"{kind}_{q}" for kind in ("jpeg", "restored") for q in QUALITIES]
    header = ["contender", "seed", "steps", "seconds_per_step", "parameters"]
    header += ["macs_per_pixel", *qualities]
    rows = [
        [r.contender, r.seed, r.steps, r.seconds_per_step, r.parameters]
        + [r.macs, *r.jpeg, *r.restored]
        for results in trials.values()
        for r in results
    ]
    return csv_text(header, rows)
