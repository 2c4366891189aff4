import io

import numpy as np
import pytest
from PIL import Image

from dual_prior import jpeg
from dual_prior.jpeg.coefficients import read_coefficients
from dual_prior.pictures.consistency import clipping_of
from dual_prior.pictures.reader import read_picture
from tests.conftest import made_picture

RGB = np.stack([made_picture(64, 80, seed) for seed in range(3)], axis=-1)


def _file(height, orientation):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB[:height]).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_files_are_clipped_to_their_own_cells(orientation):
    data = _file(64, orientation)
    picture = read_picture(io.BytesIO(data))
    assert (picture.symmetry == 0) == (orientation == 1)
    clipping = clipping_of(picture, "auto")
    assert clipping.words.startswith("chroma")
    steps, before = clipping.held.steps, read_coefficients(data).steps
    is_transposed = orientation > 4
    for one, other in zip(steps, before, strict=True):
        np.testing.assert_array_equal(one, other.T if is_transposed else other)
    # A block of 8x8 averages lies where it is shown.
    means = clipping.held.quantized[1][..., 0, 0]
    assert means.shape == ((5, 4) if is_transposed else (4, 5))
    shown = np.asarray(Image.fromarray(picture.pixels).convert("YCbCr"))[..., 1]
    shown = shown.reshape(means.shape[0], 16, means.shape[1], 16).mean(axis=(1, 3))
    assert np.abs(means * steps[1][0, 0] / 8 + 128 - shown).max() < 4


def test_files_turned_within_a_block_are_not_clipped():
    upright, turned = (read_picture(io.BytesIO(_file(60, n))) for n in (1, 3))
    assert clipping_of(upright, "auto").held is not None
    clipping = clipping_of(turned, "auto")
    assert clipping.held is None and "turned within a block" in clipping.words


def test_a_network_is_needed_at_quality_98_if_it_was_compressed_before():
    once = np.ascontiguousarray(jpeg.compress(made_picture(240, 264), 20)[3:, 5:])
    for plane, is_all in ((made_picture(240, 264), True), (once, False)):
        picture = read_picture(jpeg.encode(plane, 98))
        assert clipping_of(picture, "auto").is_all is is_all
        assert (picture.trace is None) is is_all


def test_luma_is_not_clipped_to_the_cells_of_a_later_compression():
    drawing = np.full((240, 264), 230, np.uint8)
    drawing[60:200, 40:200] = made_picture(140, 160)
    once = np.ascontiguousarray(jpeg.compress(drawing, 30)[3:, 5:])
    words = [
        clipping_of(read_picture(jpeg.encode(plane, 75)), "auto").words
        for plane in (drawing, once)
    ]
    assert words[0] == "luma"
    assert words[1].startswith("none: compressed before at quality about 30")
