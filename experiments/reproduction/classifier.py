"""Beyond the paper: the accuracy of the classifiers."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from dual_prior.network.presets import find_preset
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from experiments.measuring.classifier_scores import evidence, table
from experiments.reproduction.inputs import Sources
from experiments.reproduction.page import finding

TITLE = "Beyond the paper: the classifiers"

_PRESETS = ("compact", "photo")
_NAMED = ("clear", "quality 30", "quality 50", "quality 70")  # in the summary


def make(sources: Sources, folder: Path) -> str:
    """BSD500 val, clear and at eight qualities, by both classifiers."""
    del folder  # no files beside the page
    sections, measured = [], []
    for name in _PRESETS:
        pictures = tqdm(sources.pictures("bsds500"), name, leave=False, disable=None)
        seen = (picture.rgb() for picture in pictures)
        values = evidence(Restorer(Options(name)), seen)
        clean_below = find_preset(name).profile.clean_below
        shares = [np.mean(np.array(values[kind])[:, 0] > 0.5) for kind in _NAMED]
        measured.append(f"`{name}` " + " / ".join(f"{share:.0%}" for share in shares))
        sections.append(
            f"`{name}`, {len(pictures)} pictures, skipped below {clean_below}:\n\n"
            + table(values, clean_below)
        )
    together = "\n".join(sections)
    found = finding(
        paper="f_s is trained, its accuracy is not printed",
        measured=f"taken for compressed, {' / '.join(_NAMED)}: {'; '.join(measured)}",
        verdict="few mistakes at the paper's qualities, more at higher ones",
    )
    return f"""
{found}

Whole frames of BSD500 val, and the 64x64 pixels at their centre: the share classified
correctly at a probability of one half, the mean probability of being compressed, the
share of frames with a trace of compression in their coefficients
(`dual_prior/jpeg/traces.py`: BSD500's own pictures were JPEGs once), and the share that
is not changed, as a PNG. The thresholds were chosen on held-out training pictures.

{together}
"""
