import functools

import numpy as np
import pytest

from dual_prior.network.non_local import NonLocal
from tests.layer_contract import assert_layer_contract


def _features(height, width, channels=6, batch=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, height, width, channels)).astype(np.float32)


def _kernel(layer):
    return np.asarray(layer.kernel)[0, 0]


@pytest.mark.parametrize("size", [(4, 5), (1, 1), (7, 3)])
def test_equals_the_literal_quadratic_product(size):
    layer = NonLocal(3)
    m = 0.1 * _features(*size)  # small: the second term does not outweigh M
    actual = np.asarray(layer(m))
    flat = m.reshape(len(m), -1, m.shape[-1])
    theta, nu, xi = (flat @ _kernel(c) for c in (layer.theta, layer.nu, layer.xi))
    similarity = theta @ nu.transpose(0, 2, 1)  # N x N, as Eq. 11 is printed
    expected = flat + similarity @ xi @ _kernel(layer.w) / flat.shape[1]
    np.testing.assert_allclose(actual, expected.reshape(m.shape), atol=1e-6)


def test_means_the_same_at_every_size():
    layer = NonLocal(3)
    m = _features(4, 4)
    tiled = np.tile(m, (1, 3, 2, 1))
    np.testing.assert_allclose(
        np.asarray(layer(tiled)), np.tile(np.asarray(layer(m)), (1, 3, 2, 1)), atol=1e-5
    )


def test_a_part_is_treated_as_in_the_whole_whose_context_it_is_given():
    layer = NonLocal(3)
    m = 0.1 * _features(6, 5)
    whole = np.asarray(layer(m))
    part = np.asarray(layer(m[:, :2, 1:], context=layer.context(m)))
    np.testing.assert_allclose(part, whole[:, :2, 1:], atol=1e-6)
    assert np.abs(np.asarray(layer(m[:, :2, 1:])) - part).max() > 1e-4


def test_makes_no_array_that_grows_with_the_square_of_the_positions():
    # 512 x 512 positions: N x N in float32 would take 256 GiB.
    layer = NonLocal(1)
    assert layer(np.zeros((1, 512, 512, 1), np.float32)).shape == (1, 512, 512, 1)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_the_second_term_never_outweighs_the_first(size):
    layer = NonLocal(3)
    m = np.float32(size) * _features(6, 5)
    added = np.asarray(layer(m)) - m
    rms_added, rms = (np.sqrt(np.mean(x**2, axis=(1, 2, 3))) for x in (added, m))
    assert np.all(rms_added <= 1.001 * rms)


def test_no_features_give_none_and_a_finite_derivative():
    import tensorflow as tf

    layer = NonLocal(3)
    zeros = tf.zeros((1, 4, 4, 6))
    with tf.GradientTape() as tape:
        tape.watch(zeros)
        total = tf.reduce_sum(layer(zeros))
    np.testing.assert_array_equal(np.asarray(layer(zeros)), np.zeros((1, 4, 4, 6)))
    assert np.all(np.isfinite(np.asarray(tape.gradient(total, zeros))))


def test_keeps_the_layer_contract():
    assert_layer_contract(functools.partial(NonLocal, 2), _features(4, 6))
