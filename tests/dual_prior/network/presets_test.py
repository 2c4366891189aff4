import re

import keras
import numpy as np
import pytest
import skimage.data

from dual_prior import jpeg
from dual_prior.jpeg.table_plane import UNKNOWN, Tables
from dual_prior.network.colour_network import load_network
from dual_prior.network.operators import image_gradient
from dual_prior.network.presets import (
    PRESETS,
    RestorationProfile,
    find_preset,
)
from dual_prior.network.unfolding import DualPriorNetwork
from tests.conftest import made_picture, run_script

PICTURE = made_picture(96, 96)
NUM_PARAMETERS = {
    "paper": 2_059_366,
    "compact": 1_203_754,
    "photo": 2_712_814,
    "fast": 625_873,
}


@pytest.mark.parametrize("name", PRESETS)
def test_number_of_parameters(name):
    network = load_network(name, weights=None)
    assert network.count_params() == NUM_PARAMETERS[name]


def test_the_papers_numbers():
    paper = DualPriorNetwork.from_preset("paper", weights=None)
    assert (paper.deblocker.features, paper.classifier.features) == (112, 32)
    assert (len(paper.stages), paper.stages[0].descent.num_steps) == (5, 3)
    assert paper.deblocker.dilations == (1, 3, 5)
    assert paper.classifier.strides == (1,) * 6
    for scalar in paper.stages[0].scalars().values():
        np.testing.assert_allclose(np.asarray(scalar.value()), 0.01, rtol=1e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_a_shipped_preset_is_what_its_network_would_write(name, tmp_path):
    preset = find_preset(name)
    network = load_network(name)
    network.save_to_preset(tmp_path / name, preset.profile)
    written = find_preset(tmp_path / name)
    assert written.config == preset.config
    assert written.profile == preset.profile
    for mine, weight in zip(
        load_network(written).weights, network.weights, strict=True
    ):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(weight))


def test_a_preset_is_found_without_keras():
    code = """
import sys
from dual_prior.network.presets import PRESETS, DEFAULT_PRESET, find_preset
assert find_preset(DEFAULT_PRESET).profile.clean_below == 0.5
print([preset.version for preset in PRESETS.values()], "keras" in sys.modules)
"""
    versions = ["paper-2", "compact-7", "photo-9", "fast-3"]
    assert run_script(code).strip() == f"{versions} False"


def test_an_unknown_preset_is_named(tmp_path):
    for unknown in ("huge", str(tmp_path), str(tmp_path / "no.keras")):
        match = f"paper, compact, photo, fast; there is no {re.escape(repr(unknown))}"
        with pytest.raises(ValueError, match=match):
            find_preset(unknown)


def _tiny():
    keras.utils.set_random_seed(0)
    part = {"features": (4, 6), "depths": (1, 1)}
    return DualPriorNetwork.from_preset("compact", weights=None, deblocker=part)


@pytest.fixture
def folder(tmp_path):
    """A user's own preset."""
    _tiny().save_to_preset(tmp_path / "mine", RestorationProfile(0.3, 500))
    return tmp_path / "mine"


def test_a_preset_of_ones_own_is_read_from_its_folder(folder):
    network = DualPriorNetwork.from_preset(folder)
    y = np.random.default_rng(0).uniform(size=(1, 9, 7, 1)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(network(y)), np.asarray(_tiny()(y)))
    assert find_preset(str(folder)).profile == RestorationProfile(0.3, 500)
    # A network that was compiled brings no optimiser along.
    network.compile("adam", "mean_absolute_error", run_eagerly=True)
    network.train_on_batch(y, y)
    network.save_to_preset(folder, overwrite=True)
    assert find_preset(folder).profile == RestorationProfile()
    changed = DualPriorNetwork.from_preset(folder)
    np.testing.assert_array_equal(np.asarray(changed(y)), np.asarray(network(y)))
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_a_folder_is_replaced_on_request_and_only_if_it_is_a_preset(folder):
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    with pytest.raises(FileExistsError, match="mine: exists"):
        _tiny().save_to_preset(folder)
    other = folder.parent / "other"
    other.mkdir()
    (other / "photo.jpg").touch()
    with pytest.raises(FileExistsError, match="holds no config.json"):
        _tiny().save_to_preset(other, overwrite=True)
    assert [path.name for path in other.iterdir()] == ["photo.jpg"]
    after = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    assert after == before


