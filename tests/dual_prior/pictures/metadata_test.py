"""Metadata in each format: the table of docs/metadata.md, and its promises."""

import contextlib
import io
import re
import struct

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pyexiv2
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from dual_prior.jpeg.header import segments
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.exif import (
    ASCII,
    EXIF,
    GPS,
    LONG,
    MAKER_NOTE,
    ORIENTATION,
    RATIONAL,
    SHORT,
    UNDEFINED,
    ExifBlock,
    Tag,
    directory,
)
from dual_prior.pictures.formats import missing_package
from dual_prior.pictures.metadata import is_marked, losses, mark, without_metadata
from dual_prior.pictures.photoshop import captions, resource
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.reader import read_picture
from dual_prior.pictures.writer import encode_picture
from tests.conftest import ROOT, made_picture

pyexiv2.set_log_level(4)  # odd files are intended

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FORMATS = [
    format
    for format in ("png", "jpeg", "webp", "tiff", "avif", "jxl")
    if missing_package(format) is None
]
FILM = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 9
IPTC = b"\x1c\x02\x78\0\7a fish!"  # the caption


def _jpeg(seed=0, **arguments):
    planes = [made_picture(40, 56, seed + plane) for plane in range(3)]
    buffer = io.BytesIO()
    Image.fromarray(np.stack(planes, -1)).save(buffer, "JPEG", **arguments)
    return buffer.getvalue()


def _segment(marker, body):
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def _with_segment(jpeg, marker, body):
    return jpeg[:2] + _segment(marker, body) + jpeg[2:]


def _end(jpeg):
    """Where the first picture of a file ends."""
    return list(segments(jpeg))[-1].end


def _block(order="<", orientation=1, extra=()):
    """EXIF data with a camera's notes that point into them, as Canon's do."""

    def number(kind, *values):
        code = {SHORT: "H", LONG: "L", RATIONAL: "L"}[kind]
        return struct.pack(f"{order}{len(values)}{code}", *values)

    body = bytearray((b"II" if order == "<" else b"MM") + number(SHORT, 42) + bytes(4))
    note_at = len(body)
    note = [Tag(6, ASCII, b"IMG:a made one\0"), Tag(9, ASCII, b"an owner\0")]
    body += directory(note, order, note_at, {})
    size = len(body) - note_at
    record = struct.pack(f"{order}HHLL", MAKER_NOTE, UNDEFINED, size, note_at)
    camera_at = len(body)
    camera = [
        Tag(0x829A, RATIONAL, number(RATIONAL, 1, 60)),
        Tag(0x9286, UNDEFINED, b"ASCII\0\0\0a comment"),
        Tag(0xA002, LONG, number(LONG, 56)),
        Tag(0xA003, LONG, number(LONG, 40)),
    ]
    body += directory(camera, order, camera_at, {MAKER_NOTE: record})
    gps_at = len(body)
    gps = [
        Tag(1, ASCII, b"N\0"),
        Tag(2, RATIONAL, number(RATIONAL, 47, 1, 22, 1, 7, 2)),
    ]
    body += directory(gps, order, gps_at, {})
    first = [
        Tag(0x010F, ASCII, b"Canon\0"),
        Tag(0x0110, ASCII, b"Canon EOS\0"),
        Tag(ORIENTATION, SHORT, number(SHORT, orientation)),
        Tag(0x013B, ASCII, "José Müller\0".encode()),
        Tag(EXIF, LONG, number(LONG, camera_at)),
        Tag(GPS, LONG, number(LONG, gps_at)),
    ]
    instead = {tag.tag for tag in extra}
    first = [*extra, *(tag for tag in first if tag.tag not in instead)]
    body[4:8] = number(LONG, len(body))
    body += directory(first, order, len(body), {})
    return b"Exif\0\0" + body


def _seen(data):
    """The EXIF data as exiv2 reads them, without the layout tags of a TIFF."""
    with pyexiv2.ImageData(data) as image:
        tags = image.read_exif()
    stored = re.compile(
        r"Exif\.Image\.(0x0|Image(Width|Length)$|Bits|Compr|Photom|Strip|Samples|Rows|"
        r"Predictor|ExtraSamples|ExifTag|GPSTag|InterColor|XMLPacket|ImageRes|IPTC|"
        r"Orientation|[XY]Resolution|ResolutionUnit)|MakerNote\.|Exif\.Photo\.MakerNote"
    )
    return {key: value for key, value in tags.items() if not stored.match(key)}


