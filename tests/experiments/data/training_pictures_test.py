import shutil

import numpy as np
import pytest

from experiments.data.training_pictures import (
    PaperPictures,
    PhotoPictures,
    hold_out,
    weights,
)


@pytest.mark.parametrize(
    ("loss", "power"),
    [
        ("mean_absolute_error", 0.5),
        ("mean_squared_error", 1),
        ("squared_error_and_blocks", 1),
    ],
)
def test_patches_count_relative_to_what_was_wrong_with_their_picture(loss, power):
    of_patches = weights(np.float32([0, 96, 396]), loss)
    assert of_patches.shape == (3, 1, 1) and of_patches.dtype == np.float32
    np.testing.assert_allclose(
        of_patches.ravel(), (255**2 / np.float32([4, 100, 400])) ** power, rtol=1e-5
    )


@pytest.fixture
def with_cid22(tiny_data, tmp_path):
    folder = shutil.copytree(tiny_data, tmp_path / "data")
    shutil.copytree(folder / "bsds500" / "test", folder / "cid22")
    return folder


@pytest.mark.parametrize("pictures_of", [PaperPictures, PhotoPictures])
def test_batches_come_with_weights_where_a_loss_is_named(with_cid22, pictures_of):
    pictures = pictures_of(str(with_cid22), num_patterns=1, num_woven=1)
    pair = pictures.batches(16, 2, 8, seed=1)(0)
    *same, of_patches = pictures.batches(16, 2, 8, 1, "mean_squared_error")(0)
    for actual, expected in zip(same, pair, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert of_patches.shape == (2, 1, 1) and np.all(of_patches > 0)


def test_pictures_under_cloth_and_sheets_of_patterns_join_the_others(tiny_data):
    plain = PaperPictures(str(tiny_data))
    more = PaperPictures(str(tiny_data), num_patterns=2, num_woven=1)
    assert len(more._pictures) == len(plain._pictures) + 3
    for actual, expected in zip(more.validation, plain.validation, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_the_same_pictures_are_held_out_every_time():
    paths = list(range(400))
    kept, held_out = hold_out(paths)
    assert held_out == paths[::40] and sorted(kept + held_out) == paths
