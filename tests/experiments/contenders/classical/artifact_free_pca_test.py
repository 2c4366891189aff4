import io

import numpy as np
import pytest

from dual_prior import jpeg, metrics
from experiments.contenders.classical import artifact_free_pca as pca
from experiments.contenders.classical.artifact_free_pca import PairedMixture
from tests.conftest import made_picture


def _pairs(count=4):
    cleans = [made_picture(seed=seed) for seed in range(count)]
    return [(jpeg.compress(clean, 10), clean) for clean in cleans]


@pytest.fixture(scope="module")
def mixture():
    clean, compressed = pca.training_pairs(_pairs(), 400)
    return PairedMixture.learned(clean, compressed, 4)


def test_training_pairs_lie_at_the_same_place():
    clean, compressed = pca.training_pairs([(made_picture(), made_picture())], 50)
    np.testing.assert_array_equal(clean, compressed)
    assert clean.shape == (50, pca.SIDE**2) and np.ptp(clean) > 0


def test_bases_are_orthonormal_and_hold_the_principal_components(mixture):
    basis, noise = mixture.bases()
    identity = np.eye(pca.SIDE**2)
    for k in range(len(basis)):
        np.testing.assert_allclose(basis[k].T @ basis[k], identity, atol=1e-4)
        variances = basis[k].T @ mixture.clean[k] @ basis[k]
        off = variances - np.diag(np.diag(variances))
        assert np.abs(off).max() < 1e-3 * np.diag(variances).max()
    assert np.all(noise > 0)


def test_two_kinds_of_patches_are_classified():
    rng = np.random.default_rng(0)
    across, down = np.zeros((2, pca.SIDE, pca.SIDE))
    across[:, ::2], down[::2] = 20, 20
    kinds = np.repeat([0, 1], 300)
    strengths = rng.uniform(0.5, 2, (600, 1, 1))
    patches = np.where(kinds[:, None, None] == 0, across - 10, down - 10) * strengths
    patches = (patches + rng.normal(0, 1, patches.shape)).reshape(600, -1)
    patches = patches.astype(np.float32)
    mixture = PairedMixture.learned(patches, patches, 2)
    found = mixture.assigned(patches - patches.mean(axis=1, keepdims=True))
    assert np.mean(found == kinds) in (0, 1)  # whichever is called 0


def test_a_mixture_is_read_as_it_was_written(mixture):
    file = io.BytesIO()
    mixture.save(file)
    again = PairedMixture.load(io.BytesIO(file.getvalue()))
    np.testing.assert_array_equal(again.clean, mixture.clean)
    np.testing.assert_array_equal(again.log_weights, mixture.log_weights)


def test_without_noise_nothing_is_shrunk():
    rng = np.random.default_rng(0)
    bands, similar = rng.normal(size=(5, 6)), rng.normal(size=(5, 9, 6))
    kept = pca.shrunk(bands, similar, np.zeros(6))
    np.testing.assert_allclose(kept, bands, atol=1e-12)


def test_bands_that_vary_only_by_noise_become_their_mean():
    similar = np.random.default_rng(0).normal(5, 1, (4, 50, 6))
    shrunk = pca.shrunk(np.full((4, 6), 9.0), similar, np.full(6, 4.0))
    np.testing.assert_allclose(shrunk, similar.mean(axis=1))


def test_half_signal_half_noise_goes_half_way():
    similar = np.stack([np.full((1, 3), -2.0), np.full((1, 3), 2.0)], axis=1)
    shrunk = pca.shrunk(np.full((1, 3), 2.0), similar, np.full(3, 2.0))
    np.testing.assert_allclose(shrunk, 1)  # variance 4: 2 of it signal


@pytest.mark.parametrize("shape", [(32, 32), (21, 30)])
def test_a_constant_picture_stays_constant(mixture, shape):
    flat = np.full(shape, 77, np.uint8)
    restored = pca.artifact_free_pca(flat, jpeg.quantization_table(10), mixture)
    np.testing.assert_allclose(restored, 77, atol=0.01)


def test_artifacts_are_removed(mixture):
    clean = made_picture(64, 64, seed=9)
    compressed = jpeg.compress(clean, 10)
    restored = pca.artifact_free_pca(compressed, jpeg.quantization_table(10), mixture)
    restored = np.clip(np.round(restored), 0, 255).astype(np.uint8)
    assert metrics.psnr(clean, restored) > metrics.psnr(clean, compressed) + 0.3
