import dataclasses

import numpy as np
import pytest

from dual_prior.metrics import psnr
from experiments.data.photo_patches import MARGIN, PhotoRecipe, draw_photo_batch
from tests.conftest import made_picture

PICTURES = [
    np.stack([made_picture(100, 120, seed + c) for c in range(3)], axis=-1)
    for seed in (0, 10)
]
RECIPE = PhotoRecipe(patch_size=32, batch_size=40, seed=1)


def _only(**numbers):
    """A recipe of which nothing is drawn but what is named."""
    plain = {"again": 0.0, "off_grid": 0.0, "grey": 0.0, "odd_tables": 0.0}
    return dataclasses.replace(RECIPE, clear=0.0, **{**plain, **numbers})


def _blockiness(patches, offset):
    """Mean step across columns `offset` + 8 k, over that across all columns."""
    steps = np.abs(np.diff(patches, axis=2)).mean(axis=(0, 1, 3))
    return steps[offset - 1 :: 8].mean() / steps.mean()


def test_patches_are_pictures_in_range():
    for patches in draw_photo_batch(PICTURES, RECIPE, 0)[:2]:
        assert patches.shape == (40, 32, 32, 3) and patches.dtype == np.float32
        assert patches.min() >= 0 and patches.max() <= 1


def test_a_batch_is_a_function_of_the_step():
    first, again, other = (draw_photo_batch(PICTURES, RECIPE, s) for s in (3, 3, 4))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.any(a != c)


def test_clean_and_compressed_show_the_same_place():
    recipe = dataclasses.replace(RECIPE, qualities=(90, 95), odd_tables=0.0)
    for compressed, clean, _ in zip(
        *draw_photo_batch(PICTURES, recipe, 0), strict=True
    ):
        assert psnr(clean.mean(-1), compressed.mean(-1), max_val=1.0) > 28


def test_low_qualities_damage_more():
    def score(*qualities):
        compressed, clean, _ = draw_photo_batch(PICTURES, _only(qualities=qualities), 0)
        return -np.mean((compressed - clean) ** 2)

    assert score(5, 5) < score(30, 30) < score(90, 90)


def test_the_grid_starts_at_the_corner_unless_it_was_cropped_off():
    compressed, *_ = draw_photo_batch(PICTURES, _only(qualities=(8, 8)), 0)
    on_grid = [_blockiness(compressed, offset) for offset in range(1, 9)]
    assert np.argmax(on_grid) == 7 and on_grid[7] > 1.5
    off, *_ = draw_photo_batch(PICTURES, _only(qualities=(8, 8), off_grid=1.0), 0)
    assert _blockiness(off, 8) < 0.8 * on_grid[7]


def test_a_second_compression_may_meet_another_grid():
    # On the same grid, by the same table, it finds next to nothing to change in grey.
    def error(**numbers):
        recipe = _only(qualities=(8, 8), grey=1.0, **numbers)
        return draw_photo_batch(PICTURES, recipe, 0)[2].mean()

    once = error()
    same_grid = error(again=1.0, shifted=0.0)
    another_grid = error(again=1.0, shifted=1.0)
    assert same_grid < 1.05 * once and another_grid > 1.1 * once


def test_grey_patches_have_three_equal_channels():
    for patches in draw_photo_batch(PICTURES, _only(grey=1.0), 0)[:2]:
        np.testing.assert_array_equal(patches[..., 0], patches[..., 1])
        np.testing.assert_array_equal(patches[..., 0], patches[..., 2])


def test_some_patches_may_be_left_alone():
    recipe = dataclasses.replace(RECIPE, clear=1.0)
    compressed, clean, errors = draw_photo_batch(PICTURES, recipe, 0)
    np.testing.assert_array_equal(compressed, clean)
    assert not errors.any()


def test_each_patch_knows_the_error_of_the_picture_it_is_from():
    picture = PICTURES[0][:100, :100]
    flat = np.concatenate([picture, np.full_like(picture, 128)])
    recipe = _only(qualities=(10, 10))
    compressed, clean, errors = draw_photo_batch([flat], recipe, 0)
    of_patches = ((compressed - clean) ** 2).mean(axis=(1, 2, 3)) * 255**2
    assert of_patches.min() < 1 < errors.min() < errors.max() < of_patches.max()
    np.testing.assert_allclose(errors.mean(), of_patches.mean(), rtol=0.4)


def test_a_picture_too_small_is_refused():
    with pytest.raises(ValueError, match=f"at least {88 + MARGIN} pixels a side"):
        draw_photo_batch(PICTURES, dataclasses.replace(RECIPE, patch_size=88), 0)
