import functools

import keras
import numpy as np
import pytest

from dual_prior.network.classifier import CompressionClassifier, freeze
from tests.layer_contract import assert_layer_contract


def _gradients(height=12, width=10, channels=2, batch=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("strides", [(1,) * 6, (2, 1, 2, 1, 1, 1)])
@pytest.mark.parametrize("size", [(1, 1), (5, 9), (64, 64)])
def test_a_probability_for_any_size(size, strides):
    probability = np.asarray(
        CompressionClassifier(4, strides)(_gradients(*size)), np.float64
    )
    assert probability.shape == (3, 1)
    assert np.all((probability > 0) & (probability < 1))


def test_the_papers_has_six_convolutions_of_32_features():
    classifier = CompressionClassifier()
    classifier.build((None, None, None, 2))
    convolutions = 9 * 2 * 32 + 32 + 5 * (9 * 32 * 32 + 32)
    dense = 32 * 32 + 32 + 32 + 1
    assert classifier.count_params() == convolutions + dense


def test_examples_of_a_batch_do_not_depend_on_each_other():
    classifier = CompressionClassifier(4)
    g = _gradients()
    together = np.asarray(classifier(g))
    alone = np.concatenate(
        [np.asarray(classifier(g[i : i + 1])) for i in range(len(g))]
    )
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_frozen_has_no_trainable_weight_before_and_after_building():
    classifier = freeze(CompressionClassifier(4))
    classifier.build((None, None, None, 2))
    assert not classifier.trainable_weights
    assert all(not layer.trainable for layer in classifier._flatten_layers())


def test_learns_to_classify_two_kinds_of_gradients():
    rng = np.random.default_rng(0)
    smooth = rng.normal(scale=0.05, size=(32, 8, 8, 2)).astype(np.float32)
    blocky = smooth.copy()
    blocky[:, :, ::4] += 0.5
    inputs = np.concatenate([smooth, blocky])
    labels = np.repeat(np.float32([0, 1]), 32)[:, None]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([CompressionClassifier(8)])
    model.compile(
        keras.optimizers.Adam(3e-3), "binary_crossentropy", metrics=["accuracy"]
    )
    model.fit(inputs, labels, epochs=25, batch_size=16, verbose=0)
    assert model.evaluate(inputs, labels, verbose=0)[1] == 1.0


def test_keeps_the_layer_contract():
    make = functools.partial(CompressionClassifier, 4, (2, 1))
    assert_layer_contract(make, _gradients())
