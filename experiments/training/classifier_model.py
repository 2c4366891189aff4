"""The classifier as a separate model, to train it, and to read its weights."""

import os
from pathlib import Path

import keras

from dual_prior.network.operators import image_gradient
from dual_prior.network.presets import Preset
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.network.weights_file import load_weights
from experiments.training.run_dir import save_atomically


def classifier_model(preset: Preset) -> keras.Model:
    """The preset's classifier, untrained: image in, probability out.

    Raises:
        ValueError: The preset is a `.keras` file.
    """
    arguments = preset.arguments
    if "luma" in arguments:  # of a `ColourNetwork`
        arguments = arguments["luma"]["config"]
    classifier = keras.saving.deserialize_keras_object(arguments["classifier"])
    return _behind_the_gradient(classifier, arguments["channels"])


def load_classifier(network: DualPriorNetwork, path: str | os.PathLike) -> None:
    """Reads the weights that `train_classifier` wrote into `network`'s classifier.

    Args:
        network: Of the same preset; built.
        path: The `.weights.h5` file.

    Raises:
        OSError, ValueError: See `dual_prior.network.weights_file.load_weights`.
    """
    load_weights(_behind_the_gradient(network.classifier, network.channels), path)


def write_shipped_classifier(preset: str, path: Path) -> None:
    """Writes the classifier of the shipped weights, for `load_classifier` to read.

    Args:
        preset: One with weights.
        path: The `.weights.h5` file to write.

    Raises:
        OSError, ValueError: There are no weights, or `path` cannot be written.
    """
    network = DualPriorNetwork.from_preset(preset)
    model = _behind_the_gradient(network.classifier, network.channels)
    save_atomically(model.save_weights, path)


def _behind_the_gradient(classifier: keras.layers.Layer, channels: int) -> keras.Model:
    image = keras.Input((None, None, channels))
    return keras.Model(image, classifier(image_gradient(image)), name="classifier")
