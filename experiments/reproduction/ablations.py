"""What each part of the network gives, where networks have been trained to the end."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from keras import ops

from dual_prior import jpeg
from dual_prior.network.prior_effect import moves_of_g, shares_of_g
from dual_prior.system.atomic_file import atomic_file
from experiments.contenders.ablations import (
    ABLATIONS,
    HELD,
    HELD_WITH,
    HELD_WITHOUT,
    ONE,
    PRIORS,
    RANDOM,
    START,
    WHOLE,
    WITHOUT,
)
from experiments.contenders.trial import TrialResult
from experiments.data.protocol import QUALITIES
from experiments.measuring.classifier_scores import centre
from experiments.measuring.tables import csv_text
from experiments.reproduction.equal_cost import gains_by_quality, mean_gain
from experiments.reproduction.inputs import Sources, compact
from experiments.reproduction.page import finding

TITLE = "The priors: with and without, trained to the end"
UNTRAINED = "Not trained yet: `python -m experiments.train_ablations`.\n"

# What the summary names: two networks, the second without f_s.
_COMPARED = {
    "J = 1": (WHOLE, WITHOUT),
    "J = 1 with a random classifier": (RANDOM, WITHOUT),
    "J = 1 with the scalars held": (HELD_WITH, HELD_WITHOUT),
}
_QUALITY = 10  # ours: of the picture whose g is followed

_RESAMPLES = 10_000  # ours
_SURE = (2.5, 97.5)  # ours: percentiles, of an interval of 95 %


def make(sources: Sources, folder: Path) -> str:
    """Tables of the trials; writes ablations.csv."""
    trials = {name: sources.trials(name) for name in ABLATIONS}
    with atomic_file(folder / "ablations.csv") as file:
        file.write(_csv(trials).encode())
    if not trials[WHOLE] or not trials[WITHOUT]:
        return UNTRAINED
    differences = {
        label: difference(trials[one], trials[other])
        for label, (one, other) in _COMPARED.items()
        if trials[one] and trials[other]
    }
    found = finding(
        paper="the semantic-level prior, J steps through f_s, helps",
        measured="; ".join(
            f"{label}: {mean:+.3f} dB ({low:+.3f} to {high:+.3f})"
            for label, (mean, low, high) in differences.items()
        )
        + ", each beside J = 0",
        verdict=said(*differences["J = 1"]),
    )
    return f"""
{found}

{protocol()}

{restarted(sources)}

K = 2 with its semantic prior (J = 1, the trained classifier), and one thing changed.
Training is free to set all scalars, and makes the prior hardly count:

{ablation_table(trials, [WHOLE, *PRIORS], WHOLE)}
The same where it must count: lambda2, eta and beta are held, so that on training
patches each stage's descent moves g by about one grey level, and x takes half of the
finest gradients of g.

{ablation_table(trials, HELD, HELD_WITHOUT)}
How far g moves at each stage, in grey levels, and which share of the finest gradients
of x is then that of g; the 64x64 pixels at the centre of the first picture of LIVE1 at
quality {_QUALITY}, as large as a training patch, and the whole of it. The more f_s
sees, the surer it is, and the smaller its derivative:

{_effects(sources)}
"""


def said(mean: float, low: float, high: float) -> str:
    """A verdict on a prior that changes PSNR so, with this interval of 95 %, dB."""
    if low > 0:
        return f"it helps, by {mean:.3f} dB"
    if high < 0:
        return f"it harms, by {-mean:.3f} dB"
    return "no difference seen"


def _effects(sources: Sources) -> str:
    """Markdown: how far g moves, and how much of it x takes, a row a stage."""
    whole = jpeg.compress(sources.pictures("live1")[0].luma(), _QUALITY)
    planes = [ops.convert_to_tensor(_unit(p)) for p in (centre(whole), whole)]
    trained = {name: sources.trained(name) for name in (WHOLE, HELD_WITH)}
    lines = ["| network | stage | g moves, 64x64 | whole | share of g |"]
    lines += ["|---|---|---|---|---|"]
    for name, network in {"`compact`": compact(), **trained}.items():
        if network is None:
            continue
        moves = [moves_of_g(y, network(y, return_stages=True)) for y in planes]
        stages = zip(*moves, shares_of_g(network.stages), strict=True)
        for k, (of_part, of_whole, share) in enumerate(stages, start=1):
            cells = f"{of_part:.2g} | {of_whole:.2g} | {share:.0%}"
            lines.append(f"| {name} | {k} | {cells} |")
    return "\n".join(lines) + "\n"


def _unit(plane: np.ndarray) -> np.ndarray:
    return plane[None, :, :, None].astype(np.float32) / 255


def protocol() -> str:
    """How the trials were run, and what the columns of `ablation_table` say."""
    return """
