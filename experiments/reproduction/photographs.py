"""Beyond the paper: colour, any quality, compressed twice."""

from pathlib import Path

from tqdm import tqdm

from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.system.atomic_file import atomic_file
from experiments.measuring import photograph_scores as scores
from experiments.measuring.tables import csv_text
from experiments.reproduction.inputs import Sources, compact

TITLE = "Beyond the paper: photographs"


def make(sources: Sources, folder: Path) -> str:
    """LIVE1 by `photo`, in colour also by `compact`; writes photographs.csv."""
    photo, _ = scores.methods("photo", DualPriorNetwork.from_preset("photo"))
    luma_alone, planes = scores.methods("compact", compact())
    methods = {"JPEG": lambda image: image} | photo
    pictures = tqdm(sources.pictures("live1"), leave=False, disable=None)
    seen = (picture.rgb() for picture in pictures)
    means, shifts = scores.measure(seen, methods, luma_alone | planes)
    rows = [(case, method, psnr) for (method, case), psnr in means.items()]
    with atomic_file(folder / "photographs.csv") as file:
        file.write(csv_text(["case", "method", "psnr"], rows).encode())
    return f"""
PSNR in dB on LIVE1. "colour": RGB, encoded at 4:2:0, measured over RGB; "shift": the
largest error of a channel's mean, grey levels. "luma": the paper's protocol at more
qualities. "twice 10 50": luma at quality 10, cropped by one pixel in both directions,
then at quality 50. `compact`, here in colour only (its luma is in Table 1), restores
luma and does not change chroma; "planes": it restores both chroma planes, too, each as
a grey picture.

{scores.table(means, shifts)}
"""