def test_a_preset_that_cannot_be_written_leaves_nothing(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(self, path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(DualPriorNetwork, "save_weights", fail)
    with pytest.raises(OSError, match="disk full"):
        _tiny().save_to_preset(folder, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_an_architecture_without_weights_is_an_error_with_advice(folder):
    (folder / "model.weights.h5").unlink()
    assert DualPriorNetwork.from_preset(folder, weights=None).built
    with pytest.raises(ValueError, match="No weights ship with the preset 'mine'"):
        DualPriorNetwork.from_preset(folder)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("model.weights.h5", b"weights", "model.weights.h5: damaged .*SHA-256"),
        ("config.json", b"{", "config.json: damaged"),
        ("config.json", b"[]", "config.json: damaged"),
        ("config.json", b"{}", "mine: expected a DualPriorNetwork"),
        ("config.json", b'{"class_name": "X"}', "mine: "),
        ("metadata.json", b"{}", "model.weights.h5: damaged"),
        ("restoration.json", b'{"clean": 1}', "restoration.json: damaged"),
        ("restoration.json", b'{"clean_below": 7}', "restoration.json: damaged"),
    ],
)
def test_a_damaged_preset_is_named(folder, name, content, match):
    (folder / name).write_bytes(content)
    with pytest.raises((OSError, ValueError), match=match) as caught:
        preset = find_preset(folder)
        DualPriorNetwork.from_preset(preset)
        assert preset.profile is None
    assert "\n" not in str(caught.value)


def test_arguments_change_before_training_and_after():
    y = np.random.default_rng(0).uniform(size=(1, 16, 16, 1)).astype(np.float32)
    two = DualPriorNetwork.from_preset("compact")
    three = DualPriorNetwork.from_preset("compact", num_stages=3)
    states = three(y, return_stages=True)
    assert len(states) == 3
    np.testing.assert_array_equal(np.asarray(states[1]["x"]), np.asarray(two(y)))
    colour = {"deblocker": {"channels": 3}, "alpha_init": 2.0}
    assert DualPriorNetwork.from_preset("compact", None, **colour).channels == 3
    with pytest.raises(ValueError, match="among .*num_stages.*; got 'stages'"):
        DualPriorNetwork.from_preset("compact", stages=3)


def test_a_weights_file_is_one_of_the_changed_network(tmp_path):
    path = tmp_path / "three.weights.h5"
    three = DualPriorNetwork.from_preset("compact", num_stages=3)
    three.save_weights(path)
    again = DualPriorNetwork.from_preset("compact", path, num_stages=3)
    for weight, expected in zip(again.weights, three.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(expected))
    with pytest.raises(ValueError, match=r"three.weights.h5: .*do not fit"):
        DualPriorNetwork.from_preset("compact", path)


def test_a_keras_file_is_a_preset_too(tmp_path):
    network = _tiny()
    path = tmp_path / "mine.keras"
    network.save(path)
    y = np.random.default_rng(0).uniform(size=(1, 9, 7, 1)).astype(np.float32)
    loaded = DualPriorNetwork.from_preset(path)
    np.testing.assert_array_equal(np.asarray(loaded(y)), np.asarray(network(y)))
    assert len(DualPriorNetwork.from_preset(path, num_stages=1).stages) == 1
    assert find_preset(path).profile == RestorationProfile()


@pytest.mark.parametrize("content", ["code", "another model", "nothing"])
def test_a_keras_file_that_holds_something_else_is_refused(tmp_path, content):
    path = tmp_path / "foreign.keras"
    if content == "nothing":
        path.write_bytes(b"nothing")
    else:
        code = [keras.layers.Lambda(lambda x: x)] if content == "code" else []
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(1), *code]).save(path)
    with pytest.raises(ValueError, match="foreign.keras: ") as caught:
        DualPriorNetwork.from_preset(path)
    assert "\n" not in str(caught.value)


def _stages(name):
    """A made picture, the same at quality 10, and what a network does with that."""
    clean, y = (
        image.astype(np.float32)[None, :, :, None] / 255
        for image in (PICTURE, jpeg.compress(PICTURE, 10))
    )
    network = DualPriorNetwork.from_preset(name)
    return clean, y, network, network(y, return_stages=True)


@pytest.mark.parametrize("name", ["photo", "fast"])
def test_pictures_without_tables_are_restored_nearly_as_well(name):
    picture = jpeg.luma(skimage.data.astronaut()[:128, 200:328])
    y = jpeg.compress(picture, 20)
    luma = load_network(name).luma

    def error(tables):
        plane = tables.planes(*picture.shape)[None, :, :, :1]
        x = luma(y.astype(np.float32)[None, :, :, None] / 255, aux=plane)
        return np.mean((255 * np.asarray(x)[0, :, :, 0] - picture) ** 2)

    before = np.mean((y - picture.astype(float)) ** 2)
    steps = np.zeros((3, 8, 8))
    steps[0] = jpeg.quantization_table(20)
    assert error(UNKNOWN) < 0.85 * before  # by more than 0.7 dB
    assert error(Tables(steps)) < 1.02 * error(UNKNOWN)


@pytest.mark.parametrize("name", ["compact", "paper"])
def test_the_images_of_the_shipped_stages_look_like_images(name):
    clean, y, _, states = _stages(name)
    before = np.mean((y - clean) ** 2)
    for state in states:
        for part in ("u", "x"):
            image = np.asarray(state[part])
            assert np.mean((image - clean) ** 2) < before, part
            assert image.min() > -0.2 and image.max() < 1.2
        gradient = np.asarray(state["g"])
        for axis, channel in ((2, 0), (1, 1)):
            wanted = np.roll(clean, -1, axis=axis) - clean
            correlation = np.corrcoef(gradient[..., channel].ravel(), wanted.ravel())
            assert correlation[0, 1] > 0.7


def test_the_classifier_of_compact_sees_less_of_compression_from_stage_to_stage():
    *_, states = _stages("compact")
    probabilities = [float(np.asarray(state["probability"])[0]) for state in states]
    assert probabilities[0] > 0.9 > probabilities[-1]


def test_the_descent_of_paper_lowers_the_probability_of_compression():
    _, y, network, states = _stages("paper")
    seen = float(np.asarray(network.classifier(image_gradient(y)))[0, 0])
    for state in states:
        assert float(np.asarray(state["probability"])[0]) < 0.3 < 0.8 < seen


@pytest.mark.parametrize("name", PRESETS)
def test_synthetic_patterns_do_not_diverge(name):
    rows, columns = np.indices((96, 96))
    patterns = [rows % 2, (rows + columns) % 2, (rows // 8 + columns // 8) % 2]
    patterns.append(np.random.default_rng(0).integers(0, 2, (96, 96)))
    network = load_network(name)
    channels = network.channels
    y = np.repeat(np.stack(patterns)[..., None], channels, axis=-1).astype(np.float32)
    assert np.abs(np.asarray(network(y)) - y).max() < 1
