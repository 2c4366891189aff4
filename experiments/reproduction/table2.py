"""Table 2: the de-blocker replaced."""

from pathlib import Path

from experiments.contenders import DEBLOCKERS, DUAL_PRIOR
from experiments.reproduction.equal_cost import gain_table
from experiments.reproduction.sources import Sources
from experiments.reproduction.val_scores import val_table

TITLE = "Table 2: other de-blockers"


def make(sources: Sources, folder: Path) -> str:
    """Trials at equal cost, and their weights on BSD500 val at quality 10."""
    del folder  # no files beside the page
    names = [*DUAL_PRIOR, *DEBLOCKERS]
    trials = {name: sources.trials(name) for name in names}
    return f"""
The text at hand does not give the table's figures, only what it concludes: the paper's
de-blocker is better than DnCNN, and both than the l1 sparsity.

{gain_table(trials, names)}
{val_table(sources, names)}
"""
