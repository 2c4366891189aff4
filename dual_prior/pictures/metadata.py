"""What comes with the pixels in a file: profile, EXIF, XMP, resolution."""

import dataclasses
import io
import re
from numbers import Real

from PIL import Image, ImageCms
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import TiffImageFile

from dual_prior.pictures.picture import Picture

# What a segment of a JPEG file takes, bytes.
MAX_JPEG_EXIF = 65533

_ORIENTATION, _X_RESOLUTION = 0x0112, 0x011A
# What Pillow wants of EXIF data before it takes a resolution from them.
_WANTED_OF_RESOLUTION = {_X_RESOLUTION, 0x0128}
_MAKER_NOTE = 0x927C
_IPTC = 0x0404  # among what Photoshop stores
_IPTC_OF_TIFF = 0x83BB
_SIZE = (0xA002, 0xA003)  # width, height
# Of sRGB, as PNG says it: the gamma, and white, red, green and blue as (x, y).
_SRGB_GAMMA = 1 / 2.2
_SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
# Among the EXIF tags TIFF keeps its layout; these are the ones about the picture.
_PROCESSING_SOFTWARE = 0x000B
DESCRIPTIVE_TAGS = {
    _PROCESSING_SOFTWARE,
    *(0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C),
    *(0x4746, 0x4749, 0x8298, IFD.Exif, IFD.GPSInfo),
    *range(0x9C9B, 0x9CA0),  # Windows' title, comment, author, keywords, subject
}
_MARK = "dual-prior"
_JPEG_START = b"\xff\xd8\xff"
_XMP_ORIENTATION = re.compile(
    rb"(tiff:Orientation\s*=\s*[\"']|<tiff:Orientation>\s*)[0-9]+"
)
_XMP_THUMBNAILS = re.compile(rb"<(xmp|xap):Thumbnails\b")
_XMP_GAIN_MAP = re.compile(rb"\shdrgm:Version\s*=\s*[\"'][^\"'<>]{0,16}[\"']")


def read_metadata(image: Image.Image, notes: list[str]) -> tuple[dict, int]:
    """What a file says besides its pixels.

    Nothing of it is needed to show the picture, so that nothing broken raises: it is
    left out, with a sentence in `notes`.

    Args:
        image: As Pillow reads it, after loading.
        notes: Takes a sentence for each part that is dropped.

    Returns:
        (`metadata` as in `Picture`, the EXIF orientation, 1 to 8).
    """
    metadata = {}
    if profile := image.info.get("icc_profile"):
        metadata["icc_profile"] = profile
    exif, orientation = _exif(image, notes)
    if exif:
        metadata["exif"] = exif
    xmp = image.info.get("xmp")
    if isinstance(xmp, bytes) and xmp:
        # The pixels are turned, and the thumbnail would show the old ones.
        xmp = _without_thumbnails(_XMP_ORIENTATION.sub(rb"\g<1>1", xmp))
        metadata["xmp"], has_gain_map = _XMP_GAIN_MAP.subn(b"", xmp)
        if has_gain_map:
            notes.append("the gain map (Ultra HDR) was dropped")
    photoshop = image.info.get("photoshop")
    if (isinstance(photoshop, dict) and _IPTC in photoshop) or (
        isinstance(image, TiffImageFile) and _IPTC_OF_TIFF in image.tag_v2
    ):
        notes.append("the IPTC data (captions) were dropped")
    if image.format == "PNG" and _is_calibrated(image.info):
        notes.append("the gamma and primaries (gAMA, cHRM) of the PNG were dropped")
    if image.format in ("JPEG", "MPO") and (comment := image.info.get("comment")):
        metadata["comment"] = bytes(comment)
    dpi = image.info.get("dpi", ())
    if isinstance(image, TiffImageFile) and _X_RESOLUTION not in image.tag_v2:
        dpi = ()  # Pillow's default of 1
    has_density = image.info.get("jfif_unit") in (1, 2)
    in_exif = exif is not None and set(image.getexif()) >= _WANTED_OF_RESOLUTION
    if image.format in ("JPEG", "MPO") and not has_density and not in_exif:
        dpi = ()  # its default of 72
    # Files say 0 and infinity, too.
    if len(dpi) == 2 and all(isinstance(v, Real) and 1 <= float(v) <= 1e6 for v in dpi):
        metadata["dpi"] = tuple(float(value) for value in dpi)
        if orientation > 4:
            metadata["dpi"] = metadata["dpi"][::-1]
    return metadata, orientation


def drop_unfit_profile(metadata: dict, is_grey: bool, notes: list[str]) -> None:
    """A profile stays only if it can be read and describes what the picture is now."""
    if "icc_profile" in metadata and (
        _space(metadata["icc_profile"]) != ("GRAY" if is_grey else "RGB")
    ):
        del metadata["icc_profile"]
        notes.append("the colour profile is damaged or does not fit and was dropped")


