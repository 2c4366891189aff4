"""What travels with a picture beside its pixels, fit for any format."""

import contextlib
import re

from PIL import Image

_ORIENTATION = 0x0112
_XMP_IN_TIFF = 700

# The pixels have been turned; what XMP says of them must say so, too.
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[2-8]")


def read_metadata(image: Image.Image, notes: list[str]) -> dict:
    """The metadata of a picture that is going to be the right way up.

    Args:
        image: Decoded. Its orientation is taken away from it.
        notes: Takes a sentence for what had to be dropped.

    Returns:
        Of `icc_profile`, `exif` (without orientation and thumbnail) and `xmp`, bytes,
        and `dpi`, a pair of numbers, those that there are.
    """
    metadata = {}
    if profile := image.info.get("icc_profile"):
        metadata["icc_profile"] = profile
    dpi = image.info.get("dpi", ())
    # Files say 0 and infinity, too, and 1 where nothing is known.
    if len(dpi) == 2 and all(1 < value <= 1e6 for value in dpi):
        metadata["dpi"] = tuple(float(value) for value in dpi)
    try:
        exif = image.getexif()
        # What a TIFF has in its directory are not EXIF data but the picture's own tags.
        exif = _exif_of_tiff(exif) if image.format == "TIFF" else exif
        exif.pop(_ORIENTATION, None)
        if exif:
            metadata["exif"] = exif.tobytes()
    except Exception:  # broken EXIF data must not cost the picture
        notes.append("the EXIF data are damaged and were dropped")
    if xmp := _xmp(image):
        metadata["xmp"] = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    return metadata


def _xmp(image: Image.Image) -> bytes | None:
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if xmp is None:
        xmp = getattr(image, "tag_v2", {}).get(_XMP_IN_TIFF)
    if isinstance(xmp, str):
        with contextlib.suppress(UnicodeEncodeError):
            return xmp.encode()
    return xmp if isinstance(xmp, bytes) else None


# The tags of a TIFF that describe the photograph and not how its pixels are stored.
_DESCRIPTIVE = {
    *(0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298),
    *(0x8769, 0x8825),  # where the EXIF and the GPS directory are
}


def _exif_of_tiff(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag in _DESCRIPTIVE & set(exif):
        kept[tag] = exif.get_ifd(tag) if tag in (0x8769, 0x8825) else exif[tag]
    return kept
