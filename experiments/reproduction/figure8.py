"""Figure 8: how many stages."""

from pathlib import Path

import numpy as np

from experiments.contenders.ablations import STAGES
from experiments.reproduction.ablations import (
    UNTRAINED,
    ablation_table,
    protocol,
    restarted,
)
from experiments.reproduction.drawing import figure
from experiments.reproduction.inputs import Sources

TITLE = "Figure 8: the number of stages K"


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
    return f"""
The paper finds that quality rises up to K = 5 and falls a little at 7, each K trained
to convergence. J = 1 here, in all of them.

{protocol()}

{restarted(sources)}

![Gain against K, and against the time of training](figure8.png)

{ablation_table(trials, STAGES, one)}
"""
