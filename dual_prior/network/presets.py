"""Named configurations of the network, and the weights that ship with them.

Data only: `DualPriorNetwork.from_preset` in `unfolding.py` builds from it.
"""

import dataclasses
import hashlib
from pathlib import Path

_WEIGHTS = Path(__file__).parent / "weights"


@dataclasses.dataclass(frozen=True)
class Pyramid:
    """The arguments of `PyramidDeblocker`: see there."""

    features: tuple[int, ...]
    depths: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Preset:
    """Everything that makes a network, but its weights.

    Attributes are the arguments of `Deblocker`, `CompressionClassifier` and
    `DualPriorNetwork`; the defaults are the paper's, or this project's choice where the
    paper is silent (see there). With `pyramid`, a `PyramidDeblocker` takes the place of
    the `Deblocker`, whose arguments then mean nothing. `weights` is the shipped file's
    name, `weights_sha256` its checksum; both are None where no weights ship.
    `clean_below`: pictures that the classifier gives a lower probability are taken for
    uncompressed; None where that was not measured. `bytes_per_tile_pixel`: what each
    pixel of a tile takes while it is restored, measured on processors with AVX-512 and
    with AVX2 alone, which take more; the default is for the paper's K = 5.
    """

    name: str
    channels: int = 1
    features: int = 112
    num_units: int = 5
    reduced: int = 28
    dilations: tuple[int, ...] = (1, 3, 5)
    scale: int = 1
    pyramid: Pyramid | None = None
    classifier_features: int = 32
    classifier_strides: tuple[int, ...] = (1, 1, 1, 1, 1, 1)
    num_stages: int = 5
    num_descent_steps: int = 3
    alpha_init: float = 0.01
    beta_init: float = 0.01
    lambda2_init: float = 0.01
    eta_init: float = 0.01
    weights: str | None = None
    weights_sha256: str | None = None
    clean_below: float | None = None
    bytes_per_tile_pixel: int = 7000


# All numbers ours: what two cores can train, and less than half of a DnCNN to run.
_COMPACT = Preset(
    name="compact",
    pyramid=Pyramid((32, 80, 112, 160), (2, 2, 1, 2)),
    classifier_features=16,
    classifier_strides=(2, 1, 2, 1, 1, 1),
    num_stages=2,
    num_descent_steps=1,
    # At 0.01 u would have to exaggerate its residual a hundredfold.
    alpha_init=10.0,
    beta_init=0.1,
    # N d f_s / d g is of the order of 100: a step of a quarter grey level.
    lambda2_init=1e-3,
    eta_init=1e-2,
    clean_below=0.12,
    bytes_per_tile_pixel=900,
    weights="compact-7.weights.h5",
    weights_sha256="a0979c96ae12cffcc911e5852d79df66377eebd81c255f6b86a0f1c1ac4d9801",
)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="paper",
            weights="paper-2.weights.h5",
            weights_sha256="17ce5a8f325f5437ef1c0dd1ce49ccc65f489e78f2dd2639431c41810fc89122",
        ),
        _COMPACT,
        # Red, green and blue in, so that what luma knows helps chroma.
        dataclasses.replace(
            _COMPACT,
            name="photo",
            channels=3,
            pyramid=Pyramid((32, 64, 96, 128), (2, 2, 1, 2)),
            classifier_features=32,
            clean_below=0.15,
            weights="photo-6.weights.h5",
            weights_sha256="ce66d7dd7fb1872c10971012b4986890cd06dbd2d037b8c42b6ec93ab0611c0d",
        ),
    )
}

DEFAULT_PRESET = "photo"  # of what people restore


def find_preset(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        ValueError: There is none.
    """
    if name not in PRESETS:
        raise ValueError(
            f"Expected a preset among {', '.join(PRESETS)}; there is no {name!r}."
        )
    return PRESETS[name]


def shipped_weights(preset: Preset) -> Path:
    """The file of `preset`'s shipped weights, its checksum verified.

    Raises:
        ValueError: No weights ship with this preset.
        OSError: The file is missing, or is not the one that was shipped.
    """
    if preset.weights is None:
        raise ValueError(
            f"No weights ship with the preset {preset.name!r}: give a weights file, or "
            f"use one of {', '.join(PRESETS)}."
        )
    path = _WEIGHTS / preset.weights
    if hashlib.sha256(path.read_bytes()).hexdigest() != preset.weights_sha256:
        raise OSError(f"{path}: damaged (its SHA-256 is not the shipped file's).")
    return path
