import functools

import numpy as np
import pytest
from keras import ops

from dual_prior.network.deblocker import BasicUnit, Deblocker
from tests.layer_contract import (
    assert_every_weight_receives_a_gradient,
    assert_layer_contract,
)


def _image(height, width, channels=1, batch=2):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(batch, height, width, channels)).astype(np.float32)


def _tiny(**arguments):
    defaults = {"features": 4, "num_units": 2, "reduced": 2}
    return Deblocker(**{**defaults, **arguments})


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 12), (13, 1)])
def test_any_size_in_same_size_out(size, scale):
    x = _image(*size)
    assert _tiny(scale=scale)(x).shape == x.shape


@pytest.mark.parametrize("channels", [1, 3])
def test_untrained_is_close_to_the_identity(channels):
    x = _image(16, 16, channels)
    u = np.asarray(_tiny(channels=channels, scale=2)(x))
    assert 0 < np.abs(u - x).max() < 0.1


@pytest.mark.parametrize("scale", [2, 4])
def test_edge_padding_to_a_multiple_of_the_scale_keeps_the_grid(scale):
    # Cutting the last rows and columns changes nothing far from the cut: the coarse
    # grid starts at the top left whatever the size.
    deblocker = _tiny(scale=scale, num_units=1, dilations=(1,), reduced=1)
    x = _image(24 * scale, 24 * scale)
    deblocker.build(x.shape)
    deblocker.units[0].non_local.w.kernel.assign(
        np.zeros_like(deblocker.units[0].non_local.w.kernel)
    )
    whole = np.asarray(deblocker(x))
    cut = np.asarray(deblocker(x[:, : -scale + 1, :-1]))
    corner = np.s_[:, : 16 * scale, : 16 * scale]
    np.testing.assert_allclose(cut[corner], whole[corner], atol=1e-6)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (7, 8), (13, 5)])
def test_other_sizes_get_edge_padding(size, scale):
    deblocker = _tiny(scale=scale)
    x = _image(*size)
    whole = np.pad(
        x, [(0, 0), *((0, -side % scale) for side in size), (0, 0)], mode="edge"
    )
    extended = np.asarray(deblocker(whole))[:, : size[0], : size[1]]
    np.testing.assert_allclose(np.asarray(deblocker(x)), extended, atol=1e-6)


def test_number_of_weights_follows_from_the_arguments():
    features, units, reduced = 5, 3, 2
    deblocker = _tiny(features=features, num_units=units, reduced=reduced)
    deblocker.build((None, None, None, 1))
    head = 9 * features + features
    unit = 4 * features * reduced + 3 * (9 * features**2 + features)
    joins = sum((i + 2) * features**2 + features for i in range(units))
    tail = 9 * features + 1
    assert deblocker.count_params() == head + units * unit + joins + tail


def test_image_keeps_float32_precision_under_a_mixed_policy():
    deblocker = _tiny(dtype="mixed_bfloat16")
    x = _image(8, 8)
    deblocker(x)
    deblocker.tail.kernel.assign(np.zeros_like(deblocker.tail.kernel))
    np.testing.assert_array_equal(np.asarray(deblocker(x)), x)


def test_every_weight_receives_a_gradient():
    assert_every_weight_receives_a_gradient(_tiny(), _image(16, 16))


def test_keeps_the_layer_contract():
    assert_layer_contract(functools.partial(_tiny, scale=2), _image(10, 9))
    make = functools.partial(BasicUnit, 4, 2, (1, 2))
    assert_layer_contract(make, _image(8, 8, channels=4))


def test_the_contexts_of_a_picture_are_those_it_restores_itself_by():
    deblocker = _tiny(scale=2)
    x = _image(16, 12)
    expected = np.asarray(deblocker(x))
    u, contexts = deblocker.with_contexts(x)
    assert contexts.shape == (2, 2, 2, 2)  # of each unit and picture, R x R
    for restored in (
        u,
        deblocker(x, contexts),
        deblocker.with_contexts(x, contexts)[0],
    ):
        np.testing.assert_array_equal(np.asarray(restored), expected)


def test_the_unit_is_its_dilated_convolutions_after_the_non_local_operation():
    unit = BasicUnit(features=4, reduced=2)
    features = np.random.default_rng(0).normal(size=(2, 17, 22, 4)).astype(np.float32)
    result = np.asarray(unit(features))
    expected = unit.non_local(features)
    for layer, dilation in zip(unit.convolutions, (1, 3, 5), strict=True):
        sums = ops.conv(expected, layer.kernel, padding="same", dilation_rate=dilation)
        expected = ops.relu(sums + layer.bias)
    np.testing.assert_allclose(result, np.asarray(expected), atol=1e-5)