def _again(picture, format):
    return read_picture(encode_picture(picture, format))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("format", FORMATS)
def test_exiv2_sees_the_same_tags_before_and_after(format, order):
    jpeg = _jpeg(exif=_block(order))
    before = _seen(jpeg)
    assert before["Exif.Canon.ImageType"] == "IMG:a made one"
    assert before["Exif.Photo.UserComment"].endswith("a comment")
    result = encode_picture(read_picture(jpeg), format)
    assert _seen(result) == before
    # The result of a result, too: of a TIFF the block has to be put together.
    assert _seen(encode_picture(read_picture(result), "jpeg")) == before


def test_a_block_that_needs_no_change_is_the_same_byte_for_byte():
    block = _block()
    assert read_picture(_jpeg(exif=block)).metadata["exif"] == block


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_turn_changes_orientation_and_sizes_and_nothing_else(order):
    picture = read_picture(_jpeg(exif=_block(order, orientation=6)))
    assert picture.pixels.shape == (56, 40, 3) and picture.losses == []
    before, after = (
        _seen(_jpeg(exif=_block(order))),
        _seen(encode_picture(picture, "jpeg")),
    )
    sizes = ("Exif.Photo.PixelXDimension", "Exif.Photo.PixelYDimension")
    assert [after.pop(size) for size in sizes] == ["40", "56"]
    assert [before.pop(size) for size in sizes] == ["56", "40"]
    assert after == before
    assert ExifBlock(picture.metadata["exif"]).orientation == 1


@pytest.mark.parametrize("kind", [1, 3, 4, 9])
@pytest.mark.parametrize("order", ["<", ">"])
def test_one_odd_tag_does_not_cost_the_orientation(order, kind):
    code = {1: "B", 3: "H", 4: "L", 9: "l"}[kind]
    odd = [
        Tag(0x0128, 1, b"\2"),  # the unit of the resolution as a byte
        Tag(ORIENTATION, kind, struct.pack(f"{order}{code}", 8)),
    ]
    block = bytearray(_block(order, extra=odd))
    entry = ExifBlock(bytes(block)).find(0x0110)  # which points to its text elsewhere
    struct.pack_into(f"{order}L", block, 6 + entry.at + 8, 1_000_000)
    picture = read_picture(_jpeg(exif=bytes(block)))
    assert picture.pixels.shape == (56, 40, 3)
    assert picture.warnings == ["damaged EXIF tags were dropped (0x0110)"]
    seen = _seen(encode_picture(picture, "jpeg"))
    assert "Exif.Image.Model" not in seen
    assert seen["Exif.Image.Make"] == "Canon"


@pytest.mark.parametrize("stored", ['tiff:Orientation="6"', "<tiff:Orientation>6<"])
def test_the_orientation_may_be_in_xmp_only(stored):
    picture = read_picture(_jpeg(xmp=f"<x {stored}/></x>".encode()))
    assert picture.pixels.shape == (56, 40, 3)
    assert b"6" not in picture.metadata["xmp"]
    both = _jpeg(exif=_block(orientation=3), xmp=f"<x {stored}/></x>".encode())
    assert read_picture(both).pixels.shape == (40, 56, 3)  # EXIF goes before


@hypothesis.settings(derandomize=True, deadline=None, max_examples=50)
@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255))),
    st.sampled_from(FORMATS),
)
def test_any_exif_data_leave_a_picture_readable_and_marked(changes, format):
    block = bytearray(_block(orientation=6))
    for place, value in changes:
        block[6 + place % (len(block) - 6)] = value
    picture = read_picture(_jpeg(exif=bytes(block)))
    assert sorted(picture.pixels.shape) == [3, 40, 56]
    assert is_marked(_again(mark(picture, "1"), format))


TIFF = encode_picture(
    read_picture(_jpeg(exif=_block(), icc_profile=SRGB, comment=b"by hand")), "tiff"
)


