import numpy as np

from dual_prior.network.unfolding import DualPriorNetwork
from experiments.training.classifier_model import (
    load_classifier,
    write_shipped_classifier,
)


def test_the_shipped_classifier_is_read_back(tmp_path):
    write_shipped_classifier("compact", tmp_path / "c.weights.h5")
    network = DualPriorNetwork.from_preset("compact", weights=None)
    load_classifier(network, tmp_path / "c.weights.h5")
    shipped = DualPriorNetwork.from_preset("compact").classifier
    for weight, expected in zip(
        network.classifier.weights, shipped.weights, strict=True
    ):
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(expected))
    assert not network.classifier.trainable_weights
