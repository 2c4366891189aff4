import io
import os
import pickle
import tracemalloc
import zlib
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.exif import ExifBlock
from dual_prior.pictures.metadata import losses as fitting_losses
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.png import chunk, deep_png, with_metadata
from dual_prior.pictures.reader import Limits, read_picture, read_stream
from dual_prior.pictures.writer import encode_picture
from tests.conftest import made_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _colour_image(height=40, width=56):
    planes = [made_picture(height, width, seed) for seed in range(3)]
    return Image.fromarray(np.stack(planes, axis=-1))


def _file(format, image=None, **arguments):
    buffer = io.BytesIO()
    (image or _colour_image()).save(buffer, format, **arguments)
    return buffer.getvalue()


def _jpeg_bytes(image=None, **arguments):
    return _file("JPEG", image, **arguments)


def _reason_of(data, **arguments):
    with pytest.raises(PictureError) as caught:
        read_picture(data, name="photo", **arguments)
    return str(caught.value).removeprefix("photo: ")


@pytest.fixture
def write(tmp_path):
    def write_file(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write_file


def _reason(path):
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_a_colour_jpeg(write):
    data = _jpeg_bytes(quality=35)
    picture = read_picture(write("photo.jpg", data))
    expected = np.array(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(picture.pixels, expected)
    assert (picture.format, picture.quality, picture.alpha) == ("JPEG", 35, None)
    assert picture.warnings == []


def test_a_grey_jpeg_stays_grey(write):
    data = _jpeg_bytes(Image.fromarray(made_picture()), quality=10)
    picture = read_picture(write("photo.jpg", data))
    assert picture.is_grey and picture.pixels.shape == (72, 88)


def test_the_content_counts_and_not_the_name(write):
    buffer = io.BytesIO()
    _colour_image().save(buffer, "PNG")
    assert read_picture(write("photo.jpg", buffer.getvalue())).format == "PNG"
    assert read_picture(write("photo", _jpeg_bytes())).format == "JPEG"


def test_truncated_anywhere(write):
    data = _jpeg_bytes(quality=50)
    for length in [*range(2, 700, 13), *range(700, len(data) - 2, 97)]:
        assert "truncated" in _reason(write("photo.jpg", data[:length]))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@hypothesis.settings(derandomize=True, deadline=None, max_examples=100)
@hypothesis.given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1))
def test_broken_bytes_never_escape_as_another_exception(format, changes):
    broken = bytearray(_file(format))
    for place, value in changes:
        broken[int(place * (len(broken) - 1))] = value
    for salvage in (False, True):
        try:
            read_picture(bytes(broken), salvage=salvage, name="photo")
        except PictureError as error:
            assert str(error).startswith("photo: ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"\xff", "not a picture in a known format"),
        (b"abc", "not a picture in a known format"),
    ],
)
def test_no_picture(write, content, reason):
    assert _reason(write("photo.jpg", content)) == reason


def test_the_start_of_a_jpeg():
    assert "truncated or damaged JPEG" in _reason_of(b"\xff\xd8\xff")


def test_no_regular_file(tmp_path):
    assert _reason(tmp_path / "nothing.jpg") == "no such file or directory"
    assert _reason(tmp_path) == "is a folder, not a picture"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert _reason(tmp_path / "pipe.jpg") == "is not a regular file"


def test_huge_dimensions_are_refused_from_the_header(write):
    data = bytearray(_jpeg_bytes(Image.fromarray(made_picture())))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = (60000).to_bytes(2, "big") * 2
    assert "larger than 100 megapixels" in _reason(write("photo.jpg", bytes(data)))
    data[frame + 5 : frame + 9] = (11000).to_bytes(2, "big") * 2
    assert "larger than 100 megapixels" in _reason(write("photo.jpg", bytes(data)))


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (4, 12, "JPEG of 12 bits is not supported"),
        (1, 0xC3, "lossless JPEG is not supported"),
        (1, 0xC5, "hierarchical JPEG is not supported"),
    ],
)
def test_other_jpeg_processes_are_named(write, offset, value, reason):
    data = bytearray(_jpeg_bytes())
    data[data.index(b"\xff\xc0") + offset] = value
    assert _reason(write("photo.jpg", bytes(data))) == reason


