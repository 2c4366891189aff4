import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from dual_prior.pictures.formats import missing_package, output_format
from dual_prior.pictures.metadata import is_marked, mark, without_metadata
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.reader import read_picture
from dual_prior.pictures.writer import encode_picture
from tests.conftest import made_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>a word</x:xmpmeta>"
LOSSLESS = [
    *(("png", np.uint8), ("webp", np.uint8), ("tiff", np.uint8)),
    *(("png", np.uint16), ("tiff", np.uint16)),
]


def _picture(kind="rgb", dtype=np.uint8, has_alpha=False, **metadata):
    shape = (13, 17) if kind == "grey" else (13, 17, 3)
    rng = np.random.default_rng(1)
    top = np.iinfo(dtype).max + 1
    alpha = rng.integers(0, top, (13, 17)).astype(dtype) if has_alpha else None
    return Picture(rng.integers(0, top, shape).astype(dtype), alpha, metadata=metadata)


def _exif():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8769)[0x829A] = 0.01
    exif.get_ifd(0x8825)[1] = "N GPS"
    return exif.tobytes()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
@pytest.mark.parametrize("format", ["png", "webp", "tiff", "jpeg"])
def test_texts_of_exif_stay_byte_for_byte(format, encoding):
    name = "José Müller ©".encode(encoding)
    exif = Image.Exif()
    for part, tag in ((exif, 0x013B), (exif.get_ifd(0x8769), 0xA433)):
        part[tag] = "x" * len(name)  # Pillow itself would write question marks
    data = exif.tobytes().replace(b"x" * len(name), name)
    jpeg = encode_picture(_picture(exif=data), "jpeg")
    picture = read_picture(encode_picture(mark(read_picture(jpeg)), format))
    written = Image.Exif()
    written.load(picture.metadata["exif"])
    for text in (written[0x013B], written.get_ifd(0x8769)[0xA433]):
        assert text.encode("latin-1") == name


def test_a_tiff_holds_what_an_exif_pointer_points_at():
    exif = Image.Exif()
    exif[0x9C9C] = "a comment".encode("utf-16-le")
    exif.get_ifd(0x8769)[0xA005] = {1: "R98"}
    tiff = encode_picture(_picture(exif=exif.tobytes()), "tiff")
    tags = Image.open(io.BytesIO(tiff)).getexif()
    assert tags.get_ifd(0xA005)[1] == "R98"
    assert tags[0x9C9C] == "a comment".encode("utf-16-le")


@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("kind", ["grey", "rgb"])
@pytest.mark.parametrize("format, dtype", LOSSLESS)
def test_lossless_formats_give_the_pixels_back(format, dtype, kind, has_alpha):
    picture = _picture(kind, dtype, has_alpha)
    again = read_picture(encode_picture(picture, format))
    expected = picture.pixels
    if again.pixels.ndim > expected.ndim:  # WebP has no grey
        expected = np.stack([expected] * 3, axis=-1)
    assert again.pixels.dtype == dtype and again.warnings == []
    np.testing.assert_array_equal(again.pixels, expected)
    if has_alpha:
        np.testing.assert_array_equal(again.alpha, picture.alpha)
    else:
        assert again.alpha is None


def test_jpeg_is_444_of_the_quality_asked_for():
    header = read_picture(encode_picture(_picture(), "jpeg", 83)).jpeg
    assert (header.subsampling, header.quality) == ("4:4:4", 83)


@pytest.mark.parametrize("format, dtype", [*LOSSLESS, ("jpeg", np.uint8)])
def test_metadata_are_carried(format, dtype):
    picture = _picture(
        dtype=dtype, icc_profile=SRGB, exif=_exif(), xmp=XMP, dpi=(300.0, 150.0)
    )
    again = read_picture(encode_picture(picture, format))
    assert again.metadata["icc_profile"] == SRGB
    assert again.metadata["xmp"] == XMP
    exif = Image.Exif()
    exif.load(again.metadata["exif"])
    assert exif[0x010F] == "a camera"
    assert exif.get_ifd(0x8769)[0x829A] == pytest.approx(0.01)
    assert exif.get_ifd(0x8825)[1] == "N GPS"
    if format == "jpeg":
        assert again.metadata["dpi"] == (300, 150)
    elif format != "webp":
        assert again.metadata["dpi"] == pytest.approx((300, 150), abs=0.1)
    assert again.warnings == []


@pytest.mark.parametrize("format", ["png", "webp", "tiff", "jpeg", "avif"])
def test_strip_leaves_only_the_profile(format):
    picture = _picture(icc_profile=SRGB, exif=_exif(), xmp=XMP, dpi=(300.0, 300.0))
    data = encode_picture(without_metadata(picture), format)
    assert read_picture(data).metadata == {"icc_profile": SRGB}
    assert b"GPS" not in data and b"camera" not in data and b"xmp" not in data


