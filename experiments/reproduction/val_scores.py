"""Trained contenders on BSD500's validation pictures at quality 10."""

from collections.abc import Sequence

from experiments.reproduction.sources import Sources
from experiments.scores import evaluate, methods, read_pairs

QUALITY = 10  # paper: Table 2 and Figure 8


def val_psnr(sources: Sources, names: Sequence[str]) -> dict[str, float]:
    """PSNR in dB by name, seed 0; of those that are trained."""
    found = {}
    for name in names:
        model = sources.trained(name)
        if model is not None:
            found |= methods(name, model, 1, (), QUALITY)
    if not found:
        return {}
    pairs = read_pairs(sources.paths("bsds500"), QUALITY)
    scores = evaluate("bsds500", QUALITY, pairs, found)
    return {score.method: score.psnr for score in scores}


def val_table(sources: Sources, names: Sequence[str]) -> str:
    """The same as Markdown; empty if none is trained."""
    values = val_psnr(sources, names)
    if not values:
        return ""
    lines = [f"| BSD500 val, quality {QUALITY}, seed 0 | PSNR, dB |", "|---|---|"]
    lines += [f"| {name} | {psnr:.2f} |" for name, psnr in values.items()]
    return "\n".join(lines) + "\n"
