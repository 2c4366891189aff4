"""JPEG artifact removal by a deep unfolding network with dual priors.

A reproduction of Fu et al., "Learning Dual Priors for JPEG Compression Artifacts
Removal", ICCV 2021.

- Pictures: `restore` takes an array, `restore_file` a file. `Restorer` keeps one
  network for many pictures. `Options` and `Settings` are all that can be chosen.
  `read_picture` decodes a file into a `Picture`. `PictureError` and `UsageError` say
  what went wrong.
- The network of the paper: `DualPriorNetwork`, unfolded from the stages
  (`UnfoldingStage`) of Eqs. 8 to 10: `Deblocker` or `PyramidDeblocker` with `NonLocal`
  (Eqs. 8, 11), `ClassifierDescent` through a `CompressionClassifier` (Eq. 9), and
  `FFTSolver` (Eq. 10). `ColourNetwork` adds chroma.
- `jpeg` compresses as the paper does; `metrics` measures as it does.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dual_prior import jpeg, metrics
    from dual_prior.api import restore, restore_file
    from dual_prior.files.search import UsageError
    from dual_prior.files.settings import Settings
    from dual_prior.network.classifier import CompressionClassifier
    from dual_prior.network.classifier_descent import ClassifierDescent
    from dual_prior.network.colour_network import ColourNetwork
    from dual_prior.network.deblocker import Deblocker
    from dual_prior.network.fft_solver import FFTSolver
    from dual_prior.network.non_local import NonLocal
    from dual_prior.network.operators import image_gradient
    from dual_prior.network.presets import RestorationProfile
    from dual_prior.network.pyramid_deblocker import PyramidDeblocker
    from dual_prior.network.unfolding import DualPriorNetwork, UnfoldingStage
    from dual_prior.pictures.errors import PictureError
    from dual_prior.pictures.picture import Picture
    from dual_prior.pictures.reader import Limits, read_picture
    from dual_prior.restoration.options import Options
    from dual_prior.restoration.restorer import Restorer

_HOMES = {
    "ClassifierDescent": "network.classifier_descent",
    "ColourNetwork": "network.colour_network",
    "CompressionClassifier": "network.classifier",
    "Deblocker": "network.deblocker",
    "DualPriorNetwork": "network.unfolding",
    "FFTSolver": "network.fft_solver",
    "Limits": "pictures.reader",
    "NonLocal": "network.non_local",
    "Options": "restoration.options",
    "Picture": "pictures.picture",
    "PictureError": "pictures.errors",
    "PyramidDeblocker": "network.pyramid_deblocker",
    "RestorationProfile": "network.presets",
    "Restorer": "restoration.restorer",
    "Settings": "files.settings",
    "UnfoldingStage": "network.unfolding",
    "UsageError": "files.search",
    "image_gradient": "network.operators",
    "read_picture": "pictures.reader",
    "restore": "api",
    "restore_file": "api",
}

# In the order of the reference.
__all__ = [
    "restore",
    "restore_file",
    "Restorer",
    "Options",
    "Settings",
    "read_picture",
    "Limits",
    "Picture",
    "PictureError",
    "UsageError",
    "DualPriorNetwork",
    "UnfoldingStage",
    "Deblocker",
    "PyramidDeblocker",
    "NonLocal",
    "ClassifierDescent",
    "CompressionClassifier",
    "FFTSolver",
    "image_gradient",
    "ColourNetwork",
    "RestorationProfile",
    "jpeg",
    "metrics",
]


def __getattr__(name: str):
    # On first use: importing Keras takes seconds, and a command that only rejects a
    # file should not wait for it.
    if name == "__version__":
        return _version()
    if name in ("jpeg", "metrics"):
        return importlib.import_module(f"dual_prior.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"dual_prior.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'dual_prior' has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dual-prior")
    except PackageNotFoundError:  # run from a checkout
        return "(not installed)"


def __dir__():
    return __all__
