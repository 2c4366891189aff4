"""Table 2: the de-blocker replaced."""

from pathlib import Path

from experiments.contenders.ablations import DEBLOCKERS, PAPERS_UNITS
from experiments.reproduction.ablations import UNTRAINED, ablation_table
from experiments.reproduction.equal_cost import mean_gain
from experiments.reproduction.inputs import Sources
from experiments.reproduction.page import finding

TITLE = "Table 2: other de-blockers"


def make(sources: Sources, folder: Path) -> str:
    """Trials of equal steps, from random weights."""
    del folder  # no files beside the page
    trials = {name: sources.trials(name) for name in DEBLOCKERS}
    if not any(trials.values()):
        return UNTRAINED
    pyramid, *_ = DEBLOCKERS
    gains = {name: mean_gain(results) for name, results in trials.items() if results}
    ranked = sorted(gains, key=lambda name: -gains[name])
    named = [name.removeprefix("de-blocker: ") for name in ranked]
    verdict = "not all trained yet"
    if len(gains) == len(DEBLOCKERS):
        others = [gains[name] for name in gains if name not in (pyramid, PAPERS_UNITS)]
        holds = gains[PAPERS_UNITS] > max(others)
        verdict = f"{'holds' if holds else 'does not hold'}; the best is {named[0]}"
    found = finding(
        paper="its de-blocker is better than DnCNN and than l1 sparsity",
        measured="; ".join(
            f"{name}: {gains[full]:.3f}"
            for name, full in zip(named, ranked, strict=True)
        )
        + " dB over the JPEG, at equal arithmetic and steps",
        verdict=verdict,
    )
    return f"""
{found}

The available text of the paper lacks the figures of this table. Here all four have
about 25,000 multiply-accumulates a pixel, begin with random weights and see the same
patches, in one stage with J = 0. "The paper's units" is its de-blocker made small; the
pyramid is of the kind that `compact` has. Columns are those of
[the priors](ablations.md).

{ablation_table(trials, DEBLOCKERS, pyramid)}
"""
