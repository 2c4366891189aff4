"""The classifier as a model of its own: how it is trained, and how it is read back."""

import os
from pathlib import Path

import keras

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.operators import image_gradient
from dual_prior.network.presets import Preset, find_preset
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.network.weights_file import load_weights
from experiments.training.run_dir import save_atomically


def classifier_model(preset: Preset) -> keras.Model:
    """The preset's classifier behind the image gradient: image in, probability out."""
    image = keras.Input((None, None, preset.channels))
    classifier = CompressionClassifier(
        preset.classifier_features, preset.classifier_strides, name="classifier"
    )
    return keras.Model(image, classifier(image_gradient(image)), name="classifier")


def load_classifier(
    network: DualPriorNetwork, preset: Preset, path: str | os.PathLike
) -> None:
    """Reads the weights that `train_classifier` wrote into `network`'s classifier.

    Args:
        network: Of `preset`.
        preset: Its configuration.
        path: The `.weights.h5` file.

    Raises:
        OSError, ValueError: See `dual_prior.network.unfolding.load_weights`.
    """
    model = classifier_model(preset)
    load_weights(model, path)
    for weight, trained in zip(network.classifier.weights, model.weights, strict=True):
        weight.assign(trained)


def write_shipped_classifier(preset: str, path: Path) -> None:
    """Writes the classifier of the weights that ship, for `load_classifier` to read.

    Args:
        preset: One with weights.
        path: The `.weights.h5` file to write.

    Raises:
        OSError, ValueError: There are no weights, or `path` cannot be written.
    """
    network = DualPriorNetwork.from_preset(preset)
    model = classifier_model(find_preset(preset))
    for weight, trained in zip(model.weights, network.classifier.weights, strict=True):
        weight.assign(trained)
    save_atomically(model.save_weights, path)
