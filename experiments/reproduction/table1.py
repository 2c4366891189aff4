"""Table 1: the methods of the paper as printed, and what was measured here."""

from pathlib import Path

import numpy as np

from dual_prior.atomic_file import atomic_file
from experiments import cost, data
from experiments.configs import QUALITIES
from experiments.contenders import BASELINES
from experiments.reproduction.sources import Sources, compact, restored
from experiments.scores import (
    CONSISTENT,
    SELF_ENSEMBLE,
    csv_table,
    evaluate,
    markdown_table,
    methods,
    published_scores,
    read_pairs,
)
from experiments.timing import best_seconds

TITLE = "Table 1: comparison with other methods"

_TIMED_SIDE = 512  # pixels


def make(sources: Sources, folder: Path) -> str:
    """Measures `compact`, its options and the trained baselines; writes table1.csv."""
    networks = {"compact": compact()}
    for name in BASELINES:
        model = sources.trained(name)
        if model is not None:
            networks[f"{name}, trained here"] = model
    scores = []
    for dataset in data.EVALUATION_SETS:
        for quality in QUALITIES:
            found = {"JPEG": lambda compressed: compressed}
            for name, network in networks.items():
                also = (CONSISTENT, SELF_ENSEMBLE) if name == "compact" else ()
                found |= methods(name, network, 1, also, quality)
            pairs = read_pairs(sources.paths(dataset), quality)
            scores += evaluate(dataset, quality, pairs, found)
            scores += published_scores(dataset, quality)
    for dataset in data.PAIR_SETS:
        scores += published_scores(dataset, None)
    with atomic_file(folder / "table1.csv") as file:
        file.write(csv_table(scores).encode())
    untrained = ", ".join(name for name in BASELINES if sources.trained(name) is None)
    return f"""
Rows marked "(Table 1)" are the paper's, as printed; the others were measured here, by
one protocol. Baselines "trained here" had as many minutes of training as each other
(see the comparison at equal cost), a small part of what the published weights had;
`compact` had 77 minutes. SSIM stands in the column of its window; where no publication
settles which window the paper used, it stands at the end of the row. "kept":
coefficients that come out as before when the result is encoded again. Twitter and
WeChat: data not at hand;
`python -m experiments.evaluate --datasets=twitter,wechat` measures them.
Not trained yet: {untrained or "none"}.

{markdown_table(scores)}
What the networks measured here cost:

{_costs(networks)}
"""


def _costs(networks: dict) -> str:
    plane = np.random.default_rng(0).integers(0, 256, (_TIMED_SIDE,) * 2, np.uint8)
    megapixels = plane.size / 1e6
    lines = [
        "| network | parameters | FLOP a pixel | seconds a megapixel |",
        "|---|---|---|---|",
    ]
    for name, network in networks.items():
        seconds = best_seconds(lambda network=network: restored(network, plane), 3)
        lines.append(
            f"| {name} | {network.count_params():,} | {2 * cost.macs(network):,.0f} "
            f"| {seconds / megapixels:.1f} |"
        )
    return "\n".join(lines) + "\n"
