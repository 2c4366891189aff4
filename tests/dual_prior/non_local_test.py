import numpy as np
import pytest

from dual_prior.non_local import NonLocal
from tests.layer_contract import assert_layer_contract


def _features(height, width, channels=6, batch=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, height, width, channels)).astype(np.float32)


def _kernel(layer):
    return np.asarray(layer.kernel)[0, 0]


@pytest.mark.parametrize("size", [(4, 5), (1, 1), (7, 3)])
def test_equals_the_literal_quadratic_product(size):
    layer = NonLocal(3)
    m = _features(*size)
    actual = np.asarray(layer(m))
    flat = m.reshape(len(m), -1, m.shape[-1])
    theta, nu, xi = (flat @ _kernel(c) for c in (layer.theta, layer.nu, layer.xi))
    similarity = theta @ nu.transpose(0, 2, 1)  # N x N, as Eq. 11 is printed
    expected = flat + similarity @ xi @ _kernel(layer.w) / flat.shape[1]
    np.testing.assert_allclose(actual, expected.reshape(m.shape), atol=1e-5)


def test_means_the_same_at_every_size():
    layer = NonLocal(3)
    m = _features(4, 4)
    tiled = np.tile(m, (1, 3, 2, 1))
    np.testing.assert_allclose(
        np.asarray(layer(tiled)), np.tile(np.asarray(layer(m)), (1, 3, 2, 1)), atol=1e-5
    )


def test_makes_no_array_that_grows_with_the_square_of_the_positions():
    # 512 x 512 positions: N x N in float32 would take 256 GiB.
    layer = NonLocal(1)
    assert layer(np.zeros((1, 512, 512, 1), np.float32)).shape == (1, 512, 512, 1)


def test_keeps_the_layer_contract():
    assert_layer_contract(NonLocal(2), _features(4, 6))