@hypothesis.settings(derandomize=True, deadline=None, max_examples=100)
@hypothesis.given(st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 255))))
def test_any_tiff_gives_a_picture_or_an_error(changes):
    data = bytearray(TIFF)
    for place, value in changes:
        data[place % len(data)] = value
    with contextlib.suppress(PictureError):
        picture = read_picture(bytes(data), name="photo")
        assert _again(mark(picture), "tiff").pixels.shape == picture.pixels.shape


@pytest.mark.parametrize("format", FORMATS)
def test_a_result_names_the_software_that_made_it(format):
    picture = mark(read_picture(_jpeg(exif=_block())), "1.2, preset photo, strength 1")
    again = _again(mark(picture, "1.3, preset photo, strength 0.5"), format)
    text = ExifBlock(again.metadata["exif"]).text(0x000B)
    assert text == "dual-prior 1.3, preset photo, strength 0.5" and is_marked(again)
    seen = _seen(encode_picture(again, format))
    assert seen.pop("Exif.Image.ProcessingSoftware") == text
    assert seen == _seen(_jpeg(exif=_block()))
    assert not is_marked(_again(without_metadata(picture), format))


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Cam="http://ns.google.com/photos/1.0/camera/"
    xmlns:Container="http://ns.google.com/photos/1.0/container/"
    xmlns:Item="http://ns.google.com/photos/1.0/container/item/"
    xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"{attributes}>
   <Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""
ITEM = (
    '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{}" '
    'Item:Mime="{}" Item:Length="{}"/></rdf:li>'
)


def _followed(gain_map=b"", film=b"", **arguments):
    """A JPEG with a gain map and a film behind it, as telephones write them."""
    attributes = ' hdrgm:Version="1.0"' if gain_map else ""
    items = ITEM.format("Primary", "image/jpeg", 1234)
    if gain_map:
        items += ITEM.format("GainMap", "image/jpeg", len(gain_map))
    if film:
        attributes += ' Cam:MotionPhoto="1" Cam:MotionPhotoVersion="1"'
        items += ITEM.format("MotionPhoto", "video/mp4", len(film))
    xmp = XMP.format(attributes=attributes, items=items).encode()
    return _jpeg(xmp=xmp, **arguments) + gain_map + film


def _lengths(xmp):
    """The length of each part that a packet describes, by its purpose."""
    found = re.findall(rb'Semantic="(\w+)"[^>]*Length="(\d+)"', xmp)
    return {name.decode(): int(length) for name, length in found}


def test_data_after_a_picture_are_kept_byte_for_byte():
    gain_map = _jpeg(seed=7)
    source = _followed(gain_map, FILM)
    picture = read_picture(source)
    assert picture.warnings == losses(picture, "jpeg") == []
    result = encode_picture(picture, "jpeg", 60)
    assert result[_end(result) :] == gain_map + FILM
    xmp = Image.open(io.BytesIO(result)).info["xmp"]
    sizes = {"GainMap": len(gain_map), "MotionPhoto": len(FILM)}
    assert _lengths(xmp) == {"Primary": 0, **sizes}
    assert b'MotionPhoto="1"' in xmp and b'hdrgm:Version="1.0"' in xmp
    assert encode_picture(read_picture(result), "jpeg", 60)[_end(result) :] == (
        gain_map + FILM
    )


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"jpeg"}))
def test_descriptions_of_dropped_data_are_dropped(format):
    picture = read_picture(_followed(_jpeg(seed=7), FILM))
    (lost,) = losses(picture, format)
    assert "gain map" in lost and "film" in lost and format in lost
    data = encode_picture(picture, format)
    assert FILM not in data
    xmp = read_picture(data).metadata["xmp"]
    assert b'xmp:Rating="4"' in xmp
    for gone in (b"MotionPhoto", b"hdrgm:Version", b"Container:Item"):
        assert gone not in xmp


def test_of_a_turned_picture_the_film_stays_and_the_gain_map_goes():
    picture = read_picture(_followed(_jpeg(seed=7), FILM, exif=_block(orientation=6)))
    assert picture.losses == [
        "the gain map (Ultra HDR) was dropped: the picture was turned"
    ]
    result = encode_picture(picture, "jpeg")
    assert result[_end(result) :] == FILM
    xmp = read_picture(result).metadata["xmp"]
    assert _lengths(xmp) == {"Primary": 0, "MotionPhoto": len(FILM)}
    assert b"hdrgm:Version" not in xmp


