"""Table 1 of the paper, as printed: figures of others, to be set beside ours.

`table1.csv` holds PSNR (dB), SSIM and PSNR-B (dB) of Table 1 of Fu et al., "Learning
Dual Priors for JPEG Compression Artifacts Removal", ICCV 2021.
"""

import csv
import dataclasses
from pathlib import Path

_TABLE = Path(__file__).with_name("table1.csv")

# The table mixes two conventions of SSIM. The rows named here agree with the figures of
# the methods' own publications, or with published weights measured by us, in one of
# them; the others are not settled.
_SSIM_WINDOWS = {
    "Proposed": "uniform",
    "DCSC": "uniform",
    "ARCNN": "gaussian",
    "TNRD": "gaussian",
    "DnCNN": "gaussian",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A method on a data set at a quality.

    Attributes:
        ssim_window: Convention of `ssim`: "uniform", "gaussian", or None if unsettled.
    """

    method: str
    dataset: str
    quality: int | None
    psnr: float
    ssim: float
    ssim_window: str | None
    psnr_b: float


def table1() -> list[Row]:
    """All rows of the table, in its order; data sets by the names of `data`."""
    with open(_TABLE, newline="") as file:
        return [
            Row(
                row["method"],
                row["dataset"].lower(),
                int(row["quality"]) if row["quality"] else None,
                float(row["psnr_db"]),
                float(row["ssim"]),
                _SSIM_WINDOWS.get(row["method"]),
                float(row["psnr_b_db"]),
            )
            for row in csv.DictReader(file)
        ]
