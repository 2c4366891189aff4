"""JPEG artifact removal by a deep unfolding network with dual priors.

A reproduction of Fu et al., "Learning Dual Priors for JPEG Compression Artifacts
Removal", ICCV 2021.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dual_prior.api import restore, restore_file
    from dual_prior.files.settings import Settings
    from dual_prior.network.classifier import CompressionClassifier
    from dual_prior.network.classifier_descent import ClassifierDescent
    from dual_prior.network.colour_network import ColourNetwork
    from dual_prior.network.deblocker import Deblocker
    from dual_prior.network.fft_solver import FFTSolver
    from dual_prior.network.non_local import NonLocal
    from dual_prior.network.pyramid_deblocker import PyramidDeblocker
    from dual_prior.network.unfolding import DualPriorNetwork, UnfoldingStage
    from dual_prior.pictures.errors import PictureError

_HOMES = {
    "ColourNetwork": "network.colour_network",
    "CompressionClassifier": "network.classifier",
    "ClassifierDescent": "network.classifier_descent",
    "Deblocker": "network.deblocker",
    "DualPriorNetwork": "network.unfolding",
    "FFTSolver": "network.fft_solver",
    "NonLocal": "network.non_local",
    "PictureError": "pictures.errors",
    "PyramidDeblocker": "network.pyramid_deblocker",
    "Settings": "files.settings",
    "UnfoldingStage": "network.unfolding",
    "restore": "api",
    "restore_file": "api",
}

__all__ = [
    "ClassifierDescent",
    "ColourNetwork",
    "CompressionClassifier",
    "Deblocker",
    "DualPriorNetwork",
    "FFTSolver",
    "NonLocal",
    "PictureError",
    "PyramidDeblocker",
    "Settings",
    "UnfoldingStage",
    "restore",
    "restore_file",
]


def __getattr__(name: str):
    # On first use: importing Keras takes seconds, and a command that only has to refuse
    # a file should not wait for it.
    if name == "__version__":
        return _version()
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