def test_the_description_of_a_missing_film_is_dropped():
    source = _followed(film=FILM)
    picture = read_picture(source[: -len(FILM)])
    assert "no film" in picture.warnings[0] and picture.losses == []
    assert b"MotionPhoto" not in picture.metadata["xmp"]


def test_an_older_motion_photo_counts_from_the_end():
    xmp = b'<x GCamera:MicroVideo="1" GCamera:MicroVideoOffset="%d"></x>' % len(FILM)
    picture = read_picture(_jpeg(xmp=xmp) + FILM)
    result = encode_picture(picture, "jpeg")
    assert result.endswith(FILM) and xmp in result
    assert b"MicroVideo" not in encode_picture(picture, "png")


def test_the_index_of_several_pictures_leads_to_them_afterwards():
    frames = [Image.fromarray(made_picture(40, 56, seed)) for seed in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "MPO", save_all=True, append_images=frames[1:], quality=95)
    picture = read_picture(buffer.getvalue())
    assert len(picture.warnings) == 1 and "only the first" in picture.warnings[0]
    data = encode_picture(mark(picture, "x" * 99), "jpeg", 30)
    with Image.open(buffer) as before, Image.open(io.BytesIO(data)) as after:
        assert (after.format, after.n_frames) == ("MPO", 3)
        for frame in (1, 2):
            before.seek(frame)
            after.seek(frame)
            np.testing.assert_array_equal(np.asarray(after), np.asarray(before))
    assert "other pictures" in losses(picture, "png")[0]


def test_an_index_that_leads_nowhere_is_dropped():
    buffer = io.BytesIO()
    frame = Image.fromarray(made_picture(40, 56))
    frame.save(buffer, "MPO", save_all=True, append_images=[frame])
    data = bytearray(buffer.getvalue())
    index = data.index(b"MPF\0") + 4
    entries = ExifBlock(data[index : index + 200]).find(0xB002)
    place = index + int.from_bytes(data[index + entries.at + 8 :][:4], "little")
    data[place + 16 + 8 : place + 16 + 12] = b"\xff\xff\xff\x00"
    picture = read_picture(bytes(data))
    assert "index" in picture.losses[0] and "mpf" not in picture.metadata


def test_unknown_application_data_are_kept_and_signatures_dropped():
    data = _with_segment(_jpeg(), 0xE4, b"a maker's own")
    data = _with_segment(data, 0xEB, b"JP" + bytes(20))
    picture = read_picture(data)
    assert len(picture.losses) == 1 and "C2PA" in picture.losses[0]
    result = encode_picture(picture, "jpeg")
    assert b"a maker's own" in result and b"JP" + bytes(20) not in result
    assert "application data" in losses(picture, "png")[1]


PATH = resource(2000, bytes(26))


@pytest.mark.parametrize("format", ["jpeg", "tiff"])
def test_captions_are_carried(format):
    photoshop = resource(0x0404, IPTC) + resource(0x040C, b"a thumbnail") + PATH
    data = _with_segment(_jpeg(), 0xED, b"Photoshop 3.0\0" + photoshop)
    picture = read_picture(data)
    assert picture.warnings == losses(picture, format) == []
    result = encode_picture(picture, format)
    again = read_picture(result)
    assert captions(again.metadata["photoshop"]) == IPTC
    assert PATH in again.metadata["photoshop"] and b"a thumbnail" not in result
    with pyexiv2.ImageData(result) as image:
        assert image.read_iptc() == {"Iptc.Application2.Caption": "a fish!"}
    for other in set(FORMATS) - {"jpeg", "tiff"}:
        lost = losses(picture, other)
        assert "IPTC" in lost[0] and "paths" in lost[1] and len(lost) == 2


def test_long_captions_take_several_segments():
    photoshop = resource(0x0404, IPTC) + resource(0x0FA0, bytes(150_000))
    picture = Picture(made_picture(), metadata={"photoshop": photoshop})
    assert _again(picture, "jpeg").metadata["photoshop"] == photoshop