def test_the_luma_table_may_have_another_number(write):
    data = bytearray(_jpeg_bytes(Image.fromarray(made_picture()), quality=30))
    data[data.index(b"\xff\xdb") + 4] = 1
    data[data.index(b"\xff\xc0") + 12] = 1
    assert read_picture(write("photo.jpg", bytes(data))).quality == 30


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_several_pictures_are_refused(format):
    frames = [Image.fromarray(made_picture(seed=seed)) for seed in range(2)]
    data = _file(format, frames[0], save_all=True, append_images=frames[1:])
    assert "animated or of several pages" in _reason_of(data)


def test_the_first_picture_of_an_mpo_counts():
    frames = [_colour_image(), Image.fromarray(made_picture())]
    data = _file("MPO", frames[0], save_all=True, append_images=frames[1:])
    picture = read_picture(data)
    assert picture.pixels.shape == (40, 56, 3)
    assert "only the first" in picture.warnings[0] and len(picture.warnings) == 1


@pytest.mark.parametrize(
    ("data", "kind"), [(b"GIF89a" + bytes(99), "GIF"), (b"%PDF-1.4", "PDF")]
)
def test_other_formats_are_named(data, kind):
    assert _reason_of(data) == f"{kind} is not supported"


def test_cmyk_becomes_rgb_with_a_warning(write):
    image = _colour_image()
    picture = read_picture(write("photo.jpg", _jpeg_bytes(image.convert("CMYK"))))
    assert picture.warnings == ["CMYK was converted to RGB without a profile"]
    assert np.abs(picture.pixels.mean((0, 1)) - np.array(image).mean((0, 1))).max() < 3


