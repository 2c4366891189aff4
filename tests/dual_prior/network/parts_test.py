"""A user's own de-blockers and classifiers in the network."""

import doctest
import inspect

import keras
import numpy as np
import pytest
from keras import layers, ops

import dual_prior
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.unfolding import DualPriorNetwork
from tests.layer_contract import assert_layer_contract


class _Residual(layers.Layer):
    """A convolution that a subclass creates in `build` or in `call`."""

    def _made(self):
        return layers.Conv2D(1, 3, padding="same", dtype=self.dtype_policy)

    def call(self, x):
        return x + self.residual(x)


@keras.saving.register_keras_serializable(package="tests")
class WithoutBuild(_Residual):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.residual = self._made()


@keras.saving.register_keras_serializable(package="tests")
class WithBuild(_Residual):
    def build(self, shape):
        self.residual = self._made()
        self.residual.build(shape)


@keras.saving.register_keras_serializable(package="tests")
class WithoutItsChildren(_Residual):
    def build(self, shape):
        self.residual = self._made()

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable(package="tests")
class OwnModel(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.residual = layers.Conv2D(1, 3, padding="same")

    def call(self, x):
        return x + self.residual(x)


def _functional(side=None):
    x = keras.Input((side, side, 1))
    change = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x))
    return keras.Model(x, x + layers.Conv2D(1, 3, padding="same")(change))


def _sequential():
    return keras.Sequential([layers.Conv2D(1, 3, padding="same")])


@keras.saving.register_keras_serializable(package="tests")
class MeanGradient(layers.Layer):
    """A classifier without a hidden layer, made on first use."""

    def build(self, shape):
        self.dense = layers.Dense(1, activation="sigmoid")

    def call(self, g):
        return self.dense(ops.mean(ops.square(g), axis=(1, 2)))


def _classifier_model():
    g = keras.Input((None, None, 2))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(g))
    return keras.Model(g, layers.Dense(1, activation="sigmoid")(pooled))


DEBLOCKERS = (
    *(WithoutBuild, WithBuild, WithoutItsChildren, OwnModel),
    *(_functional, _sequential),
)


def _image(batch=2):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(batch, 12, 10, 1)).astype(np.float32)


def _network(deblocker=None, classifier=None):
    keras.utils.set_random_seed(0)
    return DualPriorNetwork(
        deblocker or WithBuild(),
        classifier or CompressionClassifier(4, (2, 1)),
        num_stages=2,
        num_descent_steps=1,
        alpha_init=1.0,
    )


@pytest.mark.parametrize("make", DEBLOCKERS)
def test_a_de_blocker_of_ones_own_is_trained_saved_and_loaded(make, tmp_path):
    network = _network(make())
    y = _image()
    network.compile("adam", "mean_absolute_error", jit_compile=False)
    network.fit(y, 0.9 * y, epochs=2, verbose=0)
    for batch in (1, 2):
        assert network(_image(batch)).shape == (batch, 12, 10, 1)
    expected = np.asarray(network(y))
    network.save(tmp_path / "network.keras")
    network.save_to_preset(tmp_path / "preset")
    for path in (tmp_path / "network.keras", tmp_path / "preset"):
        loaded = DualPriorNetwork.from_preset(path)
        np.testing.assert_array_equal(np.asarray(loaded(y)), expected)
        assert loaded.channels == 1


@pytest.mark.parametrize("make", [MeanGradient, _classifier_model])
def test_a_classifier_of_ones_own_stays_frozen(make, tmp_path):
    network = _network(classifier=make())
    y = _image()
    network.compile("adam", "mean_absolute_error", run_eagerly=True)
    for path in (tmp_path / "one.keras", tmp_path / "two.keras"):
        network.fit(y, 0.9 * y, verbose=0)
        before = network.classifier.get_weights()
        network.fit(y, 0.9 * y, verbose=0)
        for weight, old in zip(network.classifier.weights, before, strict=True):
            np.testing.assert_array_equal(np.asarray(weight), old)
        assert len(network.trainable_weights) == 2 + 2 * 4
        expected = np.asarray(network(y))
        network.save(path)
        network = keras.saving.load_model(path)
        np.testing.assert_array_equal(np.asarray(network(y)), expected)


@pytest.mark.filterwarnings("error:Skipping variable loading for optimizer")
def test_a_classifier_trained_by_itself_leaves_its_optimiser_behind(tmp_path):
    classifier = _classifier_model()
    classifier.compile("adam", "binary_crossentropy")
    classifier.fit(ops.ones((2, 12, 10, 2)), ops.ones((2, 1)), verbose=0)
    network = _network(classifier=classifier)
    expected = np.asarray(network(_image()))
    network.save(tmp_path / "network.keras")
    network.save_to_preset(tmp_path / "preset")
    for path in (tmp_path / "network.keras", tmp_path / "preset"):
        loaded = DualPriorNetwork.from_preset(path)
        np.testing.assert_array_equal(np.asarray(loaded(_image())), expected)


def test_parts_of_ones_own_keep_the_layer_contract():
    def make(**policy):
        return DualPriorNetwork(WithoutBuild(**policy), MeanGradient(**policy), 2, 1)

    assert_layer_contract(make, _image())


def test_the_example_of_the_docstring_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(DualPriorNetwork))
    names = {"dual_prior": dual_prior, "np": np}
    exec("".join(example.source for example in examples), names)
    loaded = DualPriorNetwork.from_preset("mine.keras")
    y = _image()
    restored = np.asarray(names["network"](y))
    np.testing.assert_array_equal(np.asarray(loaded(y)), restored)


@pytest.mark.parametrize(
    ("channels", "expected"), [({}, 3), ({"channels": 3}, 3), ({"channels": 1}, None)]
)
def test_the_channels_are_those_of_the_part_or_of_the_argument(channels, expected):
    x = keras.Input((None, None, 3))
    model = keras.Model(x, layers.Conv2D(3, 1)(x))
    network = DualPriorNetwork(model, CompressionClassifier(4, (2,)), 1, **channels)
    if expected:
        assert network.channels == expected
        network.build((None, None, None, 3))
    else:
        with pytest.raises(ValueError, match="de-blocker"):
            network.build((None, None, None, 1))


class _Wrong(layers.Layer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda x: x[:, ::2, ::2], r"returns float32 \(None, 32, 32, 1\)"),
        (lambda x: ops.concatenate([x, x], axis=-1), r"\(None, 64, 64, 2\)"),
        (lambda x: ops.cast(255.0 * x, "uint8"), "returns uint8"),
        (lambda x: (x, x), "returns a tuple"),
        (lambda x: x.no_such_attribute, "fails: .*no_such_attribute"),
    ],
)
def test_a_layer_that_is_not_a_de_blocker_is_an_error_of_one_line(function, match):
    network = _network(_Wrong(function))
    with pytest.raises(ValueError, match=match) as caught:
        network.build((None, None, None, 1))
    assert str(caught.value).startswith("Expected a de-blocker that maps a float32")
    assert "\n" not in str(caught.value)


def test_a_layer_that_is_not_a_classifier_is_an_error_of_one_line():
    network = _network(classifier=_Wrong(lambda g: g))
    match = r"Expected a classifier .*64, 2\) .*\(None, 1\); .* returns float32 \(None"
    with pytest.raises(ValueError, match=match):
        network.build((None, None, None, 1))


def test_a_model_of_one_size_restores_that_size():
    network = _network(_functional(side=16))
    network.build((None, 16, 16, 1))
    assert network(np.zeros((1, 16, 16, 1), np.float32)).shape == (1, 16, 16, 1)
