import io
import os
import stat

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.TiffImagePlugin import IFDRational

from dual_prior.image_file import (
    ImageFileError,
    Picture,
    estimate_quality,
    png_file,
    read_picture,
)
from tests.conftest import made_picture


def _colour_image(height=40, width=56):
    planes = [made_picture(height, width, seed) for seed in range(3)]
    return Image.fromarray(np.stack(planes, axis=-1))


def _jpeg_bytes(image=None, **arguments):
    buffer = io.BytesIO()
    (image or _colour_image()).save(buffer, "JPEG", **arguments)
    return buffer.getvalue()


@pytest.fixture
def write(tmp_path):
    def write_file(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write_file


def _reason(path):
    with pytest.raises(ImageFileError) as caught:
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


@pytest.mark.parametrize("quality", range(1, 101))
def test_quality_of_libjpeg_is_exact(quality):
    image = Image.open(io.BytesIO(_jpeg_bytes(quality=quality)))
    assert estimate_quality(image.quantization[0]) == quality


def test_truncated_anywhere(write):
    data = _jpeg_bytes(quality=50)
    for length in [*range(2, 700, 13), *range(700, len(data) - 2, 97)]:
        assert "truncated" in _reason(write("photo.jpg", data[:length]))


def test_flipped_bits_never_escape_as_another_exception(write):
    data = _jpeg_bytes(quality=50, progressive=True)
    rng = np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 4):
            broken[place] ^= 1 << rng.integers(8)
        try:
            read_picture(write("photo.jpg", bytes(broken)))
        except ImageFileError as error:
            assert "photo.jpg: " in str(error)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"abc", "not a picture in a known format"),
        (b"\xff\xd8\xff", "truncated or damaged JPEG"),
    ],
)
def test_no_picture(write, content, reason):
    assert _reason(write("photo.jpg", content)) == reason


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


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_refused_and_not_cut(write, channels):
    import cv2

    deep = np.full((8, 8, channels), 40000, np.uint16)
    _, data = cv2.imencode(".png", deep)
    assert "more than 8 bits" in _reason(write("deep.png", data.tobytes()))


def test_sixteen_bits_in_tiff_are_refused(write):
    import cv2

    _, data = cv2.imencode(".tiff", np.full((8, 8, 3), 40000, np.uint16))
    assert "more than 8 bits" in _reason(write("deep.tiff", data.tobytes()))


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (4, 12, "JPEG of 12 bits is not supported"),
        (1, 0xC3, "lossless JPEG is not supported"),
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


def test_an_animation_is_refused(write):
    buffer = io.BytesIO()
    frames = [Image.fromarray(made_picture(seed=seed)) for seed in range(2)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert "animated" in _reason(write("moving.gif", buffer.getvalue()))


def test_cmyk_becomes_rgb_with_a_warning(write):
    image = _colour_image()
    picture = read_picture(write("photo.jpg", _jpeg_bytes(image.convert("CMYK"))))
    assert picture.warnings == ["CMYK was converted to RGB without a profile"]
    assert np.abs(picture.pixels.mean((0, 1)) - np.array(image).mean((0, 1))).max() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_dropped(write, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    data = _jpeg_bytes(exif=exif)
    picture = read_picture(write("photo.jpg", data))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(picture.pixels, np.array(upright))
    kept = Image.Exif()
    kept.load(picture.metadata["exif"])
    assert dict(kept) == {0x010F: "a camera"}


def test_broken_exif_does_not_cost_the_picture(write):
    data = _jpeg_bytes(exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert read_picture(write("photo.jpg", data)).pixels.shape == (40, 56, 3)


@pytest.mark.parametrize("grey", [False, True])
def test_a_profile_that_does_not_fit_is_dropped(write, grey):
    image = Image.fromarray(made_picture()) if grey else _colour_image()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = _jpeg_bytes(image, icc_profile=srgb if grey else srgb[:40])
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


def test_what_is_written_is_what_was_read(write, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = _colour_image()
    alpha = made_picture(40, 56, seed=9)
    image.putalpha(Image.fromarray(alpha))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", icc_profile=profile, dpi=(300, 300))
    picture = read_picture(write("in.png", buffer.getvalue()))
    with png_file(tmp_path / "out.png") as write_picture:
        write_picture(picture)
    again = Image.open(tmp_path / "out.png")
    assert again.mode == "RGBA" and again.info["icc_profile"] == profile
    np.testing.assert_allclose(again.info["dpi"], 300, atol=0.1)
    np.testing.assert_array_equal(np.array(again), np.array(image))


@pytest.mark.parametrize("mode", ["1", "P", "LA"])
def test_other_modes(write, mode):
    buffer = io.BytesIO()
    _colour_image().convert(mode).save(buffer, "PNG")
    picture = read_picture(write("in.png", buffer.getvalue()))
    assert picture.is_grey == (mode != "P")
    assert (picture.alpha is not None) == (mode == "LA")


def _grey_picture():
    return Picture(made_picture(), None, "JPEG", None, {}, [])


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"an earlier result")
    with pytest.raises(RuntimeError), png_file(path) as write_picture:
        write_picture(_grey_picture())
        raise RuntimeError
    assert path.read_bytes() == b"an earlier result"
    assert os.listdir(tmp_path) == ["out.png"]


def test_the_result_has_ordinary_permissions(tmp_path):
    with png_file(tmp_path / "new" / "out.png") as write_picture:
        write_picture(_grey_picture())
    (tmp_path / "plain").touch()
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("new/out.png", "plain")
    ]
    assert modes[0] == modes[1]


def test_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with (
        pytest.raises(ImageFileError, match="not a regular file"),
        png_file(tmp_path / "pipe.png"),
    ):
        pytest.fail("work was begun")
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)


def test_an_unwritable_place_is_told_before_any_work(tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "out.png", tmp_path, tmp_path / ("x" * 300)):
        with (
            pytest.raises(ImageFileError, match="cannot be written"),
            png_file(target),
        ):
            pytest.fail("work was begun")
    assert os.listdir(tmp_path) == ["file"]
