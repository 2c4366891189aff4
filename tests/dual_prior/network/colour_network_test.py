import keras
import numpy as np
import pytest

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.colour_network import (
    ColourNetwork,
    load_network,
    unfolding_of,
)
from dual_prior.network.presets import RestorationProfile, find_preset
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from tests.layer_contract import assert_layer_contract


def tiny(**arguments):
    policy = arguments.pop("dtype", None)
    luma = DualPriorNetwork(
        PyramidDeblocker(1, (4, 6), (1, 1), aux_channels=1, dtype=policy),
        CompressionClassifier(4, (2, 1)),
        num_stages=2,
        num_descent_steps=1,
        alpha_init=1.0,
    )
    chroma = PyramidDeblocker(2, (4, 6), (1, 1), aux_channels=3, scale=2, dtype=policy)
    return ColourNetwork(luma, chroma, **arguments)


def _planes(height=10, width=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(size=(1, height, width, 3)).astype(np.float32)


def _same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


def test_keeps_the_layer_contract():
    assert_layer_contract(tiny, _planes(), _planes(seed=1))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 24)])
def test_any_size_comes_back(size):
    assert tiny()(_planes(*size), _planes(*size)).shape == (1, *size, 3)


def test_luma_is_restored_by_its_network_with_its_table():
    network, planes, tables = tiny(), _planes(), _planes(seed=1)
    restored = np.asarray(network(planes, tables))
    alone = np.asarray(network.luma(planes[..., :1], aux=tables[..., :1]))
    np.testing.assert_array_equal(restored[..., :1], alone)


def test_chroma_sees_restored_luma_and_its_tables():
    network, planes, tables = tiny(), _planes(), _planes(seed=1)
    chroma = np.asarray(network(planes, tables))[..., 1:]
    other_luma, other_tables = planes.copy(), tables.copy()
    other_luma[..., 0] = 1 - other_luma[..., 0]
    other_tables[..., 1:] = 0
    assert not _same(chroma, network(other_luma, tables)[..., 1:])
    assert not _same(chroma, network(planes, other_tables)[..., 1:])


def test_unknown_tables_are_zeros():
    network, planes = tiny(), _planes()
    assert _same(network(planes), network(planes, np.zeros_like(planes)))


def test_errors_of_chroma_do_not_train_luma():
    import tensorflow as tf

    network, planes = tiny(), _planes()
    network(planes)
    with tf.GradientTape() as tape:
        loss = keras.ops.sum(network(planes)[..., 1:])
    of_luma = [weight.value for weight in network.luma.trainable_weights]
    of_chroma = [weight.value for weight in network.chroma.trainable_weights]
    gradients = tape.gradient(loss, [*of_luma, *of_chroma])
    moves = [g is not None and bool(np.any(np.asarray(g))) for g in gradients]
    assert moves == [False] * len(of_luma) + [True] * len(of_chroma)


def test_one_preset_folder_holds_both_parts(tmp_path):
    network, planes = tiny(), (_planes(), _planes(seed=1))
    expected = np.asarray(network(*planes))
    network.compile("adam", "mse")
    network.save_to_preset(tmp_path / "mine", RestorationProfile(clean_below=0.25))
    assert find_preset(tmp_path / "mine").profile.clean_below == 0.25
    for load in (load_network, ColourNetwork.from_preset):
        loaded = load(tmp_path / "mine")
        assert isinstance(loaded, ColourNetwork)
        assert _same(loaded(*planes), expected)
    weights = tmp_path / "mine" / "model.weights.h5"
    assert _same(load_network(tmp_path / "mine", weights)(*planes), expected)
    with pytest.raises(ValueError, match="expected a DualPriorNetwork, got a Colour"):
        DualPriorNetwork.from_preset(tmp_path / "mine")


def test_a_keras_file_holds_both_parts(tmp_path):
    network, planes = tiny(), (_planes(), _planes(seed=1))
    expected = np.asarray(network(*planes))
    network.save(tmp_path / "mine.keras")
    assert _same(load_network(tmp_path / "mine.keras")(*planes), expected)


def test_the_unfolding_is_that_of_luma():
    network = tiny()
    assert unfolding_of(network) is network.luma
    assert unfolding_of(network.luma) is network.luma
    assert isinstance(load_network("compact"), DualPriorNetwork)
