"""Figure 8: how many stages."""

from pathlib import Path

import numpy as np

from experiments.contenders.ablations import STAGES
from experiments.reproduction.ablations import (
    UNTRAINED,
    ablation_table,
    difference,
    protocol,
    restarted,
)
from experiments.reproduction.drawing import figure
from experiments.reproduction.equal_cost import mean_gain
from experiments.reproduction.inputs import Sources
from experiments.reproduction.page import finding

TITLE = "Figure 8: the number of stages K"

_BEST = "K = 5"  # paper


def make(sources: Sources, folder: Path) -> str:
    """Trials of equal steps; writes figure8.png."""
    trials = {name: sources.trials(name) for name in STAGES}
    trained = {name: results for name, results in trials.items() if results}
    if not trained:
        return UNTRAINED
    one, *_ = trained
    with figure(folder / "figure8.png", 1, 2, 4, 3.2) as ((by_stages, by_time),):
        for axes, cost_of, label in (
            (by_stages, lambda name, r: int(name.removeprefix("K = ")), "K"),
            (by_time, lambda name, r: r.steps * r.seconds_per_step, "seconds trained"),
        ):
            points = [
                (np.median([cost_of(name, r) for r in results]), r.gain)
                for name, results in trained.items()
                for r in results
            ]
            axes.plot(*zip(*points, strict=True), "o", color="tab:blue")
            axes.set_xlabel(label)
            axes.locator_params(axis="x", integer=True, nbins=7)
            axes.set_ylabel("gain over the JPEG, dB")
    gains = {name: mean_gain(results) for name, results in trained.items()}
    best = max(gains, key=lambda name: gains[name])
    mean, low, high = difference(trained[best], trained[one])
    found = finding(
        paper="quality rises up to K = 5, and falls a little at 7",
        measured="; ".join(f"{name}: {gain:.3f}" for name, gain in gains.items())
        + f" dB over the JPEG, after equal steps; {best} beside {one}: {mean:+.3f} "
        f"({low:+.3f} to {high:+.3f})",
        verdict="holds" if best == _BEST else f"does not hold here: {best} is best",
    )
    return f"""
{found}

J = 1 in all of them.

{protocol()}

{restarted(sources)}

![Gain against K, and against the time of training](figure8.png)

{ablation_table(trials, STAGES, one)}
"""