Grey pictures at quality 10, 20 and 30; gain over the JPEG in dB on ten held-out
training pictures. All begin with the same de-blocker of about 25,000
multiply-accumulates a pixel, trained as one stage, and get the same number of steps and
the same patches. "beside": the mean difference, and the interval that holds it with
95 % when pictures and seeds are drawn again (bootstrap). "seeds": how many, and how
far apart they lie. "last fifth": what the last fifth of the steps gave. FLOP are those
of restoring, seconds those of a training step on one core.
""".strip()


def ablation_table(
    trials: dict[str, list[TrialResult]], names: Iterable[str], whole: str
) -> str:
    """Markdown: a row a network, in the order of `names`."""
    lines = [
        f"| network | gain | at 10 / 20 / 30 | beside {whole} | seeds | steps "
        "| last fifth | seconds a step | FLOP a pixel |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        results = trials[name]
        if not results:
            lines.append(f"| {name} | not trained yet |" + " |" * 7)
            continue
        gains = [result.gain for result in results]
        last = np.mean([r.validations[-1] - r.validations[-2] for r in results])
        lines.append(
            f"| {name} | {mean_gain(results):.3f} "
            f"| {gains_by_quality(results)} "
            f"| {_beside(results, trials[whole]) if name != whole else ''} "
            f"| {_seeds(gains)} | {results[0].steps:,} | {last:+.3f} "
            f"| {np.median([r.seconds_per_step for r in results]):.2f} "
            f"| {2 * results[0].macs:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _seeds(gains: Sequence[float]) -> str:
    if len(gains) == 1:
        return "1"
    return f"{len(gains)}, {np.ptp(gains):.3f}"


def restarted(sources: Sources) -> str:
    """What the stage that all begin with gains, and whether more steps cost some."""
    began, went_on = sources.trials(START), sources.trials(ONE)
    if not began or not went_on:
        return ""
    before, after = began[0].gain, mean_gain(went_on)
    text = f"The stage that all begin with gains {before:.3f} dB."
    if after < before:
        text += (
            f" One stage trained on ({ONE}) gains {after:.3f}: the new steps begin at "
            "a learning rate that has to fall again. So rows compare with each other, "
            "not with the start."
        )
    return "\n".join(textwrap.wrap(text, 88))


def difference(
    some: Sequence[TrialResult], others: Sequence[TrialResult]
) -> tuple[float, float, float]:
    """The mean of some trials less that of others, dB, and its interval of 95 %.

    Trials of one seed see the same patches, and all the same pictures: differences are
    those of a seed and a picture. Seeds and pictures are drawn again.
    """
    one, other = (
        {trial.seed: np.mean(trial.pictures, axis=1) for trial in trials}
        for trials in (some, others)
    )
    each = np.array([one[seed] - other[seed] for seed in sorted(one.keys() & other)])
    rng = np.random.default_rng(0)
    seeds, pictures = (rng.integers(0, n, (_RESAMPLES, n)) for n in each.shape)
    drawn = each[seeds[:, :, None], pictures[:, None, :]].mean(axis=(1, 2))
    low, high = np.percentile(drawn, _SURE)
    return float(each.mean()), float(low), float(high)


def _beside(some: Sequence[TrialResult], others: Sequence[TrialResult]) -> str:
    if not others:
        return ""
    mean, low, high = difference(some, others)
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def _csv(trials: dict[str, list[TrialResult]]) -> str:
    header = ["network", "seed", "steps", "seconds_per_step", "parameters"]
    header += ["macs_per_pixel", "picture", "quality", "psnr"]
    rows = [
        [r.contender, r.seed, r.steps, r.seconds_per_step, r.parameters, r.macs]
        + [picture, quality, value]
        for results in trials.values()
        for r in results
        for picture, values in enumerate(r.pictures)
        for quality, value in zip(QUALITIES, values, strict=True)
    ]
    return csv_text(header, rows)
