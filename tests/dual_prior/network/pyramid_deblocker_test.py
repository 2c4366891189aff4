import numpy as np
import pytest

from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from tests.layer_contract import (
    assert_every_weight_receives_a_gradient,
    assert_layer_contract,
)


def _image(height, width, channels=1, batch=2):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(batch, height, width, channels)).astype(np.float32)


def _tiny(channels=1, features=(4, 6, 8), depths=(1, 2, 1), **arguments):
    return PyramidDeblocker(channels, features, depths, **arguments)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 12), (13, 1)])
@pytest.mark.parametrize("levels", [1, 2, 4])
def test_any_size_in_same_size_out(size, levels):
    x = _image(*size)
    assert _tiny(features=(4,) * levels, depths=(1,) * levels)(x).shape == x.shape


@pytest.mark.parametrize("channels", [1, 3])
def test_untrained_is_close_to_the_identity(channels):
    x = _image(16, 16, channels)
    u = np.asarray(_tiny(channels)(x))
    assert 0 < np.abs(u - x).max() < 0.1


@pytest.mark.parametrize("size", [(1, 1), (7, 8), (13, 5)])
def test_other_sizes_get_edge_padding(size):
    deblocker = _tiny()
    x = _image(*size)
    whole = np.pad(x, [(0, 0), *((0, -side % 4) for side in size), (0, 0)], mode="edge")
    extended = np.asarray(deblocker(whole))[:, : size[0], : size[1]]
    np.testing.assert_allclose(np.asarray(deblocker(x)), extended, atol=1e-6)


def test_sees_as_far_as_its_levels_reach_and_no_farther():
    deblocker = _tiny(features=(4, 4), depths=(1, 1))
    deblocker(_image(8, 8))
    rng = np.random.default_rng(1)
    for weight in deblocker.trainable_weights:  # positive: no ReLU is ever shut
        weight.assign(rng.uniform(0.1, 0.2, weight.shape))
    x = _image(64, 64, batch=1)
    changed = x.copy()
    changed[0, 32, 32] += 1
    where = np.argwhere(np.asarray(deblocker(changed) - deblocker(x))[0, ..., 0])
    # Head, tail and one convolution on either way; one at half the resolution.
    reach = np.abs(where - 32).max()
    assert 4 < reach <= 1 + 1 + 2 * (1 + 1) + 1 + 1


def test_a_shift_by_its_coarsest_grid_shifts_the_result():
    deblocker = _tiny()
    x = _image(96, 96)
    whole, shifted = np.asarray(deblocker(x)), np.asarray(deblocker(x[:, 4:, 8:]))
    inside = np.s_[:, 40:-40, 40:-40]
    np.testing.assert_allclose(shifted[inside], whole[:, 4:, 8:][inside], atol=1e-6)


def test_number_of_weights_follows_from_the_arguments():
    deblocker = _tiny(features=(3, 5), depths=(2, 1))
    deblocker.build((None, None, None, 1))
    head, tail = 9 * 3 + 3, 9 * 3 + 1
    fine = 2 * 2 * (9 * 3 * 3 + 3)
    coarse = 9 * 5 * 5 + 5
    between = (4 * 3 * 5 + 5) + (4 * 5 * 3 + 3)
    assert deblocker.count_params() == head + fine + coarse + between + tail


def test_image_keeps_float32_precision_under_a_mixed_policy():
    deblocker = _tiny(dtype="mixed_bfloat16")
    x = _image(8, 8)
    deblocker(x)
    deblocker.tail.kernel.assign(np.zeros_like(deblocker.tail.kernel))
    np.testing.assert_array_equal(np.asarray(deblocker(x)), x)


def test_every_weight_receives_a_gradient():
    assert_every_weight_receives_a_gradient(_tiny(), _image(16, 16))


def test_a_level_without_depth_is_refused():
    with pytest.raises(ValueError, match="a depth for each of 3 levels"):
        PyramidDeblocker(features=(4, 4, 4), depths=(1, 1))


def test_keeps_the_layer_contract():
    assert_layer_contract(_tiny, _image(10, 9))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 12)])
@pytest.mark.parametrize("scale", [1, 2])
def test_with_planes_beside_the_image_its_size_stays(size, scale):
    x = _image(*size, channels=2)
    deblocker = _tiny(2, aux_channels=3, scale=scale)
    assert deblocker(x, aux=_image(*size, channels=3)).shape == x.shape


def test_planes_beside_the_image_count_and_none_are_zeros():
    x, aux = _image(8, 8), _image(8, 8, channels=2)
    deblocker = _tiny(aux_channels=2)
    assert np.any(np.asarray(deblocker(x, aux=aux)) != deblocker(x))
    np.testing.assert_array_equal(deblocker(x, aux=np.zeros_like(aux)), deblocker(x))


def _colour(**arguments):
    return _tiny(2, aux_channels=3, scale=2, **arguments)


def test_with_planes_beside_the_image_and_at_a_scale_the_layer_keeps_its_contract():
    inputs = _image(13, 6, channels=2), _image(13, 6, channels=3)
    assert_layer_contract(_colour, *inputs)


def test_with_planes_beside_the_image_every_weight_receives_a_gradient():
    inputs = _image(13, 6, channels=2), _image(13, 6, channels=3)
    assert_every_weight_receives_a_gradient(_colour(), *inputs)


def test_a_shift_by_the_scale_and_the_coarsest_grid_shifts_the_result():
    deblocker = _tiny(features=(4, 6), depths=(1, 1), scale=2)
    x = _image(96, 96)
    shifted = np.asarray(deblocker(np.roll(x, (4, 8), axis=(1, 2))))
    expected = np.roll(np.asarray(deblocker(x)), (4, 8), axis=(1, 2))
    inner = np.s_[:, 40:-40, 40:-40]
    np.testing.assert_allclose(shifted[inner], expected[inner], atol=1e-6)