@pytest.mark.parametrize("tag", [256, 266, 284, 322, 325, 338, 339])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_data_do_not_change_the_layout_of_a_tiff(tag, dtype):
    exif = Image.Exif()
    exif[tag], exif[0x010E] = 2, "described"
    picture = _picture(dtype=dtype, exif=exif.tobytes())
    again = read_picture(encode_picture(picture, "tiff"))
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert b"described" in again.metadata["exif"]


@pytest.mark.parametrize("format", ["png", "webp", "tiff", "jpeg", "avif"])
def test_a_picture_restored_in_place_is_recognised(format):
    picture = _picture(exif=_exif())
    assert not is_marked(read_picture(encode_picture(picture, format)))
    again = read_picture(encode_picture(mark(picture), format))
    assert is_marked(again) and b"camera" in again.metadata["exif"]
    assert is_marked(read_picture(encode_picture(mark(_picture()), format)))


def test_metadata_too_long_for_jpeg_are_dropped_with_a_warning():
    long = {"xmp": XMP + b" " * 70_000, "exif": b"Exif\0\0" + b" " * 70_000}
    notes = []
    data = encode_picture(_picture(dpi=(1e5, 1e5), **long), "jpeg", notes=notes)
    assert read_picture(data).metadata == {}
    assert [note.split()[1] for note in notes] == ["EXIF", "XMP", "resolution"]


@pytest.mark.parametrize("format", ["png", "webp", "tiff", "jpeg", "avif"])
def test_the_same_picture_gives_the_same_bytes(format):
    picture = _picture(icc_profile=SRGB, exif=_exif(), xmp=XMP, dpi=(300.0, 300.0))
    assert encode_picture(picture, format) == encode_picture(picture, format)


@pytest.mark.parametrize("format", ["png", "tiff"])
def test_other_readers_open_sixteen_bits(format):
    import cv2

    picture = _picture(dtype=np.uint16, exif=_exif())
    data = np.frombuffer(encode_picture(picture, format), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded[..., ::-1], picture.pixels)


def test_jpeg_of_alpha_is_refused():
    with pytest.raises(ValueError, match="JPEG has no alpha"):
        encode_picture(_picture(has_alpha=True), "jpeg")


@pytest.mark.parametrize("format", ["webp", "jpeg"])
def test_sixteen_bits_are_refused_where_there_are_eight(format):
    with pytest.raises(ValueError, match="no 16 bits"):
        encode_picture(_picture(dtype=np.uint16), format)


def test_a_side_too_long_is_refused():
    with pytest.raises(ValueError, match="at most 16383"):
        encode_picture(Picture(np.zeros((1, 16384), np.uint8)), "webp")
    encode_picture(Picture(np.zeros((1, 65500), np.uint8)), "jpeg")
    with pytest.raises(ValueError, match="at most 65500"):
        encode_picture(Picture(np.zeros((1, 65501), np.uint8)), "jpeg")


def test_unknown_formats_are_refused():
    with pytest.raises(ValueError, match="png, webp, tiff, jpeg, avif or jxl"):
        encode_picture(_picture(), "gif")
    with pytest.raises(ValueError, match="suffix"):
        output_format(".gif")


def test_suffixes():
    suffixes = [".png", ".WEBP", ".tif", ".tiff", ".JPG", ".jpeg", ".avif", ".jxl"]
    formats = [output_format(suffix) for suffix in suffixes]
    assert formats == ["png", "webp", "tiff", "tiff", "jpeg", "jpeg", "avif", "jxl"]


def _smooth(has_alpha=False):
    planes = [made_picture(96, 120, seed) for seed in range(4)]
    return Picture(np.stack(planes[:3], axis=-1), planes[3] if has_alpha else None)


def _need(format):
    if package := missing_package(format):
        pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "jxl"])
def test_a_lower_quality_makes_smaller_files_that_are_not_exact(format):
    _need(format)
    picture = _smooth(has_alpha=format != "jpeg")
    sizes, errors = [], []
    for quality in (40, 70, 95):
        data = encode_picture(picture, format, quality=quality)
        again = read_picture(data)
        assert again.format == format.upper() and again.warnings == []
        sizes.append(len(data))
        errors.append(np.abs(again.pixels - picture.pixels.astype(float)).mean())
        if format != "jpeg":
            assert np.abs(again.alpha - picture.alpha.astype(float)).mean() < 8
    assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True)
    assert 0 < errors[-1] < 6
    with pytest.raises(ValueError, match="quality of 1 to 100, got 0"):
        encode_picture(picture, format, quality=0)


