import io

import numpy as np
import pytest
from PIL import Image

from dual_prior.jpeg_header import estimate_quality, read_jpeg_header
from tests.conftest import made_picture


def _image(height=40, width=56):
    planes = [made_picture(height, width, seed) for seed in range(3)]
    return Image.fromarray(np.stack(planes, axis=-1))


def _jpeg(image=None, **settings):
    buffer = io.BytesIO()
    (image or _image()).save(buffer, "JPEG", **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("quality", range(1, 101))
def test_quality_of_libjpeg_is_exact(quality):
    assert read_jpeg_header(_jpeg(quality=quality)).quality == quality


@pytest.mark.parametrize(
    ("subsampling", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")]
)
def test_tables_and_subsampling_are_those_of_the_file(subsampling, name):
    data = _jpeg(quality=40, subsampling=subsampling)
    header = read_jpeg_header(data)
    assert (header.width, header.height, header.precision) == (56, 40, 8)
    assert (header.process, header.subsampling) == ("baseline", name)
    expected = Image.open(io.BytesIO(data)).quantization
    for table, index in zip(header.tables, (0, 1, 1), strict=True):
        np.testing.assert_array_equal(table, expected[index])


def test_tables_that_are_not_libjpegs_come_in_the_order_of_rows():
    table = list(range(1, 65))
    header = read_jpeg_header(_jpeg(qtables=[table, table]))
    np.testing.assert_array_equal(header.tables[0], table)


def test_a_grey_picture_has_no_subsampling():
    header = read_jpeg_header(_jpeg(Image.fromarray(made_picture())))
    assert header.subsampling == "none" and len(header.tables) == 1


def test_scans_of_a_progressive_picture_are_counted():
    header = read_jpeg_header(_jpeg(progressive=True))
    assert header.process == "progressive" and header.num_scans == 10
    assert read_jpeg_header(_jpeg(restart_marker_blocks=1)).num_scans == 1


def test_the_luma_table_may_have_another_number():
    data = bytearray(_jpeg(Image.fromarray(made_picture()), quality=30))
    data[data.index(b"\xff\xdb") + 4] = 1
    data[data.index(b"\xff\xc0") + 12] = 1
    assert read_jpeg_header(bytes(data)).quality == 30


def test_a_table_nearby_gives_a_quality_nearby():
    table = read_jpeg_header(_jpeg(quality=60)).tables[0]
    rng = np.random.default_rng(0)
    shaken = np.maximum(1, table + rng.integers(-1, 2, 64))
    assert abs(estimate_quality(shaken) - 60) <= 3


@pytest.mark.parametrize("length", [2, 3, 20, 170])
def test_no_frame_is_told(length):
    with pytest.raises(ValueError, match="truncated or damaged JPEG"):
        read_jpeg_header(_jpeg()[:length])


def test_a_component_without_samples_is_told():
    data = bytearray(_jpeg())
    data[data.index(b"\xff\xc0") + 11] = 0
    with pytest.raises(ValueError, match="has no samples"):
        read_jpeg_header(bytes(data))
