import keras
import numpy as np
import pytest
from keras.layers import BatchNormalization

from dual_prior.network.deblocker import Deblocker
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders.ablations import ABLATIONS
from experiments.contenders.baselines.arcnn import arcnn
from experiments.contenders.baselines.dcsc import dcsc
from experiments.contenders.baselines.dncnn import dncnn
from experiments.contenders.baselines.ista import ista
from experiments.contenders.baselines.layers import SoftThreshold
from experiments.contenders.baselines.lpio import EdgeMap, lpio
from experiments.contenders.baselines.memnet import memnet
from experiments.contenders.baselines.rdn import rdn
from experiments.contenders.baselines.rnan import rnan
from experiments.contenders.baselines.tnrd import DiffusionStage, tnrd
from experiments.contenders.registry import CONTENDERS
from experiments.measuring.cost import macs

TINY = {
    "arcnn": lambda: arcnn((6, 4, 2)),
    "dncnn": lambda: dncnn(4, 6),
    "tnrd": lambda: tnrd(2, 4, 5, 5),
    "dcsc": lambda: dcsc(2, 6),
    "lpio": lambda: lpio(6, (2, 1)),
    "memnet": lambda: memnet(2, 2, 6),
    "rnan": lambda: rnan(2, 6),
    "rdn": lambda: rdn(2, 2, 6, 6),
    "ista": lambda: ista(2, 6, 5),
}


def _image(height=21, width=18):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(2, height, width, 1)).astype(np.float32)


@pytest.mark.parametrize("name", TINY)
def test_an_untrained_baseline_changes_a_picture_of_any_size_a_little(name):
    y = _image()
    restored = np.asarray(TINY[name]()(y))
    assert restored.shape == y.shape and restored.dtype == np.float32
    assert 0 < np.abs(restored - y).max() < 0.3


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (lambda: arcnn(), 106_448 + 64 + 32 + 16 + 1),  # published without biases
        (lambda: dncnn(batch_normalization=False), 665_921),
        (lambda: rdn(), 21_973_377),  # "22 M"
    ],
)
def test_the_published_sizes_can_be_built(model, parameters):
    assert model().count_params() == parameters


@pytest.mark.parametrize("make", [lambda: dncnn(3, 4), lambda: memnet(1, 1, 4)])
def test_normalisation_forgets_the_untrained_network_within_100_steps(make):
    model = make()
    # Nothing is learned, so that the true statistics do not change.
    model.compile(keras.optimizers.SGD(0.0), "mse")
    y = _image()
    for _ in range(100):
        model.train_on_batch(y, y)
    # The first: what the others see depends on it.
    layer = next(la for la in model.layers if isinstance(la, BatchNormalization))
    x = np.asarray(keras.Model(model.input, layer.input)(y))
    variance = np.var(x, axis=(0, 1, 2))
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=0.05)


@pytest.mark.parametrize("make", [dcsc, ista])
def test_iterations_share_their_weights(make):
    few, many = make(iterations=2, features=4), make(iterations=9, features=4)
    assert few.count_params() == many.count_params()


def test_the_soft_threshold_shrinks():
    z = np.float32([[-3, -0.5, 0, 0.5, 3]]).T.reshape(1, 5, 1, 1)
    shrunk = np.asarray(SoftThreshold(1.0)(z)).ravel()
    np.testing.assert_allclose(shrunk, [-2, 0, 0, 0, 2])


def test_diffusion_without_influence_goes_back_to_the_compressed_image():
    u, y = _image()[:1], _image()[1:]
    stage = DiffusionStage(4, 5, 5)
    stage(u, y)
    stage.weights_of_bumps.assign(np.zeros((5, 4)))
    stage.fidelity.assign(1.0)
    np.testing.assert_allclose(np.asarray(stage(u, y)), y, atol=1e-6)


def test_diffusion_leaves_flat_pictures_flat():
    flat = np.full((1, 20, 20, 1), 0.5, np.float32)
    inside = np.asarray(DiffusionStage(4, 5, 5)(flat, flat))[:, 4:-4, 4:-4]
    np.testing.assert_allclose(inside, 0.5, atol=1e-6)


def test_a_map_of_edges_by_hand():
    y = np.float32([[0, 0, 1], [0, 0, 1]])[None, ..., None]
    edges = np.asarray(EdgeMap()(y))[0, ..., 0]
    np.testing.assert_allclose(edges, [[0, 0.25, 0.25], [0, 0.25, 0.25]])
    colour = np.repeat(y, 3, axis=-1)
    np.testing.assert_allclose(np.asarray(EdgeMap()(colour))[0, ..., 0], edges)


def test_lpio_does_not_depend_on_the_rest_of_the_batch():
    model, y = lpio(6, (2, 1)), _image()
    together = np.asarray(model(y))
    np.testing.assert_allclose(together[:1], np.asarray(model(y[:1])), atol=1e-6)


def _compact(**changes):
    return DualPriorNetwork.from_preset("compact", weights=None, **changes)


def test_compute_is_counted_as_by_hand():
    assert macs(dncnn(4, 6)) == 9 * (6 + 2 * 36 + 6)
    # Half resolution: a quarter of the positions, and back.
    units = Deblocker(1, 98, 2, 16, (1, 2, 3), 2)
    network = _compact(deblocker=units, num_stages=1, num_descent_steps=0)
    of_units = 2 * (3 * 9 * 98**2 + 4 * 98 * 16 + 2 * 16**2) + (2 + 3) * 98**2
    assert macs(network) == (16 * 98 + of_units + 16 * 98) / 4
    # A pyramid: half the resolution on the second level, on the way there and back.
    pyramid = PyramidDeblocker(1, (4, 6), (2, 1))
    way = 2 * 9 * 4**2
    coarse = 4 * 4 * 6 + 9 * 6**2 + 4 * 6 * 4
    assert macs(pyramid) == 9 * 4 + way + coarse / 4 + way + 9 * 4


def test_a_step_of_the_descent_costs_two_passes_of_the_classifier():
    networks = [_compact(num_stages=1, num_descent_steps=steps) for steps in (0, 1, 3)]
    without, one, three = map(macs, networks)
    assert three - without == pytest.approx(3 * (one - without))
    # Forth to f_s, and back from it to g.
    classifier = macs(networks[0].classifier, channels=2)
    assert one - without == pytest.approx(2 * classifier, rel=0.01)


def test_another_network_can_take_the_de_blockers_place():
    model = dncnn(3, 4)
    network = _compact(deblocker=model)
    y = _image()
    np.testing.assert_array_equal(
        np.asarray(network.stages[0](y, y)["u"]), np.asarray(model(y))
    )
    assert len(network.trainable_weights) == len(model.trainable_weights) + 2 * 4


@pytest.mark.parametrize("name", ["TNRD", "RNAN", "DCSC", "de-blocker: l1 sparsity"])
def test_a_contender_is_saved_and_loaded(name, tmp_path):
    model = (CONTENDERS | ABLATIONS)[name](None)
    y = _image()
    expected = np.asarray(model(y))
    model.save(tmp_path / "contender.keras")
    loaded = keras.saving.load_model(tmp_path / "contender.keras")
    np.testing.assert_array_equal(np.asarray(loaded(y)), expected)


@pytest.mark.parametrize("name", ["DnCNN", "LPIO", "compact"])
def test_contenders_are_of_comparable_compute(name):
    assert 1e5 < macs(CONTENDERS[name](None)) < 5e5
