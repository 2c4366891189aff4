import shutil

import numpy as np
import pytest

from experiments.data.training_pictures import (
    FilePictures,
    PaperPictures,
    find,
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
def test_patches_are_weighted_by_the_error_of_their_picture(loss, power):
    of_patches = weights(np.float32([0, 96, 396]), loss)
    assert of_patches.shape == (3, 1, 1) and of_patches.dtype == np.float32
    np.testing.assert_allclose(
        of_patches.ravel(), (255**2 / np.float32([4, 100, 400])) ** power, rtol=1e-5
    )


@pytest.fixture
def with_cid22(tiny_data, tmp_path):
    folder = shutil.copytree(tiny_data, tmp_path / "data")
    shutil.copytree(folder / "bsds500" / "test", folder / "cid22")
    return str(folder)


def _paper_pictures(split):
    return PaperPictures(split, num_patterns=1, num_woven=1)


def _file_pictures(split, qualities=(5, 95)):
    return FilePictures(
        split, qualities=qualities, num_drawings=2, num_held_out_drawings=2
    )


@pytest.mark.parametrize("pictures_of", [_paper_pictures, _file_pictures])
def test_batches_come_with_weights_where_a_loss_is_named(with_cid22, pictures_of):
    split = find(["bsds500", "cid22"], with_cid22)
    pictures = pictures_of(split)
    drawn = {"patch_size": 16, "batch_size": 2, "alignment": 8, "seed": 1}
    pair = pictures.batches(**drawn)(0)
    *same, of_patches = pictures.batches(**drawn, loss="mean_squared_error")(0)
    for actual, expected in zip(same, pair, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert of_patches.shape == (2, 1, 1) and np.all(of_patches > 0)
    # So do held-out images: losses are in one unit.
    *same, of_images = pictures.validation("mean_squared_error")
    for actual, expected in zip(same, pictures.validation(), strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert of_images.shape == (len(same[0]), 1, 1) and np.all(of_images > 0)


def test_pictures_under_cloth_and_sheets_of_patterns_join_the_others(tiny_data):
    split = find(["bsds500"], str(tiny_data))
    plain = PaperPictures(split)
    more = PaperPictures(split, num_patterns=2, num_woven=1)
    assert (plain.count, more.count) == (3, 6)
    for actual, expected in zip(more.validation(), plain.validation(), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("pictures_of", [PaperPictures, _file_pictures])
def test_other_qualities_give_other_patches(with_cid22, pictures_of):
    def error(*qualities):
        pictures = pictures_of(find(["cid22"], with_cid22), qualities=qualities)
        compressed, clean = pictures.validation()
        return np.mean((compressed - clean) ** 2)

    assert error(5, 6) > 2 * error(50, 60)


def test_files_have_a_lowest_and_a_highest_quality(with_cid22):
    with pytest.raises(ValueError, match="the lowest and the highest.*got 10, 20, 30"):
        _file_pictures(find(["cid22"], with_cid22), qualities=(10, 20, 30))


def test_clean_luma_has_whole_grey_levels_as_files_have(with_cid22):
    pictures = _file_pictures(find(["cid22"], with_cid22))
    drawn = {"patch_size": 16, "batch_size": 8, "alignment": 8, "seed": 1}
    for compressed, clean in (pictures.validation(), pictures.batches(**drawn)(0)):
        assert compressed.shape == clean.shape and clean.shape[-1] == 1
        np.testing.assert_allclose(255 * clean, np.round(255 * clean), atol=1e-4)
        assert np.any(compressed != clean, axis=(1, 2, 3)).mean() > 0.5


def test_the_same_pictures_are_held_out_every_time():
    pictures = list(range(400))
    kept, held_out = hold_out(pictures)
    assert held_out == pictures[::40] and sorted(kept + held_out) == pictures


def test_the_held_out_set_can_be_chosen(tiny_data):
    own = str(tiny_data / "classic5")

    def names(held_out):
        split = find(["bsds500", own], str(tiny_data), held_out)
        return [[p.name for p in part] for part in (split.kept, split.held_out)]

    every = [f"bsds500/{part}/{i}.png" for part in ("train", "test") for i in range(3)]
    kept, held_out = names("3")
    assert held_out == [every[0], every[3], "0.png"]  # of each source
    assert kept == [*every[1:3], *every[4:], "1.png"]
    kept, held_out = names(str(tiny_data / "live1"))
    assert kept[:6] == every and len(kept) == 8 and held_out == ["0.png"]


def test_one_picture_cannot_be_split(tmp_path, tiny_data):
    picture = tiny_data / "live1" / "0.png"
    with pytest.raises(ValueError, match="two pictures or more.*got one"):
        find([str(picture)], "")