@pytest.mark.parametrize("kind", ["grey", "rgb"])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_jpeg_xl_without_a_quality_is_lossless(kind, has_alpha):
    _need("jxl")
    picture = _picture(kind, has_alpha=has_alpha)
    for quality in (None, 100):
        again = read_picture(encode_picture(picture, "jxl", quality=quality))
        np.testing.assert_array_equal(again.pixels, picture.pixels)
        if has_alpha:
            np.testing.assert_array_equal(again.alpha, picture.alpha)


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "jxl"])
@pytest.mark.parametrize("size", [(1, 1), (1, 64), (17, 2)])
def test_the_smallest_pictures_have_lossy_results_too(format, size):
    _need(format)
    for shape in (size, (*size, 3)):
        picture = Picture(np.full(shape, 90, np.uint8))
        for quality in (1, 99, 100):
            data = encode_picture(picture, format, quality=quality)
            assert read_picture(data).pixels.shape[:2] == size


def _with_red_for_green(profile):
    swapped = bytearray(profile)
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(swapped)


@pytest.mark.parametrize("has_alpha", [False, True])
def test_colours_by_another_profile_become_srgb_in_jpeg_xl(has_alpha):
    _need("jxl")
    notes = []
    picture = _picture(has_alpha=has_alpha, icc_profile=SRGB)
    again = read_picture(encode_picture(picture, "jxl", notes=notes))
    assert notes == []
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    picture.metadata["icc_profile"] = _with_red_for_green(SRGB)
    again = read_picture(encode_picture(picture, "jxl", notes=notes))
    assert notes == ["the colour profile: colours become sRGB in jxl"]
    expected = picture.pixels[..., [1, 0, 2]].astype(int)
    assert np.abs(again.pixels - expected).max() <= 2
    if has_alpha:
        np.testing.assert_array_equal(again.alpha, picture.alpha)


def _grey_profile(gamma):
    """An ICC profile of one channel, as its specification has them."""
    white = b"XYZ " + bytes(4) + struct.pack(">3l", 63190, 65536, 54061)
    curve = b"curv" + bytes(4) + struct.pack(">LH", 1, round(256 * gamma)) + bytes(2)
    name = b"desc" + bytes(4) + struct.pack(">L", 5) + b"grey\0" + bytes(79)
    text = b"text" + bytes(4) + b"none" + bytes(4)
    start, table, body = 128 + 4 + 4 * 12, b"", b""
    for kind, value in ((b"wtpt", white), (b"kTRC", curve), (b"desc", name)):
        table += kind + struct.pack(">LL", start + len(body), len(value))
        body += value
    table += b"cprt" + struct.pack(">LL", start + len(body), len(text))
    body += text
    size = struct.pack(">L", start + len(body))
    header = size + b"lcms\2\x10\0\0mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3l", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">L", 4) + table + body


def test_grey_by_another_profile_becomes_srgb_in_jpeg_xl():
    _need("jxl")
    notes = []
    picture = _picture("grey", icc_profile=_grey_profile(1.5))
    again = read_picture(encode_picture(picture, "jxl", notes=notes))
    assert notes == ["the colour profile: colours become sRGB in jxl"]
    linear = (picture.pixels / 255) ** 1.5
    curved = np.where(
        linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    assert np.abs(again.pixels - np.round(255 * curved)[..., None]).max() <= 2


@pytest.mark.parametrize("format", ["jpeg", "avif"])
def test_chroma_may_be_of_half_the_size(format):
    _need(format)
    picture = _smooth()
    small = encode_picture(picture, format, subsampling=420)
    assert len(small) < 0.9 * len(encode_picture(picture, format))
    if format == "jpeg":
        assert read_picture(small).jpeg.subsampling == "4:2:0"
    with pytest.raises(ValueError, match="subsampling of 444 or 420, got 422"):
        encode_picture(picture, format, subsampling=422)


@pytest.mark.parametrize("mode", ["PNG of a palette", "transparent colour", "alphas"])
def test_a_png_of_few_colours_has_its_palette_again(mode):
    indices = np.random.default_rng(0).integers(0, 200, (90, 110), np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(np.random.default_rng(1).bytes(3 * 256))
    more = {"transparent colour": {"transparency": 7}, "alphas": {}}
    if mode == "alphas":
        more[mode] = {"transparency": bytes(range(200))}
    buffer = io.BytesIO()
    image.save(buffer, "PNG", icc_profile=SRGB, **more.get(mode, {}))
    picture = read_picture(buffer.getvalue())
    data = encode_picture(picture, "png")
    again = read_picture(data)
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    if mode == "PNG of a palette":
        assert again.alpha is None
    else:
        np.testing.assert_array_equal(again.alpha, picture.alpha)
    assert Image.open(io.BytesIO(data)).mode == "P"
    assert again.metadata["icc_profile"] == SRGB
    assert len(data) < 1.1 * len(buffer.getvalue())
    # What is not exact in 256 colours is written in full.
    many = encode_picture(picture.with_pixels(_picture_like(picture.pixels)), "png")
    assert Image.open(io.BytesIO(many)).mode == (
        "RGB" if again.alpha is None else "RGBA"
    )


def _picture_like(pixels):
    return np.random.default_rng(2).integers(0, 256, pixels.shape).astype(np.uint8)
