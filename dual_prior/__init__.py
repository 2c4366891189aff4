"""JPEG artifact removal by a deep unfolding network with dual priors.

A reproduction of Fu et al., "Learning Dual Priors for JPEG Compression Artifacts
Removal", ICCV 2021.
"""

import importlib

_HOMES = {
    "CompressionClassifier": "classifier",
    "ClassifierDescent": "classifier_descent",
    "Deblocker": "deblocker",
    "DualPriorNetwork": "unfolding",
    "FFTSolver": "fft_solver",
    "NonLocal": "non_local",
    "PyramidDeblocker": "pyramid_deblocker",
    "UnfoldingStage": "unfolding",
    "restore": "restorer",
    "restore_file": "restorer",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    # On first use: importing Keras takes seconds, and a command that only has to refuse
    # a file should not wait for it.
    if name in _HOMES:
        return getattr(importlib.import_module(f"dual_prior.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'dual_prior' has no attribute {name!r}")
