"""Training of a colour network, as a person runs it, on tiny data."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.colour_network import ColourNetwork, load_network
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.data import encoders
from experiments.training import colour_training, recipes
from experiments.training.colour_training import ColourTraining, colour_network
from tests.experiments.binary import SMALL, load, run


def tiny_colour_network(name="photo"):
    luma = DualPriorNetwork(
        PyramidDeblocker(1, (4, 6), (1, 1), aux_channels=1, name="deblocker"),
        CompressionClassifier(4, (2, 1), name="classifier"),
        num_stages=1,
        num_descent_steps=0,
        alpha_init=5.0,
    )
    chroma = PyramidDeblocker(2, (4, 6), (1, 1), aux_channels=3, scale=2)
    network = ColourNetwork(luma, chroma, name=name)
    network.build((None, None, None, 3))
    return network


@pytest.fixture
def train(tiny_data, tmp_path, monkeypatch, caplog):
    """Trains a part of a tiny network with few drawings, by libjpeg only."""
    binary = load("train_colour")
    monkeypatch.setattr(binary, "colour_network", tiny_colour_network)
    monkeypatch.setattr(encoders, "installed", lambda: (encoders.LIBJPEG,))
    for key, recipe in recipes.COLOUR.items():
        small = dataclasses.replace(
            recipe,
            train_data=("bsds500",),
            num_drawings=2,
            num_held_out_drawings=1,
            num_patterns=1,
            num_validation=4,
        )
        monkeypatch.setitem(recipes.COLOUR, key, small)

    def train_part(name, *arguments):
        code, out, err = run(
            "train_colour",
            f"--data_dir={tiny_data}",
            f"--run_dir={tmp_path / name}",
            "--steps=4",
            *SMALL,
            *arguments,
        )
        assert code == 0, err
        assert "Loss on the held-out pictures" in out
        assert "pip install dual-prior[encoders]" in caplog.text
        return tmp_path / name / "preset"

    return train_part


def _values(layer):
    return [np.asarray(weight) for weight in layer.weights]


def _same(layers):
    return all(np.array_equal(a, b) for a, b in zip(*map(_values, layers), strict=True))


def test_luma_then_chroma_then_two_stages(train):
    luma_preset = train("luma", "--part=luma")
    luma = load_network(luma_preset)
    chroma_preset = train("chroma", "--part=chroma", f"--initial={luma_preset}")
    chroma = load_network(chroma_preset)
    assert _same((luma.luma, chroma.luma)) and not _same((luma.chroma, chroma.chroma))
    unfolded = load_network(
        train("two", "--part=luma", f"--initial={chroma_preset}", "--num_stages=2")
    )
    assert len(unfolded.luma.stages) == 2
    assert _same((unfolded.chroma, chroma.chroma))
    assert not _same((unfolded.luma.deblocker, chroma.luma.deblocker))
    # All that a later run trains can be trained.
    assert unfolded.chroma.trainable and unfolded.luma.deblocker.trainable
    assert not unfolded.luma.classifier.trainable
    config = json.loads((luma_preset.parent / "config.json").read_text())["config"]
    assert config["parts"] == ["luma"] and config["encoders"] == ["libjpeg-turbo"]


def test_the_same_flags_resume(train):
    first = load_network(train("both"))
    assert _same((first, load_network(train("both"))))


def test_the_loss_is_the_logarithm_of_the_weighted_error_of_each_part():
    x = np.random.default_rng(0).uniform(size=(2, 16, 16, 6)).astype(np.float32)
    clean, weights = x[..., :3] + 0.1, np.array([[3.0, 0.5], [9.0, 2.0]])
    network = tiny_colour_network()
    restored = np.asarray(network(x[..., :3], aux=x[..., 3:]))
    squares = np.square(restored - clean)
    expected = {
        part: np.mean(np.log1p(4 * weights[:, n] * squares[..., c].mean((1, 2, 3)))) / 4
        for n, (part, c) in enumerate(colour_training.PARTS.items())
    }
    for parts in (("luma",), ("chroma",), ("luma", "chroma")):
        model = ColourTraining(network, parts)
        model.compile("sgd", loss=None)
        loss = model.evaluate(x, clean, sample_weight=weights, verbose=0)
        assert loss == pytest.approx(sum(expected[part] for part in parts), rel=1e-4)


@pytest.mark.parametrize("name", ["photo", "fast", "large"])
def test_the_networks_begin_near_doing_nothing(name):
    network = colour_network(name)
    planes = np.random.default_rng(0).uniform(0.2, 0.8, (1, 32, 32, 3))
    planes = planes.astype(np.float32)
    change = np.abs(np.asarray(network(planes)) - planes)
    assert change[..., 1:].max() < 0.1
    if name != "photo":
        assert change[..., 0].max() < 0.1
    else:
        compact = DualPriorNetwork.from_preset("compact")
        alone = compact.with_changes(num_stages=1, num_descent_steps=0)
        expected = np.asarray(alone(planes[..., :1]))
        restored = np.asarray(network(planes, aux=planes))[..., :1]
        np.testing.assert_allclose(restored, expected, atol=1e-5)
    keras.backend.clear_session()
