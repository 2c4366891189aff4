import numpy as np
import pytest

from dual_prior import jpeg, metrics
from experiments.contenders.classical import layer_decomposition as ld
from tests.conftest import made_picture


def _energy(s, y):
    """The objective that the decomposition minimises."""
    across, down = np.roll(s, -1, axis=1) - s, np.roll(s, -1, axis=0) - s
    variation = np.abs(across).sum() + np.abs(down).sum()
    return 0.5 * np.sum((s - y) ** 2) + ld.TOTAL_VARIATION * variation


def test_the_layers_add_up():
    y = made_picture(32, 32) / 255
    structure, texture = ld.decompose(y)
    np.testing.assert_allclose(structure + texture, y, atol=1e-12)
    assert structure.mean() == pytest.approx(y.mean())


def test_the_structure_is_a_minimum_of_total_variation():
    y = made_picture(32, 32) / 255
    structure, _ = ld.decompose(y)
    energy = _energy(structure, y)
    assert energy < _energy(y, y) and energy < _energy(np.full_like(y, y.mean()), y)
    rng = np.random.default_rng(0)
    for _ in range(5):
        nearby = structure + rng.normal(0, 0.01, y.shape)
        assert energy < _energy(nearby, y)


def test_a_step_keeps_its_edge():
    # Of two halves of a period of 32, the minimum draws each to the other by
    # 2 lambda / 16; the splitting comes near it, but for the pixels beside the edge.
    y = np.zeros((8, 32))
    y[:, 16:] = 1
    structure, _ = ld.decompose(y)
    drawn = 2 * ld.TOTAL_VARIATION / 16
    np.testing.assert_allclose(structure[:, 3:13], drawn, atol=2e-3)
    np.testing.assert_allclose(structure[:, 19:29], 1 - drawn, atol=2e-3)
    assert structure[0, 16] - structure[0, 15] > 0.9


def test_blocks_with_texture_are_found():
    texture = np.zeros((16, 16))
    texture[8:, 8:] = np.random.default_rng(0).normal(0, 0.05, (8, 8))
    texture[:8, 8:] = 0.1  # its mean does not count
    found = ld.texture_map(texture)
    assert found[8:, 8:].all() and found.sum() == 64


def test_deblocking_removes_steps_between_blocks():
    texture = np.zeros((32, 32))
    texture[:, 8:16] = texture[:, 24:] = 0.02  # nothing but steps between blocks
    flat = ld.deblocked(texture)
    steps = np.abs(np.diff(flat, axis=1))[:, 7::8]
    assert steps.max() < 0.02 / 3
    assert flat.mean() == pytest.approx(texture.mean())


def test_deblocking_keeps_the_inside_of_blocks():
    texture = np.zeros((32, 32))
    texture[11:13, 11:13] = 0.05
    np.testing.assert_allclose(ld.deblocked(texture), texture, atol=1e-9)


def test_a_map_without_texture_stays_near_zero_and_a_full_one_near_one():
    structure = made_picture(32, 32) / 255
    for value in (0, 1):
        blocks = np.full((32, 32), value, np.float32)
        np.testing.assert_allclose(ld.refined(blocks, structure), value, atol=2e-3)


@pytest.mark.parametrize("shape", [(32, 32), (21, 30)])
def test_a_constant_picture_stays_constant(shape):
    flat = np.full(shape, 77, np.uint8)
    restored = ld.layer_decomposition(flat, jpeg.quantization_table(10))
    np.testing.assert_allclose(restored, 77, atol=1e-9)


def test_blocking_is_reduced():
    clean = made_picture(64, 64)
    compressed = jpeg.compress(clean, 10)
    restored = ld.layer_decomposition(compressed, jpeg.quantization_table(10))
    restored = np.clip(np.round(restored), 0, 255).astype(np.uint8)
    better = metrics.psnr_b(clean, restored) - metrics.psnr_b(clean, compressed)
    assert better > 0.5
