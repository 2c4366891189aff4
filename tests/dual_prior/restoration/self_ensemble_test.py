import numpy as np
import pytest

from dual_prior.restoration.self_ensemble import self_ensemble
from dual_prior.restoration.symmetries import turn, turn_back


@pytest.mark.parametrize("symmetry", range(8))
def test_turning_back_undoes_turning(symmetry):
    plane = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(turn_back(turn(plane, symmetry), symmetry), plane)


def test_a_symmetric_network_is_not_changed():
    y = np.random.default_rng(0).uniform(size=(1, 11, 14, 3)).astype(np.float32)
    np.testing.assert_allclose(
        self_ensemble([lambda x: 1 - x] * 8)(y), 1 - y, atol=1e-6
    )


def test_any_network_becomes_equivariant():
    y = np.random.default_rng(0).uniform(size=(1, 16, 16, 1)).astype(np.float32)
    restore = self_ensemble([lambda x: np.roll(x, 1, axis=2)] * 8)
    for symmetry in range(8):
        turned = turn(y[0], symmetry)[None]
        expected = turn(restore(y)[0], symmetry)[None]
        np.testing.assert_allclose(restore(turned), expected, atol=1e-6)
    # Once to the right and once to the left of it, above and below.
    neighbours = [np.roll(y, step, axis) for axis in (1, 2) for step in (1, -1)]
    np.testing.assert_allclose(restore(y), np.mean(neighbours, axis=0), atol=1e-6)