def _profile_of_black_alone():
    """A CMYK profile by which cyan, magenta and yellow leave the paper white."""
    ramp = bytes(range(256))
    lightness = [0 if index % 2 else 255 for index in range(16)]  # K varies fastest
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    table += b"".join(
        value.to_bytes(4, "big") for value in (65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    )
    table += 4 * ramp + b"".join(bytes([v, 128, 128]) for v in lightness) + 3 * ramp
    header = bytearray(128)
    header[8:12] = b"\2\x40\0\0"
    header[12:24] = b"prtrCMYKLab "
    header[36:40] = b"acsp"
    tags = (1).to_bytes(4, "big") + b"A2B0" + (144).to_bytes(4, "big")
    tags += len(table).to_bytes(4, "big")
    header[:4] = (144 + len(table)).to_bytes(4, "big")
    return bytes(header) + tags + table


def test_cmyk_is_converted_by_its_profile():
    cyan_and_black = Image.new("CMYK", (48, 32), (255, 0, 0, 0))
    cyan_and_black.paste((255, 0, 0, 255), (0, 0, 16, 32))
    profile = _profile_of_black_alone()
    data = _jpeg_bytes(cyan_and_black, icc_profile=profile, quality=95)
    picture = read_picture(data)
    assert picture.warnings == ["CMYK was converted to sRGB by its profile"]
    assert "icc_profile" not in picture.metadata  # it does not describe RGB
    assert picture.pixels[:, :16].max() < 10 and picture.pixels[:, 16:].min() > 245


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_set_to_1(write, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    data = _jpeg_bytes(exif=exif)
    picture = read_picture(write("photo.jpg", data))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(picture.pixels, np.array(upright))
    kept = Image.Exif()
    kept.load(picture.metadata["exif"])
    assert dict(kept) == {0x010F: "a camera", 0x0112: 1}


def test_broken_exif_does_not_cost_the_picture(write):
    data = _jpeg_bytes(exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert read_picture(write("photo.jpg", data)).pixels.shape == (40, 56, 3)


@pytest.mark.parametrize("grey", [False, True])
def test_a_profile_that_does_not_fit_is_dropped(write, grey):
    image = Image.fromarray(made_picture()) if grey else _colour_image()
    data = _jpeg_bytes(image, icc_profile=SRGB if grey else SRGB[:40])
    picture = read_picture(write("photo.jpg", data))
    assert "icc_profile" not in picture.metadata
    assert "colour profile" in picture.warnings[0]


@pytest.mark.parametrize("dpi", [IFDRational(0, 1), IFDRational(0, 0), 4e9])
def test_an_absurd_resolution_does_not_cost_the_picture(write, dpi):
    buffer = io.BytesIO()
    _colour_image().save(buffer, "TIFF", dpi=(dpi, dpi))
    picture = read_picture(write("photo.tiff", buffer.getvalue()))
    assert "dpi" not in picture.metadata


def test_lab_has_no_alpha(write):
    buffer = io.BytesIO()
    _colour_image().convert("LAB").save(buffer, "TIFF")
    assert read_picture(write("photo.tiff", buffer.getvalue())).alpha is None


@pytest.mark.parametrize("mode", ["1", "P", "LA"])
def test_other_modes(write, mode):
    buffer = io.BytesIO()
    _colour_image().convert(mode).save(buffer, "PNG")
    picture = read_picture(write("in.png", buffer.getvalue()))
    assert picture.is_grey == (mode != "P")
    assert (picture.alpha is not None) == (mode == "LA")


def _cut(data):
    return data[: len(data) * 4 // 5]


@pytest.mark.parametrize("progressive", [False, True])
def test_salvage_restores_what_is_left_of_a_jpeg(progressive):
    data = _jpeg_bytes(progressive=progressive)
    picture = read_picture(_cut(data), salvage=True)
    assert picture.warnings == ["truncated: what was left is restored"]
    # A progressive file loses detail everywhere instead of the last rows.
    difference = picture.pixels[:8].astype(int) - read_picture(data).pixels[:8]
    assert np.abs(difference).mean() < (5 if progressive else 1e-9)


@pytest.mark.parametrize("length", range(900, 1500, 7))
def test_salvage_of_any_length(length):
    data = _jpeg_bytes(progressive=True)[:length]
    assert read_picture(data, salvage=True).pixels.shape == (40, 56, 3)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_salvage_restores_what_is_left_of_a_png(mode):
    data = _file("PNG", _colour_image().convert(mode))
    picture = read_picture(_cut(data), salvage=True)
    assert picture.warnings == ["truncated: what was left is restored"]
    np.testing.assert_array_equal(picture.pixels[:8], read_picture(data).pixels[:8])


def test_salvage_leaves_no_trace():
    data = _cut(_jpeg_bytes())
    read_picture(data, salvage=True)
    assert _reason_of(data) == "truncated (--salvage restores what is left)"


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_png_without_pixels_is_not_salvaged(side):
    # Four bytes a thousand: to decompress without end would take a gigabyte.
    body = zlib.compress(bytes(100_000_000))
    data = bytearray(_file("PNG"))
    at = {"width": 16, "height": 20}[side]
    data[at : at + 4] = bytes(4)
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    data[33:] = chunk(b"IDAT", body)[:-2]
    tracemalloc.start()
    assert "no pixels are left" in _reason_of(bytes(data), salvage=True)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_many_parts_of_a_cut_off_png_are_put_together():
    data = _file("PNG")
    start = data.index(b"IDAT") + 4
    body = data[start : data.index(b"IEND") - 8]
    parts = [chunk(b"IDAT", body[i : i + 1]) for i in range(len(body))]
    cut = data[: start - 8] + b"".join(parts[: len(parts) * 3 // 4])
    salvaged = read_picture(cut, salvage=True).pixels
    whole = read_picture(data).pixels
    np.testing.assert_array_equal(salvaged[:20], whole[:20])
    assert np.any(salvaged != whole)


def test_errors_go_from_one_process_to_another():
    error = PictureError("a\nb.jpg", "is no picture")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("format", "mode"), [("JPEG", "L"), ("TIFF", "L"), ("TIFF", "I;16")]
)
@pytest.mark.parametrize(("orientation", "across"), [(1, 100), (3, 100), (6, 200)])
def test_unequal_resolutions_are_turned_with_the_pixels(
    format, mode, orientation, across
):
    image = Image.new(mode, (7, 5))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(_file(format, image, dpi=(100, 200), exif=exif))
    assert picture.metadata["dpi"] == (across, 300 - across)


def test_a_jpeg_without_resolution_has_none():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    assert "dpi" not in read_picture(_jpeg_bytes(exif=exif)).metadata
    exif[0x011A], exif[0x0128] = IFDRational(96), 2
    assert read_picture(_jpeg_bytes(exif=exif)).metadata["dpi"] == (96, 96)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiffs_of_sixteen_bits_are_turned(orientation):
    planes = np.random.default_rng(0).integers(0, 65536, (5, 7)).astype(np.uint16)
    data = _file("TIFF", Image.fromarray(planes), tiffinfo={274: orientation})
    eight = Image.fromarray((planes >> 8).astype(np.uint8))
    eight.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(eight))
    np.testing.assert_array_equal(read_picture(data).pixels >> 8, expected)


def test_strict_goes_before_salvage():
    data = _cut(_jpeg_bytes())
    assert _reason_of(data, salvage=True, strict=True) == "truncated"


@pytest.mark.parametrize("format", ["WEBP", "TIFF", "BMP"])
def test_other_truncated_files(format):
    assert "truncated" in _reason_of(_cut(_file(format)))


def test_a_truncated_tiff_prints_no_other_line(capfd):
    # The directory of files that we write comes first.
    data = encode_picture(Picture(made_picture()), "tiff")
    assert _reason_of(data[:-9]) == "truncated"
    assert capfd.readouterr().err == ""


def _damaged():
    data = _jpeg_bytes(quality=90, restart_marker_blocks=2)
    return data.replace(b"\xff\xd1", b"\xff\xd4", 1)


def test_damage_that_decoders_paint_over_is_a_warning():
    (warning,) = read_picture(_damaged()).warnings
    assert warning.startswith("the file is damaged (Corrupt JPEG data")


def test_unusual_sampling_is_not_reported_as_damage():
    path = Path(__file__).with_name("samples") / "sampling_3x1.jpg"
    assert read_picture(path, strict=True).warnings == []


def test_damage_is_an_error_when_strict():
    assert _reason_of(_damaged(), strict=True).startswith("damaged (Corrupt JPEG data")


def test_damage_behind_a_bad_profile_is_seen():
    data = _jpeg_bytes(icc_profile=SRGB)
    number = data.index(b"ICC_PROFILE") + 12
    data = data[:number] + b"\7" + data[number + 1 :]
    assert not any("damaged (" in note for note in read_picture(data).warnings)
    extra = data[:-2] + b"\1\2\3" + data[-2:]
    assert any("extraneous" in note for note in read_picture(extra).warnings)


@pytest.mark.parametrize(
    "arguments",
    [
        *({"subsampling": number} for number in range(3)),
        {"progressive": True},
        {"restart_marker_blocks": 1},
        {"optimize": True, "quality": 1},
        {"keep_rgb": True},
    ],
)
def test_clean_jpegs_restore_without_a_warning(arguments):
    data = _jpeg_bytes(**arguments)
    picture = read_picture(data, strict=True)
    assert picture.warnings == []
    expected = np.array(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(picture.pixels, expected)


def test_an_arithmetic_coded_jpeg():
    path = Path(__file__).with_name("samples") / "arithmetic.jpg"
    picture = read_picture(path, strict=True)
    assert picture.jpeg.arithmetic and picture.pixels.shape == (21, 30, 3)


def test_ycck_is_not_inverted():
    image = _colour_image()
    data = bytearray(_jpeg_bytes(image.convert("CMYK")))
    data[data.index(b"Adobe") + 11] = 2
    pillows = Image.open(io.BytesIO(data)).convert("RGB")
    difference = read_picture(bytes(data)).pixels.mean((0, 1)) - np.mean(
        np.array(pillows), (0, 1)
    )
    assert np.abs(difference).max() < 3


@pytest.mark.parametrize("identifiers", [b"RGB", b"\0\1\2", b"abc"])
def test_odd_component_numbers_mean_the_same_colours_as_to_pillow(identifiers):
    data = bytearray(_jpeg_bytes(keep_rgb=True))
    for marker, first, step in ((b"\xff\xc0", 10, 3), (b"\xff\xda", 5, 2)):
        start = data.index(marker) + first
        data[start : start + 3 * step : step] = identifiers
    expected = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(read_picture(bytes(data)).pixels, expected)


@pytest.mark.parametrize(
    ("format", "limits", "flag"),
    [
        ("PNG", Limits(max_megapixels=0.001), "--max-megapixels"),
        ("JPEG", Limits(max_megapixels=0.001), "--max-megapixels"),
        ("JPEG", Limits(max_file_megabytes=0.0001), "--max-file-size"),
        ("JPEG", Limits(max_scans=9), "--max-scans"),
    ],
)
def test_limits_name_the_flag_that_raises_them(format, limits, flag):
    arguments = {"progressive": True} if format == "JPEG" else {}
    data = _file(format, **arguments)
    assert flag in _reason_of(data, limits=limits)
    assert read_picture(data).pixels.shape == (40, 56, 3)


def test_a_huge_broken_png_is_not_salvaged():
    data = bytearray(_file("PNG"))
    data[16:24] = (50000).to_bytes(4, "big") * 2
    assert "--max-megapixels" in _reason_of(bytes(data), salvage=True)


def test_hundreds_of_scans_are_refused():
    data = _jpeg_bytes(progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert "--max-scans" in _reason_of(data[:-2] + 200 * scan + data[-2:])


def test_a_file_too_large_is_not_read(write):
    path = write("photo.jpg", _jpeg_bytes())
    with pytest.raises(PictureError, match="more than 0.001 megabytes"):
        read_picture(path, Limits(max_file_megabytes=0.001))


def test_names_are_one_line():
    with pytest.raises(PictureError) as caught:
        read_picture(b"", name="a\nb\udcff\u00fc.jpg")
    assert str(caught.value) == "a\\nb\\udcff\u00fc.jpg: empty file"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_of_png_are_kept(channels):
    planes = np.random.default_rng(0).integers(0, 65536, (9, 7, channels))
    planes = planes.astype(np.uint16)
    picture = read_picture(deep_png(planes))
    assert picture.pixels.dtype == np.uint16
    colours = planes[..., 0] if channels < 3 else planes[..., :3]
    np.testing.assert_array_equal(picture.pixels, colours)
    assert (picture.alpha is None) == (channels in (1, 3))
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, planes[..., -1])


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_of_tiff_are_kept(channels):
    import cv2

    planes = np.random.default_rng(0).integers(0, 65536, (9, 7, channels))
    planes = planes.astype(np.uint16)
    _, data = cv2.imencode(".tiff", planes)
    picture = read_picture(data.tobytes())
    np.testing.assert_array_equal(np.atleast_3d(picture.pixels), planes[..., ::-1])


@pytest.mark.parametrize(
    ("dtype", "reason"), [(np.float32, "floating-point"), (np.int32, "signed")]
)
def test_other_numbers_of_tiff_are_refused(dtype, reason):
    data = _file("TIFF", Image.fromarray(np.ones((4, 4), dtype)))
    assert reason in _reason_of(data)


@pytest.mark.parametrize("orientation", [6, 8])
def test_sixteen_bits_and_alpha_are_turned(orientation):
    planes = np.random.default_rng(0).integers(0, 65536, (9, 7, 4)).astype(np.uint16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(with_metadata(deep_png(planes), {"exif": exif.tobytes()}))
    turned = np.rot90(planes, 1 if orientation == 8 else -1)
    np.testing.assert_array_equal(picture.pixels, turned[..., :3])
    np.testing.assert_array_equal(picture.alpha, turned[..., 3])


def test_a_turned_picture_has_its_sizes_swapped():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769).update({0xA002: 56, 0xA003: 40})
    picture = read_picture(_jpeg_bytes(exif=exif.tobytes()))
    kept = Image.Exif()
    kept.load(picture.metadata["exif"])
    size = kept.get_ifd(0x8769)
    assert (size[0xA003], size[0xA002]) == picture.pixels.shape[:2] == (56, 40)


def test_an_orientation_of_9_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 9
    picture = read_picture(_jpeg_bytes(exif=exif))
    assert picture.pixels.shape == (40, 56, 3)
    assert ExifBlock(picture.metadata["exif"]).orientation == 1


def test_the_thumbnail_is_removed():
    thumbnail = _jpeg_bytes(_colour_image().crop((0, 0, 16, 16)))
    first = b"II*\0" + (8).to_bytes(4, "little")
    make = b"\1\0" + b"\x0f\1\2\0" + (4).to_bytes(4, "little") + b"cam\0"
    second_at = len(first) + len(make) + 4
    entries = [(0x0201, second_at + 30), (0x0202, len(thumbnail))]
    second = b"\2\0" + b"".join(
        tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
        for tag, value in entries
    )
    exif = first + make + second_at.to_bytes(4, "little") + second + bytes(4)
    data = _jpeg_bytes(exif=b"Exif\0\0" + exif + thumbnail)
    assert thumbnail in data
    kept = read_picture(data).metadata["exif"]
    assert b"cam" in kept and b"\xff\xd8" not in kept


@pytest.mark.parametrize("preview", [b"", _jpeg_bytes()[:200]])
def test_a_preview_in_the_cameras_own_notes_is_removed(preview):
    exif = Image.Exif()
    exif[0x8769] = {0x927C: b"settings" + preview, 0xA434: "a lens"}
    picture = read_picture(_jpeg_bytes(exif=exif))
    kept = picture.metadata["exif"]
    assert b"a lens" in kept and b"settings" in kept and b"\xff\xd8" not in kept
    assert len(picture.warnings) == bool(preview)


def test_xmp_no_longer_turns_or_shows_the_old_pixels():
    xmp = (
        b'<x tiff:Orientation="6"><xmp:Thumbnails>old</xmp:Thumbnails>'
        b"<tiff:Orientation>6</tiff:Orientation></x>"
    )
    picture = read_picture(_jpeg_bytes(xmp=xmp))
    assert picture.metadata["xmp"] == (
        b'<x tiff:Orientation="1"><tiff:Orientation>1</tiff:Orientation></x>'
    )


def test_xmp_that_never_closes_its_thumbnails_is_read_in_one_pass():
    xmp = b"<xmp:Thumbnails>" * 4000  # searched once, not from each of them
    assert read_picture(_jpeg_bytes(xmp=xmp)).metadata["xmp"] == xmp
    closed = b"<x>" + 3 * b"<xap:Thumbnails a='b'>old</xap:Thumbnails >" + b"</x>"
    assert read_picture(_jpeg_bytes(xmp=closed)).metadata["xmp"] == b"<x></x>"


def test_the_description_of_a_missing_gain_map_is_dropped():
    picture = read_picture(_jpeg_bytes(xmp=b'<x hdrgm:Version="1.0" a="b"></x>'))
    assert picture.metadata["xmp"] == b'<x a="b"></x>'
    assert picture.warnings == [
        "the gain map (Ultra HDR) was dropped: it is not in the file"
    ]


def test_png_colours_other_than_srgb_are_kept_or_reported():
    def losses(*chunks):
        picture = read_picture(_png_bytes_with(*chunks))
        assert picture.warnings == fitting_losses(picture, "png") == []
        return fitting_losses(picture, "tiff")

    srgb, bright = (round(gamma * 1e5).to_bytes(4, "big") for gamma in (1 / 2.2, 1))
    assert losses() == losses((b"gAMA", srgb)) == []
    assert "gAMA" in losses((b"gAMA", bright))[0]
    assert losses((b"gAMA", bright), (b"sRGB", b"\0")) == []
    wide = (31270, 32900, 73470, 26530, 11500, 82600, 15700, 1800)
    primaries = b"".join(number.to_bytes(4, "big") for number in wide)
    assert "cHRM" in losses((b"cHRM", primaries))[0]
    assert "cICP" in losses((b"cICP", b"\x0c\x0d\0\1"))[0]  # Display P3
    assert losses((b"cICP", b"\1\x0d\0\1")) == []


def _png_bytes_with(*chunks):
    png = _file("PNG")
    end_of_header = 33
    return b"".join(
        [
            png[:end_of_header],
            *(chunk(kind, body) for kind, body in chunks),
            png[end_of_header:],
        ]
    )


@pytest.mark.parametrize(
    "name",
    [
        *("gamma", "dpi", "chromaticity", "photoshop", "transparency", "interlace"),
        *("exif", "xmp", "icc_profile", "srgb"),
    ],
)
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_a_text_of_any_name_in_a_png_costs_nothing(kind, name):
    text = PngInfo()
    if kind == b"iTXt":
        text.add_itxt(name, "72")
    else:
        text.add_text(name, "72", zip=kind == b"zTXt")
    data = _file("PNG", pnginfo=text)
    assert kind in data
    picture = read_picture(data)
    assert list(picture.metadata) == ["png_chunks"] and picture.alpha is None
    assert picture.warnings == []
    written = encode_picture(picture, "png")
    assert read_picture(written).metadata == picture.metadata


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_transparent_grey_of_a_png_of_few_bits(bits):
    top = 2**bits - 1
    levels = np.linspace(0, top, 8).round().astype(np.uint8)
    packed = np.packbits(np.unpackbits(levels[:, None], axis=1)[:, -bits:])
    header = (8).to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes([bits, 0, 0, 0, 0])
    chunks = [
        (b"IHDR", header),
        (b"tRNS", bytes([0, top])),
        (b"IDAT", zlib.compress(b"\0" + packed.tobytes())),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks)
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.pixels[0], levels * (255 // top))
    np.testing.assert_array_equal(picture.alpha[0], np.where(levels == top, 0, 255))


@pytest.mark.parametrize("orientation", [None, 1])  # without one Pillow looks into XMP
def test_a_number_in_place_of_xmp_takes_no_memory(orientation):
    tags = ImageFileDirectory_v2()
    if orientation:
        tags[0x0112] = orientation
    tags.tagtype[700] = 4  # a number, where bytes should be
    tags[700] = 4_000_000_000
    picture = read_picture(_file("TIFF", tiffinfo=tags))
    assert "xmp" not in picture.metadata
    assert picture.warnings == ["the XMP data are damaged and were dropped"]


def test_a_profile_with_a_good_header_and_a_broken_body_is_dropped():
    for broken in (
        SRGB[:400],
        SRGB[:128] + bytes(len(SRGB) - 128),
        SRGB[:17] + b"\xff" + SRGB[18:],  # not a space, and not even text
    ):
        picture = read_picture(_jpeg_bytes(icc_profile=broken))
        assert "icc_profile" not in picture.metadata
        assert "colour profile" in picture.warnings[0]


def test_sixteen_bits_with_channels_apart_are_refused():
    import cv2

    planes = np.zeros((9, 7, 3), np.uint16)
    data = cv2.imencode(".tiff", planes)[1].tobytes()
    assert "channels apart" in _reason_of(_with_channels_apart(data))


@pytest.mark.parametrize("mode", ["LA", "LAB"])
def test_channels_apart_that_would_be_mixed_up_are_refused(mode):
    data = _file("TIFF", Image.new(mode, (7, 9)), compression="tiff_lzw")
    reason = _reason_of(_with_channels_apart(data))
    assert f"{mode} with its channels apart" in reason


def _with_channels_apart(tiff):
    data = bytearray(tiff)
    at = data.index((284).to_bytes(2, "little") + b"\3\0\1\0\0\0\1\0")
    data[at + 8] = 2
    return bytes(data)


def test_a_layout_that_pillow_does_not_know_is_not_called_damage():
    import cv2

    data = bytearray(cv2.imencode(".tiff", np.zeros((9, 7, 3), np.uint16))[1].tobytes())
    photometric = data.index((262).to_bytes(2, "little") + b"\3\0\1\0\0\0\2\0")
    data[photometric + 8] = 8  # Lab
    assert _reason_of(bytes(data)) == (
        "a layout of bits and channels that is not supported"
    )


def test_millions_of_segments_are_refused():
    data = _jpeg_bytes()
    comments = b"\xff\xfe\0\2" * 10_001
    assert "10,000 segments" in _reason_of(data[:2] + comments + data[2:])


def test_a_stream_is_only_read_up_to_the_limit():
    stream = io.BytesIO(bytes(5000))
    data = read_stream(stream, Limits(max_file_megabytes=0.001))
    assert len(data) == 1001
    with pytest.raises(PictureError, match="more than 0.001 megabytes"):
        read_picture(data, Limits(max_file_megabytes=0.001))


def test_a_stream_takes_no_more_memory_than_it_has():
    class Greedy(io.BytesIO):
        def read(self, size):
            assert size <= 1_000_000  # what readers set aside before they read
            return super().read(size)

    data = _jpeg_bytes()
    picture = read_picture(Greedy(data), Limits(max_file_megabytes=1e6))
    assert picture.format == "JPEG"


def test_a_good_profile_is_kept_byte_for_byte():
    picture = read_picture(_jpeg_bytes(icc_profile=SRGB))
    assert picture.metadata["icc_profile"] == SRGB and picture.warnings == []


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_kept(format):
    image, alpha = _colour_image(), made_picture(40, 56, seed=9)
    image.putalpha(Image.fromarray(alpha))
    arguments = {"lossless": True} if format == "WEBP" else {}
    np.testing.assert_array_equal(
        read_picture(_file(format, image, **arguments)).alpha, alpha
    )


def test_a_palette_with_a_transparent_colour():
    image = _colour_image().convert("P")
    picture = read_picture(_file("PNG", image, transparency=3))
    np.testing.assert_array_equal(picture.alpha == 0, np.array(image) == 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (13, 1), (7, 5)])
def test_small_pictures(format, size):
    data = _file(format, _colour_image().crop((0, 0, *size)))
    assert read_picture(data).pixels.shape == (*size[::-1], 3)
