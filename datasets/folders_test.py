"""Tests of the folder reading that the builders share."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets import folders

BSDS500_JPEG = (
    Path(__file__).parent / "bsds500/dummy_data/BSR/BSDS500/data/images/train/1001.jpg"
)


def write_image(path: Path, height: int = 4, width: int = 6) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))


def test_lists_pictures_by_name_in_order(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.bmp"):
        write_image(tmp_path / name)
    images = folders.list_images(tmp_path, count=3)
    assert list(images) == ["a", "b", "c"]
    assert images["b"] == tmp_path / "b.PNG"


def test_files_that_are_not_pictures_are_skipped(tmp_path):
    write_image(tmp_path / "a.png")
    write_image(tmp_path / "inner" / "b.png")
    for name in ("Thumbs.db", "info.txt", "._a.png"):
        (tmp_path / name).touch()
    assert list(folders.list_images(tmp_path)) == ["a"]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="absent"):
        folders.list_images(tmp_path / "absent")


def test_empty_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"in {tmp_path}, found none"):
        folders.list_images(tmp_path)


def test_two_pictures_of_one_name_are_named(tmp_path):
    write_image(tmp_path / "a.bmp")
    write_image(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.bmp and a\.png"):
        folders.list_images(tmp_path)


def test_wrong_number_of_pictures_is_refused(tmp_path):
    write_image(tmp_path / "a.png")
    with pytest.raises(ValueError, match="Expected 29 pictures .* found 1"):
        folders.list_images(tmp_path, count=29)


def test_pairs_share_a_name_whatever_their_suffixes(tmp_path):
    for name in ("compressed/b.jpg", "compressed/a.jpeg", "clean/a.png", "clean/b.png"):
        write_image(tmp_path / name)
    pairs = folders.list_pairs(tmp_path)
    assert list(pairs) == ["a", "b"]
    assert pairs["a"] == (tmp_path / "compressed/a.jpeg", tmp_path / "clean/a.png")


def test_pictures_without_a_partner_are_named(tmp_path):
    for name in ("compressed/a.jpg", "compressed/b.jpg", "clean/a.png", "clean/c.png"):
        write_image(tmp_path / name)
    with pytest.raises(ValueError, match=r"for compressed/b\.jpg, clean/c\.png\. "):
        folders.list_pairs(tmp_path)


def test_many_pictures_without_a_partner_are_counted(tmp_path):
    write_image(tmp_path / "compressed/0.jpg")
    for index in range(8):
        write_image(tmp_path / f"clean/{index}.png")
    with pytest.raises(ValueError, match=r"clean/5\.png and 2 more"):
        folders.list_pairs(tmp_path)


@pytest.mark.parametrize("absent", ["compressed", "clean"])
def test_missing_half_of_the_pairs_is_named(tmp_path, absent):
    other = {"compressed": "clean", "clean": "compressed"}[absent]
    write_image(tmp_path / other / "a.png")
    with pytest.raises(ValueError, match=f"{absent}, found none"):
        folders.list_pairs(tmp_path)


def test_pairs_of_two_sizes_are_refused(tmp_path):
    write_image(tmp_path / "compressed/a.jpg", height=4, width=6)
    write_image(tmp_path / "clean/a.png", height=8, width=12)
    pairs = folders.list_pairs(tmp_path)
    with pytest.raises(ValueError, match="pair a .* 6x4 .* 12x8 "):
        list(folders.pair_examples(pairs))


def test_channels_are_red_green_blue(tmp_path):
    bgr = np.zeros((2, 2, 3), np.uint8)
    bgr[..., 2] = 200
    cv2.imwrite(str(tmp_path / "red.png"), bgr)
    image = folders.read_image(tmp_path / "red.png")
    np.testing.assert_array_equal(image[0, 0], [200, 0, 0])


def test_grey_level_survives_storage_as_colour(tmp_path):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    cv2.imwrite(str(tmp_path / "grey.bmp"), np.repeat(levels, 3, axis=2))
    image = folders.read_image(tmp_path / "grey.bmp", channels=1)
    np.testing.assert_array_equal(image, levels)


def test_jpeg_is_decoded_as_by_libjpeg():
    image = folders.read_image(BSDS500_JPEG)
    data = BSDS500_JPEG.read_bytes()
    accurate = tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE")
    fast = tf.io.decode_jpeg(data, dct_method="INTEGER_FAST")
    np.testing.assert_array_equal(image, accurate)
    assert np.any(image != fast.numpy()), "This picture cannot tell the two apart."


@pytest.mark.parametrize("kept_bytes", [0, 3, 400])
def test_damaged_picture_is_named(tmp_path, kept_bytes):
    path = tmp_path / "cut.png"
    write_image(path, height=64, width=64)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    cv2.imwrite(str(path), noise)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(ValueError, match=r"cut\.png"):
        folders.read_image(path)
