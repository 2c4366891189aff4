import io

import numpy as np
import pytest
from PIL import Image

from dual_prior.pictures.crop import cropped
from dual_prior.pictures.exif import EXIF
from dual_prior.pictures.metadata import losses
from dual_prior.pictures.photoshop import resource
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.reader import read_picture
from dual_prior.pictures.writer import encode_picture
from tests.conftest import made_picture

IPTC = resource(0x0404, b"\x1c\x02\x78\0\7a fish!")
PATH = resource(2000, bytes(26))
XMP = b"""<x xmlns:r="http://www.metadataworkinggroup.com/schemas/regions/"
 tiff:ImageWidth="88" exif:PixelYDimension="72" xmp:Rating="4">
<exif:PixelXDimension>88</exif:PixelXDimension>%b</x>"""
FACES = b"<r:Regions><rdf:li r:Name='Ann'/></r:Regions>"


@pytest.mark.parametrize("has_alpha", [False, True])
def test_a_crop_on_the_grid_is_exactly_that(has_alpha):
    pixels = np.stack([made_picture(72, 88, seed) for seed in range(3)], axis=-1)
    whole = Picture(pixels, made_picture(72, 88, 4) if has_alpha else None)
    part = cropped(whole, 24, 16, 40, 8)
    np.testing.assert_array_equal(part.pixels, pixels[8:24, 40:64])
    if has_alpha:
        np.testing.assert_array_equal(part.alpha, whole.alpha[8:24, 40:64])
    assert part.warnings == [] and whole.pixels.shape == (72, 88, 3)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((10, 10, 13, 30), "16x16+8+24"),
        ((100, 100, 80, 64), "8x8+80+64"),
        ((999, 999, 0, 0), "88x72+0+0"),
    ],
)
def test_edges_move_outwards_onto_the_grid_with_a_warning(asked, found):
    part = cropped(Picture(made_picture(72, 88)), *asked)
    assert part.warnings == [f"cropped to {found}, on the grid of 8x8 blocks"]
    assert found.startswith("{1}x{0}+".format(*part.pixels.shape))


def test_an_incomplete_last_block_is_allowed():
    part = cropped(Picture(made_picture(75, 91)), 11, 11, 80, 64)
    assert part.pixels.shape == (11, 11) and part.warnings == []


@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_a_part_knows_the_tables_of_the_whole(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image = Image.fromarray(np.stack([made_picture(75, 91)] * 3, axis=-1))
    image.save(buffer, "JPEG", quality=30, exif=exif)
    whole = read_picture(buffer.getvalue())
    planes = whole.tables.planes(*whole.pixels.shape[:2])
    part = cropped(whole, 24, 16, 8, 32)
    assert np.ptp(planes) > 0
    np.testing.assert_array_equal(part.tables.planes(16, 24), planes[32:48, 8:32])


@pytest.mark.parametrize("left, top", [(88, 0), (0, 72)])
def test_outside_of_the_picture_there_is_nothing(left, top):
    with pytest.raises(ValueError, match="outside of its 88x72 pixels"):
        cropped(Picture(made_picture(72, 88)), 8, 8, left, top)


def test_sizes_in_the_metadata_follow_and_the_rest_stays():
    exif = Image.Exif()
    exif[0x0100], exif[0x0101], exif[0x010F] = 88, 72, "a camera"
    exif.get_ifd(EXIF).update({0xA002: 88, 0xA003: 72, 0x829A: 0.01})
    metadata = {
        "exif": exif.tobytes(),
        "xmp": XMP % FACES,
        "photoshop": IPTC + PATH,
        "comment": b"by hand",
    }
    part = cropped(Picture(made_picture(72, 88), metadata=metadata), 24, 16, 40, 8)
    again = Image.Exif()
    again.load(part.metadata["exif"])
    camera = again.get_ifd(EXIF)
    sizes = again[0x0100], again[0x0101], camera[0xA002], camera[0xA003]
    assert sizes == (24, 16, 24, 16)
    assert again[0x010F] == "a camera" and camera[0x829A] == pytest.approx(0.01)
    xmp = part.metadata["xmp"]
    assert b"Rating" in xmp and not any(
        gone in xmp for gone in (b"Ann", b"ImageWidth", b"Dimension")
    )
    assert part.metadata["photoshop"] == IPTC
    assert part.metadata["comment"] == b"by hand"
    assert [loss.split(" (")[0] for loss in part.losses] == [
        "the places of faces",
        "the clipping paths were dropped: the picture was cropped",
    ]
    assert metadata["xmp"] == XMP % FACES  # the whole is as it was


def test_other_pictures_in_the_file_do_not_fit_a_part():
    frames = [Image.fromarray(made_picture(40, 56, seed)) for seed in range(2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "MPO", save_all=True, append_images=frames[1:])
    part = cropped(read_picture(buffer.getvalue()), 16, 16, 8, 8)
    assert part.losses == [
        "other pictures in the file were dropped: the picture was cropped"
    ]
    data = encode_picture(part, "jpeg")
    assert data.endswith(b"\xff\xd9") and b"MPF\0" not in data
    assert losses(part, "png") == part.losses
    assert read_picture(data).pixels.shape == (16, 16)
