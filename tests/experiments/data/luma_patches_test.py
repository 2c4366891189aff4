import numpy as np
import pytest

from dual_prior import jpeg
from dual_prior.restoration.symmetries import turn
from experiments.data.luma_patches import PatchRecipe, compress_pictures, draw_batch


def _pictures(*sizes):
    rng = np.random.default_rng(0)
    lumas = [rng.integers(16, 236, size, np.uint8) for size in sizes]
    return compress_pictures(lumas, (10, 30))


PICTURES = _pictures((40, 56), (56, 40))
RECIPE = PatchRecipe(patch_size=16, batch_size=4, seed=3)


def test_compresses_at_each_quality():
    picture = PICTURES[0]
    for plane, quality in zip(picture.compressed, (10, 30), strict=True):
        np.testing.assert_array_equal(plane, jpeg.compress(picture.clean, quality))


def test_a_batch_is_a_function_of_the_step():
    first, again = draw_batch(PICTURES, RECIPE, 7), draw_batch(PICTURES, RECIPE, 7)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(draw_batch(PICTURES, RECIPE, 8)[1] != first[1])


def test_another_seed_gives_other_patches():
    other = PatchRecipe(patch_size=16, batch_size=4, seed=4)
    assert np.any(
        draw_batch(PICTURES, other, 7)[1] != draw_batch(PICTURES, RECIPE, 7)[1]
    )


def test_patches_are_pairs_cut_from_the_same_place():
    recipe = PatchRecipe(patch_size=40, batch_size=16, alignment=8)
    pictures = _pictures((40, 40))
    compressed, clean, _ = draw_batch(pictures, recipe, 0)
    assert compressed.shape == clean.shape == (16, 40, 40, 1)
    symmetries = [turn(pictures[0].clean, s) for s in range(8)]
    for x, y in zip(clean, compressed, strict=True):
        pixels = np.round(x[..., 0] * 255).astype(np.uint8)
        (symmetry,) = (s for s in range(8) if np.array_equal(symmetries[s], pixels))
        versions = [turn(c, symmetry) for c in pictures[0].compressed]
        observed = np.round(y[..., 0] * 255).astype(np.uint8)
        assert any(np.array_equal(observed, version) for version in versions)


def test_each_patch_knows_the_error_of_the_picture_it_is_from():
    pictures = _pictures((16, 16), (16, 16))
    known = {
        np.mean((picture.clean.astype(float) - plane) ** 2).round(3)
        for picture in pictures
        for plane in picture.compressed
    }
    compressed, clean, errors = draw_batch(pictures, RECIPE, 0)
    np.testing.assert_allclose(  # here a patch is its picture
        errors, ((compressed - clean) ** 2).mean(axis=(1, 2, 3)) * 255**2, rtol=1e-4
    )
    recipe = PatchRecipe(patch_size=8, batch_size=64)
    errors = draw_batch(pictures, recipe, 0)[2]
    assert set(errors.astype(float).round(3)) == known


def test_aligned_patches_keep_the_block_grid():
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    pictures = compress_pictures([ramp], (90,))
    recipe = PatchRecipe(patch_size=16, batch_size=32, alignment=8)
    _, clean, _ = draw_batch(pictures, recipe, 0)
    corners = np.round(255 * clean[:, [0, 0, -1, -1], [0, -1, 0, -1], 0]).min(axis=1)
    assert np.all(corners % 8 == 0) and len(set(corners)) > 2


def test_the_eight_symmetries_differ():
    plane = np.arange(9).reshape(3, 3)
    assert len({turn(plane, s).tobytes() for s in range(8)}) == 8


def test_values_are_in_0_1():
    for array in draw_batch(PICTURES, RECIPE, 0)[:2]:
        assert array.dtype == np.float32
        assert array.min() >= 0 and array.max() <= 1 and array.max() > 0.5


def test_a_picture_smaller_than_a_patch_is_refused():
    with pytest.raises(ValueError, match="at least 64 pixels a side.*side of (40|56)"):
        draw_batch(PICTURES, PatchRecipe(patch_size=64), 0)
