"""Measures of a restored picture against the clean one, by the names in --metrics.

In colour, PSNR is measured over all channels together; the other measures are means
over red, green and blue.
"""

import importlib
from collections.abc import Callable, Sequence

import numpy as np

from dual_prior import metrics

# The clean and the restored picture, `[H, W]` or `[H, W, 3]`, uint8, to a number.
Measure = Callable[[np.ndarray, np.ndarray], float]

PAPER = ("psnr", "ssim_uniform", "ssim_gaussian", "psnr_b")  # the paper's three


def psnr(clean: np.ndarray, restored: np.ndarray) -> float:
    """In dB, over all channels together; infinite for equal pictures."""
    return metrics.psnr(
        clean.reshape(len(clean), -1), restored.reshape(len(restored), -1)
    )


def _of_channels(measure: Measure) -> Measure:
    def mean(clean, restored):
        if clean.ndim == 2:
            return measure(clean, restored)
        channels = range(clean.shape[2])
        return float(
            np.mean([measure(clean[..., c], restored[..., c]) for c in channels])
        )

    return mean


def _ssimulacra2(clean: np.ndarray, restored: np.ndarray) -> float:
    """Perceived quality, 100 for equal pictures; 70 is high, 30 low."""
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError:
        raise ValueError(
            "--metrics: ssimulacra2 needs its package; pip install ssimulacra2."
        ) from None
    import io

    from PIL import Image

    files = []
    for picture in (clean, restored):
        files.append(io.BytesIO())
        Image.fromarray(picture).convert("RGB").save(files[-1], "PNG")
        files[-1].seek(0)
    return float(compute_ssimulacra2(*files))


KNOWN: dict[str, Measure] = {
    "psnr": psnr,
    "ssim_uniform": _of_channels(lambda a, b: metrics.ssim(a, b, "uniform")),
    "ssim_gaussian": _of_channels(lambda a, b: metrics.ssim(a, b, "gaussian")),
    "psnr_b": _of_channels(metrics.psnr_b),
    "ssimulacra2": _ssimulacra2,
}


def find(names: Sequence[str]) -> dict[str, Measure]:
    """Measures by name.

    Args:
        names: Some of `KNOWN`, or `module:function` each.

    Raises:
        ValueError: There is no such measure, or it is not a function.
    """
    if not names:
        raise ValueError("--metrics: expected at least one, got none.")
    return {name: _find(name) for name in names}


def _find(name: str) -> Measure:
    if name in KNOWN:
        return KNOWN[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise ValueError(
            f"--metrics: expected some of {', '.join(KNOWN)}, or module:function; got "
            f"{name!r}."
        )
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise ValueError(f"--metrics: {name}: {error}.") from None
    if not callable(found):
        raise ValueError(
            f"--metrics: expected a function of a clean and a restored picture, {name} "
            f"is {'missing' if found is None else 'a ' + type(found).__name__}."
        )

    def checked(clean, restored):
        try:
            return float(found(clean, restored))
        except Exception as error:  # a user's function may raise anything
            raise ValueError(
                f"--metrics: expected a number of {name}, got "
                f"{type(error).__name__}: {error}."
            ) from error

    return checked
