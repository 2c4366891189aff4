"""Figures of published networks, as printed, and their cost.

`peers.csv` holds PSNR (dB), SSIM (gaussian window) and PSNR-B (dB) of grey pictures, in
the form of `table1.csv`: ARCNN, DnCNN-3, MWCNN and FBCNN from the table of FBCNN
(Jiang, Zhang, Timofte, ICCV 2021), DRUNet, RNAN and SwinIR from Table 4 of SwinIR
(Liang and others 2021), QGCN from its own figures (VDIGPKU/QGCN). `peers_cost.csv`
holds parameters, multiply-accumulates a pixel, and whether and how a network knows the
quality.
"""

import csv
import dataclasses
from pathlib import Path

_SCORES = Path(__file__).with_name("peers.csv")
_COSTS = Path(__file__).with_name("peers_cost.csv")


@dataclasses.dataclass(frozen=True)
class Peer:
    """A published network.

    Attributes:
        parameters: Millions.
        macs: Millions of multiply-accumulates a pixel.
        knows_quality: Whether, and how, it knows the quality.
        psnr: In dB, by data set (`classic5`, `live1`) and quality.
    """

    method: str
    parameters: float
    macs: float
    knows_quality: str
    psnr: dict[tuple[str, int], float]


def peers() -> list[Peer]:
    """All of them, the cheapest first."""
    psnr: dict[str, dict[tuple[str, int], float]] = {}
    with open(_SCORES, newline="") as file:
        for row in csv.DictReader(file):
            case = (row["dataset"].lower(), int(row["quality"]))
            psnr.setdefault(row["method"], {})[case] = float(row["psnr_db"])
    with open(_COSTS, newline="") as file:
        found = [
            Peer(
                row["method"],
                float(row["parameters_millions"]),
                float(row["macs_millions_per_pixel"]),
                row["knows_the_quality"],
                psnr[row["method"]],
            )
            for row in csv.DictReader(file)
        ]
    return sorted(found, key=lambda peer: peer.macs)
