"""Files as people have them: pages, raw files, odd layouts, newer formats."""

import contextlib
import io
import struct
import time

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from dual_prior.jpeg.header import read_jpeg_header
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.exif import ExifBlock
from dual_prior.pictures.metadata import losses
from dual_prior.pictures.reader import Limits, read_picture
from dual_prior.pictures.writer import encode_picture
from tests.conftest import made_picture

LARGE = np.stack([made_picture(64, 80, seed) for seed in range(3)], axis=-1)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _file(format, image=None, **arguments):
    buffer = io.BytesIO()
    (image or Image.fromarray(LARGE)).save(buffer, format, **arguments)
    return buffer.getvalue()


def _reason(data, **arguments):
    with pytest.raises(PictureError) as caught:
        read_picture(data, **arguments)
    return str(caught.value).removeprefix("picture: ")


def _tiff(*pages, **options):
    """A TIFF file of (array, kind of the page) in turn."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for array, kind in pages:
            settings = {"photometric": "rgb" if array.ndim == 3 else "minisblack"}
            writer.write(array, subfiletype=kind, metadata=None, **settings, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_full_picture_counts_and_not_its_thumbnail_or_smaller_versions(dtype):
    full, small = LARGE.astype(dtype), LARGE[::4, ::4].astype(dtype)
    files = [
        _tiff((full, 0), (small, 1), (small[::2, ::2], 1)),
        _tiff((small, 1), (full, 0)),
    ]
    kind = struct.pack("<HHLL", 254, 4, 1, 1)
    assert files[1].count(kind) == 1  # a mask instead of a thumbnail
    files.append(files[1].replace(kind, struct.pack("<HHLL", 254, 4, 1, 4)))
    for data in files:
        picture = read_picture(data)
        np.testing.assert_array_equal(picture.pixels, full)
        assert picture.warnings == []


def test_smaller_versions_may_be_parts_of_the_picture():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(LARGE, subifds=1, photometric="rgb", metadata=None)
        writer.write(LARGE[::2, ::2], subfiletype=1, photometric="rgb", metadata=None)
    np.testing.assert_array_equal(read_picture(buffer.getvalue()).pixels, LARGE)


def test_the_full_picture_may_be_a_part_of_its_thumbnail():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        small = LARGE[::2, ::2]
        writer.write(small, subifds=1, subfiletype=1, photometric="rgb", metadata=None)
        writer.write(LARGE, photometric="rgb", metadata=None)
    np.testing.assert_array_equal(read_picture(buffer.getvalue()).pixels, LARGE)


def test_of_several_pages_one_must_be_chosen():
    pages = [LARGE, LARGE[::2], 255 - LARGE]
    data = _tiff(*((page, 0) for page in pages))
    assert _reason(data) == "of several pages (3): --page N takes one"
    for number, page in enumerate(pages, 1):
        np.testing.assert_array_equal(read_picture(data, page=number).pixels, page)
    assert _reason(data, page=4) == "no page 4 among 3"
    assert _reason(_file("PNG"), page=2) == "one picture, no page 2"
    assert read_picture(_file("PNG"), page=1).pixels.shape == (64, 80, 3)


def test_a_pointer_to_a_next_page_may_lead_nowhere():
    data = bytearray(_file("TIFF"))
    first = int.from_bytes(data[4:8], "little")
    end = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    for pointer in (first, 0x7FFFFFFF, len(data) - 1):
        data[end : end + 4] = pointer.to_bytes(4, "little")
        np.testing.assert_array_equal(read_picture(bytes(data)).pixels, LARGE)


def test_thousands_of_directories_take_no_time():
    data = bytearray(_file("TIFF")) + bytes(2_000_000)
    end = len(data) - 400_000
    for at in range(end - 10_000 * 12, end, 12):  # each with all entries behind it
        struct.pack_into("<H", data, at, 30_000)
    struct.pack_into("<L", data, 4, end - 10_000 * 12)
    started = time.monotonic()
    with contextlib.suppress(PictureError):
        read_picture(bytes(data))
    assert time.monotonic() - started < 5


def test_raw_files_are_refused_by_name():
    raw = _tiff((LARGE, 0), extratags=[(50706, 1, 4, b"\1\4\0\0", True)])
    assert _reason(raw) == "DNG (camera raw) is not supported"
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:  # a thumbnail, and the sensor's data
        small = LARGE[::4, ::4]
        writer.write(small, subifds=1, subfiletype=1, photometric="rgb", metadata=None)
        sensor = made_picture(64, 80).astype(np.uint16)
        writer.write(sensor, photometric="cfa", metadata=None)
    assert "raw file is not supported" in _reason(buffer.getvalue())
    for start in (b"II*\0\x10\0\0\0CR\2\0", b"\0\0\0\x18ftypcrx ", b"FUJIFILMCCD-RAW "):
        assert "raw file" in _reason(start + bytes(40))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_big_tiff_is_read(dtype):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=True, byteorder="<") as writer:
        writer.write(LARGE.astype(dtype), photometric="rgb", description="a fish")
    picture = read_picture(buffer.getvalue())
    np.testing.assert_array_equal(picture.pixels, LARGE)
    assert picture.losses == ["the EXIF data of a BigTIFF were dropped"]


def test_tags_that_share_their_bytes_take_no_memory():
    data = bytearray(_file("TIFF", tiffinfo={0x8769: {1: 1}}))
    entry = ExifBlock(bytes(data)).find(0x8769)
    data += bytes(4_000_000 + len(data) % 2)
    records = b"".join(
        struct.pack("<HHLL", 0x9000 + n, 1, 4_000_000, 8) for n in range(1500)
    )
    place = len(data)
    data += struct.pack("<H", 1500) + records + bytes(4)
    struct.pack_into("<LL", data, entry.at + 4, 1, place)
    picture = read_picture(bytes(data))
    assert len(picture.metadata["exif"]) < 20_000_000


@pytest.mark.parametrize("tag, what", [(33922, "GeoTIFF"), (37724, "layers")])
def test_losses_of_a_tiff_are_reported(tag, what):
    data = _file("TIFF", tiffinfo={tag: b"something"})
    picture = read_picture(data)
    assert what in picture.losses[0] and picture.warnings == picture.losses


def test_metadata_that_cannot_be_kept_are_losses():
    data = _file("JPEG", Image.fromarray(LARGE).convert("CMYK"))
    assert "CMYK" in losses(read_picture(data), "jpeg")[0]
    assert losses(read_picture(_file("JPEG")), "jpeg") == []


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("arguments", [{}, {"progressive": True}])
def test_a_jpeg_that_lacks_only_its_end_is_restored(missing, arguments):
    data = _file("JPEG", **arguments)
    picture = read_picture(data[:-missing])
    np.testing.assert_array_equal(picture.pixels, read_picture(data).pixels)
    assert picture.warnings == ["the end marker is missing"] and picture.losses == []
    assert _reason(data[:-missing], strict=True) == "truncated"
    assert "--salvage" in _reason(data[: -missing - 8])


def test_a_jpeg_that_lacks_its_last_scan_lacks_more_than_its_end():
    data = _file("JPEG", progressive=True)
    assert read_jpeg_header(data).is_complete
    cut = data[: data.rindex(b"\xff\xda")]
    assert not read_jpeg_header(cut).is_complete
    assert "--salvage" in _reason(cut)
    assert "truncated" in read_picture(cut, salvage=True).warnings[0]


def test_a_comment_of_wrong_length_costs_nothing():
    data = _file("JPEG")
    for length in (0, 1, 2):
        segment = b"\xff\xfe" + length.to_bytes(2, "big") + b"a comment"
        picture = read_picture(data[:2] + segment + data[2:])
        np.testing.assert_array_equal(picture.pixels, read_picture(data).pixels)


def _bmp(header_size=124, space=b"sRGB", profile=b"", bits=24, alpha_mask=0):
    """A BMP file of one white pixel, with a header of the fifth version."""
    row = (b"\xff" * (bits // 8)).ljust(4, b"\0")
    header = struct.pack("<LllHHLLllLL", header_size, 1, 1, 1, bits, 0, 4, 0, 0, 0, 0)
    if bits == 16:
        header = header[:16] + struct.pack("<L", 3) + header[20:]
    masks = (0x7C00, 0x3E0, 0x1F, alpha_mask) if bits == 16 else (0, 0, 0, 0)
    header += struct.pack("<LLLL", *masks) + space[::-1] + bytes(48)
    header += struct.pack("<LLLL", 4, header_size + len(row), len(profile), 0)
    body = header + row + profile
    start = struct.pack("<2sLHHL", b"BM", 14 + len(body), 0, 0, 14 + header_size)
    return start + body


def test_the_profile_in_a_bmp_is_carried():
    picture = read_picture(_bmp(space=b"MBED", profile=SRGB))
    assert picture.metadata["icc_profile"] == SRGB and picture.warnings == []
    assert "icc_profile" not in read_picture(_bmp()).metadata
    assert "another file" in read_picture(_bmp(space=b"LINK")).losses[0]


def test_a_profile_that_is_numbered_oddly_is_carried():
    data = bytearray(_file("JPEG", icc_profile=SRGB))
    number = data.index(b"ICC_PROFILE\0") + 12
    data[number : number + 2] = b"\0\0"
    picture = read_picture(bytes(data))
    assert picture.metadata["icc_profile"] == SRGB


def test_the_transparency_of_a_bmp_of_16_bits_is_a_loss():
    assert read_picture(_bmp(bits=16)).losses == []
    assert "transparency" in read_picture(_bmp(bits=16, alpha_mask=0x8000)).losses[0]


def test_a_layout_of_bmp_that_is_not_read_is_not_called_damage():
    data = bytearray(_file("BMP"))
    data[30] = 4  # compression: a JPEG inside
    assert "not supported" in _reason(bytes(data))


@pytest.mark.parametrize("orientation", [1, 6])
def test_avif_is_read(orientation):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a camera"
    data = _file("AVIF", exif=exif, icc_profile=SRGB, quality=100, subsampling="4:4:4")
    picture = read_picture(data)
    turned = np.rot90(LARGE, -1) if orientation == 6 else LARGE
    assert np.abs(picture.pixels.astype(int) - turned).mean() < 1
    assert picture.format == "AVIF" and picture.metadata["icc_profile"] == SRGB
    assert b"a camera" in picture.metadata["exif"] and picture.warnings == []
    limits = Limits(max_megapixels=0.001)
    assert "--max-megapixels" in _reason(data, limits=limits)


def test_the_first_frame_of_an_animation_is_never_taken_for_a_picture():
    frame = Image.fromarray(255 - LARGE)
    for format in ("AVIF", "WEBP", "PNG"):
        data = _file(format, save_all=True, append_images=[frame])
        assert "animated" in _reason(data)
    assert "GIF" in _reason(_file("GIF"))


def test_heic_is_read_with_its_package():
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    image = Image.fromarray(LARGE)
    heif = pillow_heif.from_pillow(image)
    heif.save(buffer, quality=100, chroma=444, exif=exif.tobytes())
    picture = read_picture(buffer.getvalue())
    assert picture.format == "HEIF" and b"a camera" in picture.metadata["exif"]
    assert picture.pixels.shape in ((64, 80, 3), (80, 64, 3))
    shown = LARGE if picture.pixels.shape[0] == 64 else np.rot90(LARGE, -1)
    assert np.abs(picture.pixels.astype(int) - shown).mean() < 2


def test_jpeg_xl_is_read_with_its_package(monkeypatch):
    plugin = pytest.importorskip("pillow_jxl")
    assert plugin
    for size in ((64, 80), (8, 8), (300, 300), (70, 1)):
        pixels = np.resize(LARGE, (*size, 3))
        data = _file("JXL", Image.fromarray(pixels), lossless=True)
        picture = read_picture(data)
        np.testing.assert_array_equal(picture.pixels, pixels)
        limits = Limits(max_megapixels=1e-9)
        assert f"{size[1]}x{size[0]} is larger" in _reason(data, limits=limits)


def test_missing_files_are_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    assert "pip install dual-prior[heic]" in _reason(heic)


def test_a_bmp_becomes_a_result_of_each_kind():
    picture = read_picture(_file("BMP"))
    for format in ("png", "webp", "tiff"):
        again = read_picture(encode_picture(picture, format))
        np.testing.assert_array_equal(again.pixels, LARGE)
