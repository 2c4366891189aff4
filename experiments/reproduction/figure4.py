"""Figure 4: real pictures."""

from pathlib import Path

import numpy as np
from PIL import Image

from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from experiments.reproduction.drawing import comparison
from experiments.reproduction.inputs import Sources

TITLE = "Figure 4: real pictures"


def make(sources: Sources, folder: Path) -> str:
    """The pictures of real/, restored by `photo`; writes figure4.png."""
    paths = sorted(Path(sources.data_dir, "real").glob("*.jpg"))[: sources.limit]
    if not paths:
        return f"No pictures in {Path(sources.data_dir, 'real')}.\n"
    restorer = Restorer(Options())
    rows = []
    for path in paths:
        before = np.asarray(Image.open(path).convert("RGB"))
        rows.append({"before": before, "after": restorer.restore(before)})
    comparison(folder / "figure4.png", rows)
    return """
The paper shows pictures of Twitter and WeChat, which were not available. These are
recompressed photographs of unknown history, restored by preset `photo`.

![Real pictures before and after](figure4.png)
"""
