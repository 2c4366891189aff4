"""Table 1: the methods of the paper as printed, and what was measured here."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dual_prior.network.backend import compiled
from dual_prior.network.presets import find_preset
from dual_prior.system.atomic_file import atomic_file
from experiments.contenders.registry import BASELINES
from experiments.data.protocol import QUALITIES
from experiments.data.sources import EVALUATION_SETS, PAIR_SETS
from experiments.measuring import cost
from experiments.measuring.scores import (
    REACHES,
    SELF_ENSEMBLE,
    Score,
    csv_table,
    evaluate,
    means,
    methods,
    published_scores,
)
from experiments.measuring.throughput import best_seconds
from experiments.reproduction import ssim_windows
from experiments.reproduction.inputs import Sources, compact, restored
from experiments.reproduction.page import finding
from experiments.reproduction.score_cache import remembered

TITLE = "Table 1: comparison with other methods"

_PAPERS_OWN = "Proposed (Table 1)"
_TRAINED_HERE = {f"{name}, trained here": name for name in BASELINES}

_TIMED_SIDE = 512  # pixels
# The slow rows are measured on the smallest set only.
_SELF_ENSEMBLE_SETS = ("classic5",)
_BASELINE_SETS = ("classic5",)


def make(sources: Sources, folder: Path) -> str:
    """Measures `compact`, its options and the trained baselines; writes table1.csv."""
    networks = _networks(sources)
    scores = []
    for dataset in EVALUATION_SETS:
        for quality in QUALITIES:
            for name in ("JPEG", *networks):
                if name in _TRAINED_HERE and dataset not in _BASELINE_SETS:
                    continue
                scores += _measured(sources, dataset, quality, name, networks)
            scores += published_scores(dataset, quality)
    for dataset in PAIR_SETS:
        scores += published_scores(dataset, None)
    with atomic_file(folder / "table1.csv") as file:
        file.write(csv_table(scores).encode())
    missing = [name for name in BASELINES if sources.weights(name) is None]
    untrained = f"Baselines not trained yet: {', '.join(missing)}.\n" if missing else ""
    return f"""
{_found(scores)}

Rows marked "(Table 1)" are the paper's, as printed; the others were measured here, by
one protocol. Baselines "trained here" had equal training times of minutes (see the
comparison at equal cost), a small part of what the published weights had; `compact` had
seven hours on two CPU cores and seven minutes on an accelerator. "kept": the share of
quantized coefficients that are unchanged when the result is encoded again.
"consistent": the result, projected onto the pictures that the JPEG may have been made
from; "narrow": onto a narrower set within. Neither needs training, and hardly any time.
The self-ensemble, eight times as slow, and the baselines trained here are measured on
Classic5 only. Twitter and WeChat were not available;
`evaluate --preset=compact --datasets=twitter,wechat --crop=1024` measures them. A
stand-in by a written-down pipeline is among the [photographs](photographs.md).
{untrained}
PSNR in dB, set and quality; SSIM in both conventions, PSNR-B and "kept" are in
[table1.csv](table1.csv):

{summary(scores)}
What the networks measured here cost:

{_costs(networks)}
### Which SSIM the paper prints

