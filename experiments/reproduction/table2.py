"""Table 2: the de-blocker replaced."""

from pathlib import Path

from experiments.contenders.registry import DEBLOCKERS, DUAL_PRIOR
from experiments.reproduction.equal_cost import gain_table
from experiments.reproduction.inputs import Sources

TITLE = "Table 2: other de-blockers"


def make(sources: Sources, folder: Path) -> str:
    """Trials at equal cost."""
    del folder  # no files beside the page
    names = [*DUAL_PRIOR, *DEBLOCKERS]
    trials = {name: sources.trials(name) for name in names}
    return f"""
The available text of the paper lacks the figures of this table. It concludes that the
paper's de-blocker is better than DnCNN and than the l1 sparsity. Here "dual prior" is
the paper's de-blocker, made small; the pyramid is that of `compact`.

{gain_table(trials, names)}
"""
