"""Figure 7: with and without the classifier."""

from pathlib import Path

from dual_prior import jpeg
from experiments.contenders.ablations import WHOLE, WITHOUT
from experiments.reproduction.ablations import UNTRAINED, difference, said
from experiments.reproduction.drawing import comparison
from experiments.reproduction.inputs import Sources, restored
from experiments.reproduction.page import finding

TITLE = "Figure 7: with and without the semantic-level prior"

_QUALITY = 10  # ours
_PICTURES = 2  # ours: the first ones


def make(sources: Sources, folder: Path) -> str:
    """Pictures of BSD500 by networks of K = 2; writes figure7.png."""
    without, with_prior = sources.trained(WITHOUT), sources.trained(WHOLE)
    if without is None or with_prior is None:
        return UNTRAINED
    rows = []
    for picture in sources.pictures("bsds500")[:_PICTURES]:
        clear = picture.luma()
        compressed = jpeg.compress(clear, _QUALITY)
        rows.append(
            {
                "JPEG": compressed,
                "without f_s": restored(without, compressed),
                "with f_s": restored(with_prior, compressed),
                "clear": clear,
            }
        )
    comparison(folder / "figure7.png", rows)
    mean, low, high = difference(sources.trials(WHOLE), sources.trials(WITHOUT))
    found = finding(
        paper="edges are blurred without f_s, and sharp with it",
        measured=f"no difference that one can see; {mean:+.3f} dB ({low:+.3f} to "
        f"{high:+.3f}) on held-out pictures",
        verdict=said(mean, low, high),
    )
    return f"""
{found}

BSD500 at quality {_QUALITY}, by two networks of K = 2: with f_s (J = 1) and without it
(J = 0). How they were trained: [the priors](ablations.md).

![With and without the classifier](figure7.png)
"""
