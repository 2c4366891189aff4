import io

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image

from dual_prior.jpeg.header import (
    estimate_quality,
    read_jpeg_header,
    without_profile,
)
from tests.conftest import made_picture


def _jpeg(mode="RGB", **arguments):
    image = Image.fromarray(np.stack([made_picture(40, 56)] * 3, axis=-1))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "JPEG", **arguments)
    return buffer.getvalue()


@pytest.mark.parametrize("quality", range(1, 101))
def test_quality_of_libjpeg_is_exact(quality):
    image = Image.open(io.BytesIO(_jpeg(quality=quality)))
    assert estimate_quality(image.quantization[0]) == quality


def test_size_components_and_process():
    header = read_jpeg_header(_jpeg())
    assert (header.width, header.height, header.components) == (56, 40, 3)
    assert (header.precision, header.process, header.num_scans) == (8, "baseline", 1)
    assert not header.arithmetic and header.adobe_transform is None


@pytest.mark.parametrize("progressive", [False, True])
def test_tables_are_those_that_pillow_reads(progressive):
    data = _jpeg(quality=37, progressive=progressive)
    tables = Image.open(io.BytesIO(data)).quantization
    header = read_jpeg_header(data)
    for table, number in zip(header.quantization, (0, 1, 1), strict=True):
        np.testing.assert_array_equal(table, tables[number])
    assert header.quality == 37


def test_progressive_scans_are_counted():
    header = read_jpeg_header(_jpeg(progressive=True))
    assert (header.process, header.num_scans) == ("progressive", 10)


@pytest.mark.parametrize("number, name", [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_subsampling(number, name):
    assert read_jpeg_header(_jpeg(subsampling=number)).subsampling == name


def test_grey():
    assert read_jpeg_header(_jpeg("L")).subsampling == "grey"


def test_unusual_sampling_is_spelled_out():
    data = bytearray(_jpeg(subsampling=0))
    data[data.index(b"\xff\xc0") + 11] = 0x31
    assert read_jpeg_header(bytes(data)).subsampling == "3x1,1x1,1x1"


def test_restart_interval():
    assert read_jpeg_header(_jpeg(restart_marker_blocks=3)).restart_interval == 3


def test_adobes_transform():
    assert read_jpeg_header(_jpeg("CMYK")).adobe_transform == 0


@pytest.mark.parametrize(
    "marker, process, arithmetic",
    [
        (0xC1, "extended", False),
        (0xC3, "lossless", False),
        (0xC5, "hierarchical", False),
        (0xC9, "extended", True),
        (0xCA, "progressive", True),
    ],
)
def test_processes(marker, process, arithmetic):
    data = bytearray(_jpeg())
    data[data.index(b"\xff\xc0") + 1] = marker
    header = read_jpeg_header(bytes(data))
    assert (header.process, header.arithmetic) == (process, arithmetic)


def test_bytes_after_the_picture_do_not_count():
    assert read_jpeg_header(_jpeg() + _jpeg()).num_scans == 1


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda data: b"abc", "no JPEG file"),
        (lambda data: data[:2], "truncated before the frame header"),
        (lambda data: data[: data.index(b"\xff\xda")], "before the first scan"),
        (lambda data: data.replace(b"\xff\xdb", b"\xff\xe5"), "table 0 is missing"),
        (lambda data: data.replace(b"\x00\x28\x00\x38", bytes(4)), "a size of 0x0"),
    ],
)
def test_damage_is_a_plain_reason(change, reason):
    with pytest.raises(ValueError, match=reason):
        read_jpeg_header(change(_jpeg()))


SEGMENT = st.builds(
    lambda marker, body, off: (
        bytes([0xFF, marker]) + (len(body) + 2 + off).to_bytes(2, "big") + body
    ),
    st.sampled_from([0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE1, 0xEE, 0xFE]),
    st.binary(max_size=140),
    st.integers(0, 3),
)


@hypothesis.settings(derandomize=True, deadline=None)
@hypothesis.given(st.lists(SEGMENT | st.binary(max_size=20), max_size=8))
def test_whatever_the_segments_hold_there_is_a_header_or_a_reason(parts):
    data = b"\xff\xd8" + b"".join(parts)
    try:
        header = read_jpeg_header(data)
        assert header.width > 0 and header.height > 0 and header.num_scans > 0
    except ValueError as error:
        assert str(error)


def test_a_profile_is_left_out_and_nothing_else():
    assert without_profile(_jpeg(icc_profile=bytes(70000))) == _jpeg()


def test_a_step_of_zero_has_a_quality():
    assert 1 <= estimate_quality([0] * 64) <= 100


def test_tables_of_others_are_not_taken_for_libjpegs():
    assert all(
        read_jpeg_header(_jpeg(quality=q)).has_standard_luma for q in (1, 50, 98)
    )
    assert not read_jpeg_header(_jpeg(qtables=[[17] * 64])).has_standard_luma