def without_metadata(picture: Picture) -> Picture:
    """The picture with its profile only, without which its colours would be others."""
    kept = {k: v for k, v in picture.metadata.items() if k == "icc_profile"}
    return dataclasses.replace(picture, metadata=kept)


def mark(picture: Picture) -> Picture:
    """The picture with EXIF data that say that it was restored: see `is_marked`.

    Raises:
        ValueError: They would be too long for a JPEG file. Without the mark the picture
            would be restored again and again.
    """
    exif = parsed_exif(picture.metadata)
    exif[_PROCESSING_SOFTWARE] = _MARK
    marked = exif.tobytes()
    if picture.format == "JPEG" and len(marked) > MAX_JPEG_EXIF:
        raise ValueError(
            "its EXIF data leave no room for the mark of what was restored in place; "
            "restore it into another file"
        )
    metadata = {**picture.metadata, "exif": marked}
    return dataclasses.replace(picture, metadata=metadata)


def is_marked(picture: Picture) -> bool:
    """Whether a picture was restored in place, where no name says so."""
    return parsed_exif(picture.metadata).get(_PROCESSING_SOFTWARE) == _MARK


class _Text(str):
    """A text of EXIF data, whose bytes are those that were read."""

    def encode(self, encoding=None, errors=None):
        return super().encode("latin-1")


def parsed_exif(metadata: dict) -> Image.Exif:
    """The EXIF data of `metadata` (as in `Picture`), which may be changed and written.

    None of their texts changes by that.
    """
    exif = Image.Exif()
    if data := metadata.get("exif"):
        exif.load(data)
    return _with_texts_as_read(exif)


def _with_texts_as_read(exif: Image.Exif) -> Image.Exif:
    """`exif`, changed so that what is written of its texts is what was read.

    Pillow reads each byte as a letter of Latin-1, whatever the encoding was, and writes
    a question mark for all that is not ASCII.
    """
    parts = [exif, *(exif.get_ifd(t) for t in (IFD.Exif, IFD.GPSInfo) if t in exif)]
    for part in parts:
        for tag, value in list(part.items()):
            if isinstance(value, str):
                part[tag] = _Text(value)
    return exif


def _without_thumbnails(xmp: bytes) -> bytes:
    """XMP without its thumbnails, in one pass whatever is in it."""
    kept, place = [], 0
    while start := _XMP_THUMBNAILS.search(xmp, place):
        closing = b"</" + start[1] + b":Thumbnails"
        at = xmp.find(closing, start.end())
        end = xmp.find(b">", at) if at >= 0 else -1
        if end < 0:
            break
        kept.append(xmp[place : start.start()])
        place = end + 1
    return b"".join([*kept, xmp[place:]])


def _exif(image: Image.Image, notes: list[str]) -> tuple[bytes | None, int]:
    try:
        exif = image.getexif()
        orientation = exif.pop(_ORIENTATION, 1)
        if image.format == "TIFF":
            for tag in set(exif) - DESCRIPTIVE_TAGS:
                del exif[tag]
        camera = exif.get_ifd(IFD.Exif) if IFD.Exif in exif else {}
        if orientation in (5, 6, 7, 8) and camera.keys() >= set(_SIZE):
            width, height = _SIZE  # of the pixels, which are turned
            camera[width], camera[height] = camera[height], camera[width]
        maker_note = camera.get(_MAKER_NOTE)
        if isinstance(maker_note, bytes) and _JPEG_START in maker_note:
            del camera[_MAKER_NOTE]
            notes.append("the camera's own notes held a preview and were dropped")
        # The thumbnail is in a directory of its own, which Pillow leaves out.
        data = _with_texts_as_read(exif).tobytes() if exif else None
    except Exception:  # Pillow raises nearly everything on broken EXIF data
        notes.append("the EXIF data are damaged and were dropped")
        return None, 1
    is_valid = isinstance(orientation, int) and 1 <= orientation <= 8
    return data, orientation if is_valid else 1


def _is_calibrated(info: dict) -> bool:
    """Whether the chunks of a PNG say that its colours are not those of sRGB."""
    if "icc_profile" in info or "srgb" in info:  # which go before
        return False
    said = (info.get("gamma"), *info.get("chromaticity", ()))
    of_srgb = (_SRGB_GAMMA, *_SRGB_PRIMARIES)
    return any(
        isinstance(a, Real) and abs(float(a) - b) > 1e-3  # None: nothing is said
        for a, b in zip(said, of_srgb, strict=False)
    )


def _space(profile: bytes) -> str | None:
    """What an ICC profile is for, as "RGB", or None for a broken one.

    One is broken if no transform can be made of it: its header alone may be whole.
    """
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        if mode := {"RGB": "RGB", "GRAY": "L"}.get(space):
            ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB")
        return space
    except Exception:  # Pillow raises nearly everything on broken profiles
        return None
