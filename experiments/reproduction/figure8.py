"""Figure 8: how many stages."""

from pathlib import Path

import numpy as np

from experiments.contenders.registry import DUAL_PRIOR, STAGES
from experiments.reproduction.drawing import figure
from experiments.reproduction.equal_cost import gain_table
from experiments.reproduction.inputs import Sources

TITLE = "Figure 8: the number of stages K"


def make(sources: Sources, folder: Path) -> str:
    """Trials at equal cost; writes figure8.png."""
    by_stages = {1: "K = 1", 2: next(iter(DUAL_PRIOR)), 3: "K = 3", 5: "K = 5"}
    by_stages[7] = "K = 7"
    trials = {k: sources.trials(name) for k, name in by_stages.items()}
    with figure(folder / "figure8.png", 1, 1, 5, 3.2) as ((axes,),):
        for k, results in trials.items():
            gains = [result.gain for result in results]
            axes.plot([k] * len(gains), gains, "o", color="tab:blue")
        trained = [k for k in trials if trials[k]]
        means = [np.mean([r.gain for r in trials[k]]) for k in trained]
        axes.plot(trained, means, color="tab:blue")
        axes.set_xlabel("K")
        axes.set_ylabel("gain over the JPEG, dB")
        axes.set_title("held-out pictures, equal training time")
    named = {name: sources.trials(name) for name in by_stages.values()}
    table = gain_table(named, {*STAGES, *DUAL_PRIOR})
    return f"""
The paper trains each K to convergence: quality rises up to K = 5 and falls a little at
7. Here each has the same time, so more stages mean fewer steps: the figure shows the
best K for a given budget. "dual prior" is K = 2, around the paper's de-blocker made
small.

![Gain against K](figure8.png)

{table}
"""
