import os
import stat

import numpy as np
import pytest
from PIL import Image, ImageCms

from dual_prior.picture import Picture
from dual_prior.picture_reader import PictureError, read_picture
from dual_prior.picture_writer import encode_picture, output_format, picture_file
from tests.conftest import made_picture

LOSSLESS = ("png", "webp", "tiff")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'


def _pixels(grey=False, deep=False):
    planes = np.stack([made_picture(21, 34, seed) for seed in range(3)], axis=-1)
    if deep:
        noise = np.random.default_rng(0).integers(0, 256, planes.shape)
        planes = (planes.astype(np.uint16) << 8) + noise.astype(np.uint16)
    return planes[..., 0] if grey else planes


def _exif():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}
    return exif.tobytes()


def _metadata():
    return {"icc_profile": SRGB, "exif": _exif(), "xmp": XMP, "dpi": (300.0, 300.0)}


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize(
    ("format", "deep"), [*((f, False) for f in LOSSLESS), ("png", True), ("tiff", True)]
)
def test_lossless_formats_give_the_pixels_back(format, deep, grey, alpha):
    pixels = _pixels(grey, deep)
    plane = np.ascontiguousarray(_pixels(True, deep)[::-1]) if alpha else None
    again = read_picture(encode_picture(Picture(pixels, plane), format))
    if again.is_grey:
        np.testing.assert_array_equal(again.pixels, pixels)
    else:  # WebP knows no grey, 16 bits with alpha neither
        colour = np.stack([pixels] * 3, axis=-1) if grey else pixels
        np.testing.assert_array_equal(again.pixels, colour)
    assert again.pixels.dtype == pixels.dtype
    if alpha:
        np.testing.assert_array_equal(again.alpha, plane)


@pytest.mark.parametrize("format", ["png", "tiff", "jpeg"])
def test_grey_stays_grey(format):
    assert read_picture(encode_picture(Picture(_pixels(grey=True)), format)).is_grey


@pytest.mark.parametrize(
    ("format", "deep"), [*((f, False) for f in (*LOSSLESS, "jpeg")), ("png", True)]
)
def test_metadata_are_carried_over(format, deep):
    picture = Picture(_pixels(deep=deep), metadata=_metadata())
    again = read_picture(encode_picture(picture, format)).metadata
    assert again["icc_profile"] == SRGB
    assert again["xmp"] == XMP
    exif = Image.Exif()
    exif.load(again["exif"])
    assert exif[0x010F] == "a camera"
    assert exif.get_ifd(0x8825)[1] == "N"
    if format != "webp":  # it has no place for it
        np.testing.assert_allclose(again["dpi"], 300, atol=0.1)


def test_a_deep_tiff_carries_profile_xmp_and_resolution():
    picture = Picture(_pixels(deep=True), metadata=_metadata())
    again = read_picture(encode_picture(picture, "tiff")).metadata
    assert again["icc_profile"] == SRGB and again["xmp"] == XMP
    np.testing.assert_allclose(again["dpi"], 300, atol=0.1)


@pytest.mark.parametrize(
    ("format", "deep"),
    [*((f, False) for f in (*LOSSLESS, "jpeg")), ("png", True), ("tiff", True)],
)
def test_stripped_files_keep_the_profile_only(format, deep):
    picture = Picture(_pixels(deep=deep), metadata=_metadata())
    data = encode_picture(picture, format, strip=True)
    assert read_picture(data).metadata.keys() == {"icc_profile"}
    assert b"a camera" not in data and b"xmpmeta" not in data


@pytest.mark.parametrize("format", [*LOSSLESS, "jpeg"])
def test_the_same_picture_gives_the_same_bytes(format):
    picture = Picture(_pixels(), metadata=_metadata())
    assert encode_picture(picture, format) == encode_picture(picture, format)


def test_jpeg_is_not_subsampled_and_of_the_quality_asked_for():
    data = encode_picture(Picture(_pixels()), "jpeg", jpeg_quality=88)
    header = read_picture(data).jpeg
    assert (header.subsampling, header.quality) == ("4:4:4", 88)


def test_what_a_format_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="JPEG has no alpha"):
        encode_picture(Picture(_pixels(), _pixels(grey=True)), "jpeg")
    for format in ("jpeg", "webp"):
        with pytest.raises(ValueError, match="8 bits a channel"):
            encode_picture(Picture(_pixels(deep=True)), format)
    with pytest.raises(ValueError, match="a format among png"):
        encode_picture(Picture(_pixels()), "gif")


def test_suffixes_stand_for_formats():
    formats = [output_format(s) for s in (".png", ".JPG", ".tif", ".webp")]
    assert formats == ["png", "jpeg", "tiff", "webp"]
    with pytest.raises(ValueError, match=r"got '.gif'. --format"):
        output_format(".gif")


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"an earlier result")
    with pytest.raises(RuntimeError), picture_file(path) as write:
        write(b"half of")
        raise RuntimeError
    assert path.read_bytes() == b"an earlier result"
    assert os.listdir(tmp_path) == ["out.png"]


def test_the_result_has_ordinary_permissions(tmp_path):
    with picture_file(tmp_path / "new" / "out.png") as write:
        write(b"all of it")
    (tmp_path / "plain").touch()
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("new/out.png", "plain")
    ]
    assert modes[0] == modes[1]


def test_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with (
        pytest.raises(PictureError, match="not a regular file"),
        picture_file(tmp_path / "pipe.png"),
    ):
        pytest.fail("work was begun")
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)


def test_an_unwritable_place_is_told_before_any_work(tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "out.png", tmp_path, tmp_path / ("x" * 300)):
        with (
            pytest.raises(PictureError, match="cannot be written"),
            picture_file(target),
        ):
            pytest.fail("work was begun")
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_earlier_result(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    path.write_bytes(b"an earlier result")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(PictureError, match="no space left on device"),
        picture_file(path) as write,
    ):
        write(b"half of")
    assert path.read_bytes() == b"an earlier result"
    assert os.listdir(tmp_path) == ["out.png"]