def test_turning_drops_the_clipping_paths_with_a_warning():
    data = _jpeg(exif=_block(orientation=6))
    data = _with_segment(data, 0xED, b"Photoshop 3.0\0" + PATH)
    picture = read_picture(data)
    assert "clipping paths" in picture.losses[0]
    assert "photoshop" not in picture.metadata


def test_captions_of_a_tiff_are_carried():
    buffer = io.BytesIO()
    Image.fromarray(made_picture()).save(buffer, "TIFF", tiffinfo={33723: IPTC})
    picture = read_picture(buffer.getvalue())
    assert picture.warnings == []
    for format in ("jpeg", "tiff"):
        with pyexiv2.ImageData(encode_picture(picture, format)) as image:
            assert image.read_iptc() == {"Iptc.Application2.Caption": "a fish!"}


FACES = b"""<x xmlns:r="http://www.metadataworkinggroup.com/schemas/regions/">
<r:Regions rdf:parseType="Resource"><rdf:li r:Name="Ann"/></r:Regions></x>"""


def test_the_places_of_faces_stay_unless_the_picture_is_turned():
    assert read_picture(_jpeg(xmp=FACES)).metadata["xmp"] == FACES
    picture = read_picture(_jpeg(xmp=FACES, exif=_block(orientation=6)))
    assert b"Ann" not in picture.metadata["xmp"] and "faces" in picture.losses[0]


LONG_XMP = XMP.replace(
    "</rdf:Description>", '<dc:x xmlns:dc="urn:x">{long}</dc:x></rdf:Description>'
).format(attributes=' xmp:Label="red"', items="", long="word " * 30_000)


def test_long_xmp_is_divided_in_jpeg_and_one_elsewhere():
    picture = Picture(made_picture(), metadata={"xmp": LONG_XMP.encode()})
    assert losses(picture, "jpeg") == []
    jpeg = encode_picture(picture, "jpeg")
    main = Image.open(io.BytesIO(jpeg)).info["xmp"]
    assert b"red" in main and b"word word" not in main
    again = read_picture(jpeg)
    assert again.warnings == [] and b"word word" in again.metadata["extended_xmp"]
    twice = encode_picture(again, "jpeg")
    assert read_picture(twice).metadata == again.metadata
    for format in set(FORMATS) - {"jpeg"}:
        assert losses(again, format) == []
        xmp = _again(again, format).metadata["xmp"]
        assert b"word word" in xmp and b"red" in xmp
        assert b"HasExtendedXMP" not in xmp


def test_a_pointer_to_extended_xmp_that_is_not_there_goes():
    xmp = b'<x xmpNote:HasExtendedXMP="%s" a="b"></x>' % (b"0" * 32)
    picture = read_picture(_jpeg(xmp=xmp))
    assert picture.metadata["xmp"] == b'<x a="b"></x>'
    assert "extended XMP" in picture.warnings[0]


def test_a_turned_tiff_has_its_sizes_swapped_and_loses_its_paths():
    buffer = io.BytesIO()
    tags = {ORIENTATION: 6, 34377: PATH, EXIF: {0xA002: 56, 0xA003: 40}}
    Image.fromarray(made_picture(40, 56)).save(buffer, "TIFF", tiffinfo=tags)
    picture = read_picture(buffer.getvalue())
    assert picture.pixels.shape == (56, 40)
    assert "clipping paths" in picture.losses[0]
    camera = ExifBlock(picture.metadata["exif"])
    at = camera.pointers()[EXIF]
    sizes = [camera.integers(camera.find(tag, at)) for tag in (0xA002, 0xA003)]
    assert sizes == [(40,), (56,)]


def test_the_orientation_in_xmp_counts_where_the_exif_data_are_broken():
    xmp = b'<x tiff:Orientation="6"></x>'
    picture = read_picture(_jpeg(exif=b"Exif\0\0II*\0\xff\xff\xff\xff", xmp=xmp))
    assert picture.pixels.shape == (56, 40, 3) and "EXIF" in picture.losses[0]


def test_several_comments_are_kept():
    data = _with_segment(_jpeg(comment=b"the last"), 0xFE, b"the first")
    result = encode_picture(read_picture(data), "jpeg")
    assert b"the first" in result and b"the last" in result


