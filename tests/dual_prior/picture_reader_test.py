import io
import os
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, ImageOps
from PIL.TiffImagePlugin import IFDRational

from dual_prior.picture_reader import Limits, PictureError, read_picture
from tests.conftest import ROOT, made_picture
from tests.dual_prior.mutants import mutants


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
    assert picture.warnings == ()


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


def test_mutants_end_in_a_picture_or_in_one_line(write):
    data = _jpeg_bytes(quality=50, progressive=True)
    for mutant in mutants(data, count=200, seed=0):
        try:
            picture = read_picture(mutant, Limits(max_megapixels=1), name="m.jpg")
        except PictureError as error:
            assert str(error).startswith("m.jpg: ") and "\n" not in str(error)
        else:
            assert picture.pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"abc", "not a picture in a known format"),
        (b"\xff\xd8\xff", "truncated or damaged JPEG (it has no frame)"),
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


def _deep(*shape):
    return np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_kept(write, channels, suffix):
    deep = _deep(9, 8, channels)
    _, data = cv2.imencode(suffix, deep)
    picture = read_picture(write("deep", data.tobytes()))
    expected = deep[..., 0] if channels == 1 else deep[..., 2::-1]
    np.testing.assert_array_equal(picture.pixels, expected)
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, deep[..., 3])
    else:
        assert picture.alpha is None


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_are_kept(write, format):
    deep = _deep(9, 8)
    buffer = io.BytesIO()
    Image.fromarray(deep).save(buffer, format)
    picture = read_picture(write("deep", buffer.getvalue()))
    np.testing.assert_array_equal(picture.pixels, deep)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_more_than_sixteen_bits_are_refused(write, mode):
    buffer = io.BytesIO()
    Image.fromarray(made_picture()).convert(mode).save(buffer, "TIFF")
    assert "more than 16 bits" in _reason(write("deep.tiff", buffer.getvalue()))


def test_orientation_is_applied_to_sixteen_bits(write):
    deep = _deep(4, 6, 3)
    _, data = cv2.imencode(".png", deep)
    data = data.tobytes()
    for orientation in range(1, 10):
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = exif.tobytes().removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(content)) + b"eXIf" + content
        chunk += struct.pack(">I", zlib.crc32(b"eXIf" + content))
        picture = read_picture(write("deep.png", data[:33] + chunk + data[33:]))
        # The same turn of eight bits, as Pillow makes it.
        shallow = Image.fromarray((deep >> 8).astype(np.uint8)[..., ::-1].copy())
        shallow.getexif()[0x0112] = orientation
        expected = np.asarray(ImageOps.exif_transpose(shallow))
        np.testing.assert_array_equal(picture.pixels >> 8, expected)


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


def test_an_animation_is_refused(write):
    buffer = io.BytesIO()
    frames = [Image.fromarray(made_picture(seed=seed)) for seed in range(2)]
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    assert "animated" in _reason(write("moving.webp", buffer.getvalue()))


def test_cmyk_becomes_rgb_with_a_warning(write):
    image = _colour_image()
    picture = read_picture(write("photo.jpg", _jpeg_bytes(image.convert("CMYK"))))
    assert picture.warnings == ("CMYK was converted to RGB without a profile",)
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


@pytest.mark.parametrize("mode", ["1", "P", "LA"])
def test_other_modes(write, mode):
    buffer = io.BytesIO()
    _colour_image().convert(mode).save(buffer, "PNG")
    picture = read_picture(write("in.png", buffer.getvalue()))
    assert picture.is_grey == (mode != "P")
    assert (picture.alpha is not None) == (mode == "LA")


def test_bytes_are_read_like_files():
    data = _jpeg_bytes(quality=30)
    np.testing.assert_array_equal(
        read_picture(data).pixels, np.array(Image.open(io.BytesIO(data)))
    )
    with pytest.raises(PictureError, match="^bytes: empty file$"):
        read_picture(b"")


