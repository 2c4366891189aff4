import io

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dual_prior import jpeg
from tests.conftest import made_picture


def test_luma_is_that_of_matlab():
    # rgb2ycbcr of black, white, red, green and blue.
    rgb = np.uint8([[[0, 0, 0], [255] * 3, [255, 0, 0], [0, 255, 0], [0, 0, 255]]])
    np.testing.assert_array_equal(jpeg.luma(rgb), [[16, 235, 81, 145, 41]])


def test_matlab_written_files_are_what_we_write(shared_data):
    folder = shared_data / "classic5_matlab_q10"
    paths = sorted(folder.glob("*.jpg"))
    assert len(paths) == 5
    for path in paths:
        clean = cv2.imread(
            str(shared_data / "classic5" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE
        )
        by_matlab = jpeg.decode(path.read_bytes())
        np.testing.assert_array_equal(jpeg.compress(clean, 10), by_matlab)


def test_tensorflow_decodes_the_same_only_with_the_accurate_inverse_dct():
    data = jpeg.encode(made_picture(96, 96), 10)
    expected = jpeg.decode(data)
    accurate = tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE")[..., 0].numpy()
    np.testing.assert_array_equal(accurate, expected)
    fast = tf.io.decode_jpeg(data)[..., 0].numpy()
    assert np.any(fast != expected), "the trap is gone: its comments can go"


def test_lower_quality_is_further_away():
    plane = made_picture()
    errors = [
        np.mean((jpeg.compress(plane, q).astype(float) - plane) ** 2)
        for q in (10, 30, 90)
    ]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 9)])
def test_any_size(size):
    assert jpeg.compress(np.full(size, 128, np.uint8), 50).shape == size


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_out_of_range_is_refused(quality):
    with pytest.raises(ValueError, match=f"1 to 100, got {quality}"):
        jpeg.encode(made_picture(), quality)
    with pytest.raises(ValueError, match=f"1 to 100, got {quality}"):
        jpeg.compress_colour(np.zeros((8, 8, 3), np.uint8), quality)


def test_colour_is_what_another_encoder_writes_with_chroma_at_half_resolution():
    rgb = np.stack([made_picture(40, 56, seed) for seed in range(3)], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=30, subsampling="4:2:0")
    expected = np.asarray(Image.open(buffer))
    difference = np.abs(jpeg.compress_colour(rgb, 30).astype(int) - expected)
    assert difference.max() <= 2 and difference.mean() < 0.1


def test_arrays_that_are_not_planes_are_rejected():
    with pytest.raises(ValueError, match=r"got float32 \[8, 8\]"):
        jpeg.encode(np.zeros((8, 8), np.float32), 50)
    with pytest.raises(ValueError, match=r"got uint8 \[8, 8\]"):
        jpeg.luma(np.zeros((8, 8), np.uint8))
    for data in (b"", b"abc"):
        with pytest.raises(ValueError, match=f"{len(data)} bytes of another kind"):
            jpeg.decode(data)