@pytest.mark.parametrize("comment", ["by hand, für Éva".encode(), b"\xe9t\xe9"])
def test_comments_are_carried_where_they_have_a_place(comment):
    picture = read_picture(_jpeg(comment=comment))
    assert _again(picture, "jpeg").metadata == {"comment": comment}
    text = comment if comment[0] < 128 else "été".encode()
    image = Image.open(io.BytesIO(encode_picture(picture, "png")))
    image.load()
    assert image.text["Comment"].encode() == text
    tiff = _again(picture, "tiff")
    block = ExifBlock(tiff.metadata["exif"])
    assert block.value(block.find(0x010E)) == comment + b"\0"
    assert "comment" in losses(picture, "webp")[0]


def _carriers():
    """A source of each row of the table, and what shows that a file still has it."""

    def has(key, value):
        return lambda data: read_picture(data).metadata.get(key) == value

    def contains(*parts):
        return lambda data: all(part in data for part in parts)

    def says(word):
        return lambda data: (
            word
            in (
                read_picture(data).metadata.get("xmp", b"")
                + read_picture(data).metadata.get("extended_xmp", b"")
            )
        )

    buffer = io.BytesIO()
    frame = Image.fromarray(made_picture(40, 56))
    frame.save(buffer, "MPO", save_all=True, append_images=[frame])
    png = io.BytesIO()
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "a fish")
    frame.save(png, "PNG", pnginfo=text)
    captioned = b"Photoshop 3.0\0" + resource(0x0404, IPTC)
    kept = read_picture(_jpeg(exif=_block()))
    wide = Picture(
        made_picture(), metadata={"png_chunks": [(b"cICP", b"\x0c\x0d\0\1")]}
    )
    long_xmp = Picture(made_picture(), metadata={"xmp": LONG_XMP.encode()})
    gain_map = _jpeg(seed=7)
    return {
        "colour profile": (_jpeg(icc_profile=SRGB), has("icc_profile", SRGB)),
        "EXIF,": (
            _jpeg(exif=_block()),
            lambda data: _seen(data) == _seen(_jpeg(exif=_block())),
        ),
        "XMP": (_jpeg(xmp=b"<x a='b'/>"), contains(b"<x a='b'/>")),
        "XMP beyond": (long_xmp, says(b"word " * 30_000)),
        "captions": (_with_segment(_jpeg(), 0xED, captioned), contains(IPTC)),
        "resolution": (
            _jpeg(dpi=(300, 300)),
            lambda data: "dpi" in read_picture(data).metadata,
        ),
        "comment": (_jpeg(comment=b"by hand"), contains(b"by hand")),
        "texts": (png.getvalue(), contains(b"a fish")),
        "colour space": (wide, contains(b"cICP")),
        "gain map": (_followed(gain_map), contains(gain_map, b"hdrgm:Version")),
        "film": (_followed(film=FILM), contains(FILM, b"MotionPhoto")),
        "further": (buffer.getvalue(), contains(b"MPF\0")),
        "application": (_with_segment(_jpeg(), 0xE4, b"my own"), contains(b"my own")),
        "mark": (mark(kept, "1.0"), lambda data: is_marked(read_picture(data))),
    }


def test_the_table_of_kept_metadata_is_true():
    lines = (ROOT / "docs" / "metadata.md").read_text().splitlines()
    table = [line[1:-1].split("|") for line in lines if line.startswith("| ")]
    (_, *formats), *rows = ([cell.strip() for cell in row] for row in table)
    carriers = _carriers()
    assert len(rows) == len(carriers)
    for (title, *cells), (start, (source, is_there)) in zip(
        rows, carriers.items(), strict=True
    ):
        assert title.startswith(start)
        picture = read_picture(source) if isinstance(source, bytes) else source
        for column, cell in zip(formats, cells, strict=True):
            format = {"JPEG XL": "jxl"}.get(column, column.lower())
            if format not in FORMATS:
                continue
            data = encode_picture(picture, format)
            found = is_there(data), bool(losses(picture, format))
            expected = {"kept": (True, False), "lost": (False, True)}
            assert found == expected.get(cell.split(",")[0], (False, False)), (
                title,
                format,
            )