def test_salvage_takes_what_is_there_and_leaves_pillow_as_it_was(write):
    data = _jpeg_bytes(_colour_image(160, 160), quality=50)
    path = write("cut.jpg", data[: len(data) * 2 // 3])
    assert "--salvage" in _reason(path)
    picture = read_picture(path, salvage=True)
    whole = read_picture(data)
    np.testing.assert_array_equal(picture.pixels[:40], whole.pixels[:40])
    assert any("as far as it goes" in warning for warning in picture.warnings)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def _concealed():
    """A JPEG with broken data that decoders conceal, and the same one whole."""
    whole = _jpeg_bytes(Image.fromarray(made_picture()), quality=75)
    data = bytearray(whole)
    data[len(data) * 2 // 3 : len(data) * 2 // 3 + 4] = b"\xff\xd3\x12\x34"
    return bytes(data), whole


def test_damage_that_decoders_conceal_is_told(write):
    damaged, whole = _concealed()
    picture = read_picture(write("photo.jpg", damaged))
    assert picture.warnings == ("the JPEG data are damaged",)
    assert picture.pixels.shape == (72, 88)
    with pytest.raises(PictureError, match="the JPEG data are damaged"):
        read_picture(write("photo.jpg", damaged), strict=True)
    assert read_picture(whole, strict=True).warnings == ()


@pytest.mark.parametrize(
    "settings",
    [
        {"subsampling": 0},
        {"subsampling": 1},
        {"subsampling": 2},
        {"progressive": True},
        {"restart_marker_blocks": 2},
        {"optimize": True},
        {"keep_rgb": True},
    ],
)
def test_every_kind_of_jpeg_is_read_without_a_warning(settings):
    data = _jpeg_bytes(quality=60, **settings)
    picture = read_picture(data, strict=True)
    assert picture.warnings == ()
    np.testing.assert_array_equal(
        picture.pixels, np.array(Image.open(io.BytesIO(data)))
    )


def test_arithmetic_coding_is_read():
    path = ROOT / "tests" / "dual_prior" / "pictures" / "arithmetic.jpg"
    picture = read_picture(path, strict=True)
    assert "arithmetic-coded" in picture.jpeg.process
    # The same coefficients, coded by Huffman.
    whole = read_picture(path.with_name("huffman.jpg"))
    np.testing.assert_array_equal(picture.pixels, whole.pixels)
    assert picture.warnings == ()


@pytest.mark.parametrize("height", [1, 2, 7, 8, 9, 33])
@pytest.mark.parametrize("width", [1, 5, 8, 16, 17])
def test_small_sizes_are_exact(height, width):
    data = _jpeg_bytes(
        _colour_image(height + 40, width + 40).crop((0, 0, width, height))
    )
    assert read_picture(data, strict=True).pixels.shape == (height, width, 3)


def test_limits_name_the_flag_that_raises_them(write):
    data = _jpeg_bytes(progressive=True)
    path = write("photo.jpg", data)
    for limits, flag in (
        (Limits(max_megapixels=0.001), "--max_megapixels"),
        (Limits(max_file_megabytes=0.001), "--max_file_size"),
        (Limits(max_scans=3), "--max_scans"),
    ):
        with pytest.raises(PictureError, match=flag):
            read_picture(path, limits)
    buffer = io.BytesIO()
    _colour_image().save(buffer, "PNG")
    with pytest.raises(PictureError, match="--max_megapixels"):
        read_picture(buffer.getvalue(), Limits(max_megapixels=0.001))


def test_huge_dimensions_cost_no_memory(write):
    """Refused from the header: the peak of a process that tries is that of imports."""
    data = bytearray(_jpeg_bytes(Image.fromarray(made_picture())))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = (30000).to_bytes(2, "big") * 2
    script = (
        "import resource, sys\n"
        "from dual_prior.picture_reader import PictureError, read_picture\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: read_picture(sys.argv[1])\n"
        "except PictureError: print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(write("bomb.jpg", bytes(data)))],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert int(done.stdout) < 100_000, done  # KiB


def test_the_first_of_several_pictures_in_an_mpo(write):
    first, second = _colour_image(), _colour_image().transpose(1)
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[second], quality=90)
    picture = read_picture(write("photo.jpg", buffer.getvalue()))
    assert picture.format == "JPEG"
    assert picture.warnings == (
        "only the first of several pictures in the file is restored",
    )
    assert np.abs(picture.pixels.astype(int) - np.array(first)).mean() < 8


def test_a_gif_is_named(write):
    buffer = io.BytesIO()
    Image.fromarray(made_picture()).save(buffer, "GIF")
    assert _reason(write("a.jpg", buffer.getvalue())) == (
        "GIF pictures are not supported"
    )


def test_a_profile_that_fits_is_kept_byte_for_byte(write):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_picture(write("photo.jpg", _jpeg_bytes(icc_profile=srgb)))
    assert picture.metadata["icc_profile"] == srgb


def test_xmp_is_kept_and_its_orientation_follows_the_pixels(write):
    xmp = b'<x:xmpmeta><rdf tiff:Orientation="6" dc:title="t"/></x:xmpmeta>'
    picture = read_picture(write("photo.jpg", _jpeg_bytes(xmp=xmp)))
    assert picture.metadata["xmp"] == xmp.replace(b"6", b"1")


def test_an_embedded_thumbnail_is_dropped(write):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    buffer = io.BytesIO()
    Image.fromarray(made_picture()[:16, :16]).save(buffer, "JPEG")
    thumbnail = buffer.getvalue()
    # A directory of one entry, then one that points at the thumbnail.
    body = b"II*\0\x08\0\0\0"
    body += struct.pack("<HHHI4sI", 1, 0x010F, 2, 4, b"cam\0", 26)
    body += struct.pack("<HHHIIHHIII", 2, 0x0201, 4, 1, 56, 0x0202, 4, 1, 100, 0)
    body += thumbnail
    data = _jpeg_bytes(exif=b"Exif\0\0" + body)
    assert thumbnail in data
    picture = read_picture(write("photo.jpg", data))
    assert thumbnail[:40] not in picture.metadata["exif"]
    assert b"cam" in picture.metadata["exif"]
