import numpy as np
import pytest

from dual_prior.metrics import blocking_effect_factor
from experiments.losses import (
    log_squared_error,
    log_squared_error_and_blocks,
    squared_error_and_blocks,
)
from experiments.stages import psnr


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
    expected = 0.1 * 0.35 / eta * factors
    assert expected[0] > 0.02
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


def test_a_logarithm_of_the_error_is_its_psnr():
    clean, restored = _patches(0), _patches(1)
    restored[1] = clean[1] + 0.1 * (restored[1] - clean[1])
    logs = np.asarray(log_squared_error(clean, restored))
    assert logs.shape == (3, 1, 1)
    each = [float(psnr(clean[i : i + 1], restored[i : i + 1])[0]) for i in range(3)]
    np.testing.assert_allclose(-10 / np.log(10) * logs.ravel(), each, rtol=1e-2)


def test_an_error_that_cannot_be_seen_is_not_chased():
    clean = _patches(0)
    unseen, seen = (
        float(np.mean(log_squared_error(clean, clean + np.float32(level / 255))))
        for level in (0.1, 2.0)
    )
    assert seen - unseen < np.log(2.1)


def test_the_logarithm_of_the_error_and_the_blocks():
    clean, restored = _patches(0), _patches(1)
    both = np.asarray(squared_error_and_blocks(clean, restored)).mean(axis=(1, 2))
    logs = np.asarray(log_squared_error_and_blocks(clean, restored)).ravel()
    np.testing.assert_allclose(np.exp(logs) - (2 / 255) ** 2, both, rtol=1e-4)
