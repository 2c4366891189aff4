"""Table 1 of the paper, as printed.

`table1.csv` holds PSNR (dB), SSIM and PSNR-B (dB) of Table 1 of Fu et al., "Learning
Dual Priors for JPEG Compression Artifacts Removal", ICCV 2021.
"""

import csv
import dataclasses
from pathlib import Path

_TABLE = Path(__file__).with_name("table1.csv")

# The table's names of the sets, as `data` has them.
_DATASETS = {
    "Classic5": "classic5",
    "LIVE1": "live1",
    "BSD500": "bsds500",
    "Twitter": "twitter",
    "WeChat": "wechat",
}

# The table mixes two conventions of SSIM, and names neither. The figures tell which row
# is in which (experiments/reproduction/ssim_windows.py), and agree with the methods'
# own publications where those are known (ARCNN, TNRD, DnCNN, M-Net, RNAN, RDN:
# gaussian; DCSC: uniform).
_UNIFORM_METHODS = {"SADCT", "LD", "DCSC", "Proposed"}
_GAUSSIAN_METHODS = {"PCA", "LPIO"}
# All others change with the set: on BSD500 their authors printed nothing.
_GAUSSIAN_DATASETS = {"classic5", "live1"}
_UNIFORM_DATASETS = {"bsds500"}


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
                _DATASETS[row["dataset"]],
                int(row["quality"]) if row["quality"] else None,
                float(row["psnr_db"]),
                float(row["ssim"]),
                _ssim_window(row["method"], _DATASETS[row["dataset"]]),
                float(row["psnr_b_db"]),
            )
            for row in csv.DictReader(file)
        ]


def _ssim_window(method: str, dataset: str) -> str | None:
    if dataset in _GAUSSIAN_DATASETS | _UNIFORM_DATASETS:
        if method in _UNIFORM_METHODS:
            return "uniform"
        if method in _GAUSSIAN_METHODS or dataset in _GAUSSIAN_DATASETS:
            return "gaussian"
        return "uniform"
    return None