Table 1 mixes two conventions. Below, how far each row's SSIM lies above the line
through the JPEG and `compact`, both measured here, at its PSNR: near 0 in one, 0.01 to
0.02 away in the other. Most methods are quoted with the gaussian window on
Classic5 and LIVE1, as their authors published, and measured with the uniform one on
BSD500; the paper's own row is uniform throughout. So the gain over RDN that it states
for Classic5 at 10, 0.0209 in SSIM, is mostly the window's: on that set at that quality
the uniform SSIM of the same picture is 0.018 higher. Four rows fit neither: M-Net on
LIVE1 at 10 (0.8103; 0.8193 in other copies of the table in the paper's text), RNAN on
Classic5 at 10 (0.8278; 0.8178), LD at 30, whose PSNR on LIVE1 is lower than at 20, and
SADCT on BSD500, which is nearer to the uniform one.

{ssim_windows.table(scores)}
"""


def _found(scores: Sequence[Score]) -> str:
    """What `compact` has beside the printed rows."""
    psnr: dict[str, dict[tuple, float]] = {}
    for score in scores:
        if score.psnr is not None and score.dataset not in PAIR_SETS:
            case = score.dataset, score.quality
            psnr.setdefault(score.method, {})[case] = score.psnr
    ours, theirs = psnr["compact"], psnr[_PAPERS_OWN]
    behind = [theirs[case] - ours[case] for case in theirs]
    ahead = [
        method.removesuffix(" (Table 1)")
        for method, of_method in psnr.items()
        if method.endswith(" (Table 1)")
        and all(ours[case] > of_method[case] for case in of_method)
    ]

    def on_classic5(of_method):
        return " / ".join(f"{of_method['classic5', q]:.2f}" for q in QUALITIES)

    return finding(
        paper=f"the network has {on_classic5(theirs)} dB on Classic5, the best of "
        "twelve methods",
        measured=f"`compact`: {on_classic5(ours)}; on three sets it is "
        f"{min(behind):.2f} to {max(behind):.2f} dB behind the paper's row, and in all "
        f"nine cells ahead of {', '.join(ahead) or 'none'}",
        verdict="not reached, by a network of about a fortieth of its arithmetic",
    )


def summary(scores: Sequence[Score]) -> str:
    """Markdown of PSNR: a row a method, a column a data set and quality."""
    cases = dict.fromkeys((s.dataset, s.quality) for s in scores)
    psnr = {(s.method, s.dataset, s.quality): s.psnr for s in scores}
    titles = [f"{name} {quality or ''}".strip() for name, quality in cases]
    lines = [f"| method | {' | '.join(titles)} |", "|---" * (1 + len(cases)) + "|"]
    for method in dict.fromkeys(s.method for s in scores):
        values = [psnr.get((method, *case)) for case in cases]
        cells = ["" if value is None else f"{value:.2f}" for value in values]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _networks(sources: Sources) -> dict[str, tuple[Callable, Path]]:
    """What makes a network, and its weights, by name."""
    shipped = find_preset("compact").weights()
    networks: dict[str, tuple[Callable, Path]] = {"compact": (compact, shipped)}
    for label, name in _TRAINED_HERE.items():
        weights = sources.weights(name)
        if weights is not None:
            networks[label] = functools.partial(sources.trained, name), weights
    return networks


def _measured(
    sources: Sources, dataset: str, quality: int, name: str, networks: dict
) -> list[Score]:
    """The rows of one method, and of its options, on one set at one quality."""
    make_network, weights = networks.get(name, (None, None))
    also = list(REACHES) if name == "compact" else []
    if also and dataset in _SELF_ENSEMBLE_SETS:
        also.append(SELF_ENSEMBLE)
    pictures = sources.pictures(dataset)

    def measure():
        found = {name: lambda compressed: compressed}
        if make_network:
            found = methods(name, compiled(make_network(), 1), 1, also, quality)
        pairs = sources.pairs(dataset, quality, name)
        return means(evaluate(dataset, quality, pairs, found))

    return remembered(
        sources.scores,
        measure,
        method=name,
        weights=weights,
        dataset=dataset,
        quality=quality,
        also=also,
        pictures=len(pictures),
    )


def _costs(networks: dict) -> str:
    plane = np.random.default_rng(0).integers(0, 256, (_TIMED_SIDE,) * 2, np.uint8)
    megapixels = plane.size / 1e6
    lines = [
        "| network | parameters | FLOP a pixel | seconds a megapixel |",
        "|---|---|---|---|",
    ]
    for name, (make_network, _) in networks.items():
        network = make_network()
        graph = compiled(network, 1)
        seconds = best_seconds(functools.partial(restored, graph, plane), 3)
        lines.append(
            f"| {name} | {network.count_params():,} | {2 * cost.macs(network):,.0f} "
            f"| {seconds / megapixels:.1f} |"
        )
    return "\n".join(lines) + "\n"
