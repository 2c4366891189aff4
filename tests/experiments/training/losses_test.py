import numpy as np
import pytest

from dual_prior.metrics import blocking_effect_factor
from experiments.training.losses import squared_error_and_blocks


def _patches(seed, side=64):
    rng = np.random.default_rng(seed)
    return rng.uniform(size=(3, side, side, 1)).astype(np.float32)


def test_blocks_cost_a_share_of_what_they_add_in_psnr_b():
    clean, restored = _patches(0), _patches(1)
    restored[0] += np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((8, 8)))[..., None]
    added = squared_error_and_blocks(clean, restored) - np.square(
        restored - clean
    ).mean(-1)
    factors = np.array([blocking_effect_factor(plane[..., 0]) for plane in restored])
    eta = np.log2(8) / np.log2(64)
    expected = 0.03 * 0.35 / eta * factors
    assert expected[0] > 0.006
    np.testing.assert_allclose(
        np.asarray(added), np.broadcast_to(expected[:, None, None], added.shape), 1e-4,
        1e-6,
    )  # fmt: skip


@pytest.mark.parametrize("level", [0.0, 0.4])
def test_without_steps_only_the_error_counts(level):
    clean = _patches(0)
    flat = np.full_like(clean, level)
    np.testing.assert_allclose(
        np.asarray(squared_error_and_blocks(clean, flat)),
        np.square(flat - clean).mean(-1),
        rtol=1e-5,
    )
