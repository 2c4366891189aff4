"""Table 2: the de-blocker replaced."""

from pathlib import Path

from experiments.contenders.ablations import DEBLOCKERS
from experiments.reproduction.ablations import UNTRAINED, ablation_table
from experiments.reproduction.inputs import Sources

TITLE = "Table 2: other de-blockers"


def make(sources: Sources, folder: Path) -> str:
    """Trials of equal steps, from random weights."""
    del folder  # no files beside the page
    trials = {name: sources.trials(name) for name in DEBLOCKERS}
    if not any(trials.values()):
        return UNTRAINED
    pyramid, *_ = DEBLOCKERS
    return f"""
The available text of the paper lacks the figures of this table. It concludes that the
paper's de-blocker is better than DnCNN and than the l1 sparsity. Here all four have
about 25,000 multiply-accumulates a pixel, begin with random weights and see the same
patches, in one stage with J = 1. "The paper's units" is its de-blocker made small; the
pyramid is of the kind that `compact` has. Columns are those of
[the priors](ablations.md).

{ablation_table(trials, DEBLOCKERS, pyramid)}
"""
