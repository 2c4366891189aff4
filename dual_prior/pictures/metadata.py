"""What comes with the pixels in a file: profile, EXIF, XMP, captions, resolution.

The table in docs/metadata.md says which format keeps which part.
"""

import dataclasses
import io
import struct
from numbers import Real

from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from dual_prior.pictures import xmp
from dual_prior.pictures.exif import (
    IMAGE_DESCRIPTION,
    PROCESSING_SOFTWARE,
    RESOLUTION_UNIT,
    X_RESOLUTION,
    ExifBlock,
    new_block,
)
from dual_prior.pictures.jpeg_parts import (
    MAX_BODY,
    XMP_HEADER,
    fitted,
    followers,
    odd_profile,
    read_parts,
)
from dual_prior.pictures.photoshop import captions, has_paths, kept_resources, resource
from dual_prior.pictures.picture import Notes, Picture
from dual_prior.pictures.png import COLOUR_CHUNKS, kept_chunks, text_chunk
from dual_prior.pictures.srgb import in_srgb
from dual_prior.pictures.tiff import CAPTIONS, DESCRIPTIVE, PHOTOSHOP, exif_of_tiff

_MAX_JPEG_DPI = 65535
_MAX_JPEG_XMP = MAX_BODY - len(XMP_HEADER)
# Of sRGB, as PNG stores it: the gamma, and white, red, green and blue as (x, y).
_SRGB_GAMMA = 1 / 2.2
_SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_SRGB_CICP = (b"\1\15\0\1", b"\1\1\0\1")  # its curve, and that of BT.709
_MARK = "dual-prior"
_PLAIN = ("webp", "avif", "jxl")  # no comments, no resolution
_BMP_PLACES = ((14, 4), (28, 2))  # of the header's size, and of the bits a pixel
# What TIFF files hold that is not carried, by a tag of it.
_LOST_OF_TIFF = {
    33550: "the GeoTIFF tags were",
    33922: "the GeoTIFF tags were",
    34735: "the GeoTIFF tags were",
    37724: "the layers (Photoshop) were",
}


def read_metadata(image: Image.Image, data: bytes, notes: Notes) -> tuple[dict, int]:
    """Reads the metadata of a file.

    The picture can be shown without them, so damaged parts do not raise: they are left
    out, with a sentence in `notes`.

    Args:
        image: As Pillow reads it, after loading.
        data: The file.
        notes: Takes a sentence for each part that is dropped.

    Returns:
        (`metadata` as in `Picture`, the orientation by which the pixels are to be
        turned, 1 to 8).
    """
    metadata: dict = {}
    is_jpeg = image.format == "JPEG"
    profile = image.info.get("icc_profile") or (is_jpeg and odd_profile(data))
    if profile:
        metadata["icc_profile"] = profile
    packet = image.info.get("xmp")
    packet = packet if isinstance(packet, bytes) else b""
    block, orientation = _exif(image, data, packet, notes)
    if block is not None:
        metadata["exif"] = block.tobytes()
    is_turned = orientation != 1
    if packet:
        metadata["xmp"] = packet = xmp.upright(packet)
        if is_turned:
            metadata["xmp"] = xmp.without_regions(packet)
            if metadata["xmp"] != packet:
                notes.lose(
                    "the places of faces (XMP) were dropped: the picture was turned"
                )
    if is_jpeg:
        metadata |= read_parts(data, is_turned, notes)
        fitted(metadata, "turned" if is_turned else None, notes)
        if "mpf" in metadata and not xmp.has_gain_map(metadata.get("xmp", b"")):
            notes.warn("only the first of several pictures in the file is restored")
        if comment := image.info.get("comment"):
            metadata["comment"] = bytes(comment)
    _connect(metadata, notes)
    if isinstance(image, TiffImageFile):
        _read_tiff(image, metadata, is_turned, notes)
    if image.format == "BMP":
        _read_bmp(data, metadata, notes)
    if image.format == "PNG" and (chunks := kept_chunks(data)):
        metadata["png_chunks"] = chunks
    dpi = image.info.get("dpi", ())
    if isinstance(image, TiffImageFile) and X_RESOLUTION not in image.tag_v2:
        dpi = ()  # Pillow's default of 1
    has_density = image.info.get("jfif_unit") in (1, 2)
    in_exif = block is not None and all(
        block.find(tag) is not None for tag in (X_RESOLUTION, RESOLUTION_UNIT)
    )
    if is_jpeg and not has_density and not in_exif:
        dpi = ()  # its default of 72
    # Some files say 0 or infinity.
    if len(dpi) == 2 and all(isinstance(v, Real) and 1 <= float(v) <= 1e6 for v in dpi):
        metadata["dpi"] = tuple(float(value) for value in dpi)
        if orientation > 4:
            metadata["dpi"] = metadata["dpi"][::-1]
    # Pillow has turned the pixels of a TIFF.
    return metadata, 1 if isinstance(image, TiffImageFile) else orientation


def drop_unfit_profile(metadata: dict, is_grey: bool, notes: Notes) -> None:
    """A profile stays only if it can be read and describes what the picture is now."""
    if "icc_profile" in metadata and (
        _space(metadata["icc_profile"]) != ("GRAY" if is_grey else "RGB")
    ):
        del metadata["icc_profile"]
        notes.lose("the colour profile is damaged or does not fit and was dropped")


def fitting(picture: Picture, format: str) -> tuple[dict, list[str]]:
    """A picture's metadata as a format holds them, and the parts that it cannot hold.

    Args:
        picture: The picture.
        format: As for `encode_picture`.

    Returns:
        (`metadata` as in `Picture`, a sentence for each loss).
    """
    metadata, lost = dict(picture.metadata), []
    extended = metadata.get("extended_xmp")
    if format != "jpeg":
        if after := followers(metadata):
            lost.append(f"{after}: not kept in {format}")
            if "xmp" in metadata:
                metadata["xmp"] = xmp.without_film(metadata["xmp"])
        if metadata.pop("segments", None):
            lost.append(f"application data of the JPEG: not kept in {format}")
        metadata.pop("extended_xmp", None)
        if extended:
            try:
                metadata["xmp"] = xmp.merged(metadata["xmp"], extended)
            except ValueError:
                metadata["xmp"] = xmp.without_pointer(metadata["xmp"])
                lost.append("the extended XMP data cannot be read: dropped")
        for key in ("trailer", "mpf"):
            metadata.pop(key, None)
    if format not in ("jpeg", "tiff") and (stored := metadata.pop("photoshop", b"")):
        if captions(stored):
            lost.append(f"the IPTC data (captions): not kept in {format}")
        if has_paths(stored):
            lost.append(f"the clipping paths: not kept in {format}")
    if format != "png":
        lost += _lost_of_png(metadata.pop("png_chunks", []), format)
    if comment := metadata.get("comment"):
        if format != "jpeg":
            del metadata["comment"]
        if format == "png":
            chunks = metadata.get("png_chunks", [])
            metadata["png_chunks"] = [*chunks, text_chunk("Comment", comment)]
        elif format == "tiff" and not _describe(metadata, comment):
            lost.append("the comment: not kept in tiff, which has a description")
        elif format in _PLAIN:
            lost.append(f"the comment: not kept in {format}")
    if format in _PLAIN:
        metadata.pop("dpi", None)
    profile = metadata.pop("icc_profile", None) if format == "jxl" else None
    if profile and in_srgb(picture.pixels, profile) is not picture.pixels:
        lost.append("the colour profile: colours become sRGB in jxl")
    if format == "jpeg":
        _fit_into_jpeg(metadata, lost)
    return metadata, lost


def losses(picture: Picture, format: str) -> list[str]:
    """Parts of the source that a result of a format lacks, a sentence each."""
    return [*picture.losses, *fitting(picture, format)[1]]


def without_metadata(picture: Picture) -> Picture:
    """The picture without metadata, except those that define its colours."""
    kept = {k: v for k, v in picture.metadata.items() if k == "icc_profile"}
    chunks = picture.metadata.get("png_chunks", [])
    if chunks := [chunk for chunk in chunks if chunk[0] in COLOUR_CHUNKS]:
        kept["png_chunks"] = chunks
    return dataclasses.replace(picture, metadata=kept)


def mark(picture: Picture, details: str = "", format: str | None = None) -> Picture:
    """The picture, marked as restored in its EXIF data: see `is_marked`.

    Args:
        picture: The picture.
        details: More of how, as "0.1.0, preset photo, strength 1".
        format: Of the result; by default that of the source.

    Raises:
        ValueError: The data would be too long for a JPEG file.
    """
    exif = picture.metadata.get("exif")
    block = ExifBlock(exif) if exif else new_block()
    block.set_text(PROCESSING_SOFTWARE, f"{_MARK} {details}".strip())
    marked = block.tobytes()
    if (format or picture.format).lower() == "jpeg" and len(marked) > MAX_BODY:
        raise ValueError("its EXIF data leave no room for the mark of a restoration")
    metadata = {**picture.metadata, "exif": marked}
    return dataclasses.replace(picture, metadata=metadata)


def is_marked(picture: Picture) -> bool:
    """Whether a picture is the result of a restoration."""
    exif = picture.metadata.get("exif")
    text = ExifBlock(exif).text(PROCESSING_SOFTWARE) if exif else None
    return text is not None and text.split(" ")[0] == _MARK


def _exif(
    image: Image.Image, data: bytes, packet: bytes, notes: Notes
) -> tuple[ExifBlock | None, int]:
    """The EXIF data, adapted to upright pixels, and the orientation of the file.

    The orientation is that of the file; Pillow turns the pixels of a TIFF by itself.
    """
    orientation = 0
    block: ExifBlock | None = None
    try:
        if data.startswith(b"II+\0"):  # BigTIFF
            if set(image.getexif()) & DESCRIPTIVE:
                notes.lose("the EXIF data of a BigTIFF were dropped")
        elif isinstance(image, TiffImageFile):
            orientation = ExifBlock(data).orientation or 1
            block, removed = exif_of_tiff(data)
        elif stored := _stored_exif(image):
            block = ExifBlock(stored)
            orientation = block.orientation or 0
            removed = block.remove_unsound()
        if image.format == "JXL" and not getattr(image, "jpeg", False):
            orientation = 1  # the decoder has turned the pixels
        if block is not None:
            if removed:
                tags = ", ".join(f"0x{tag:04X}" for tag in removed[:5])
                notes.warn(f"damaged EXIF tags were dropped ({tags})")
            if orientation > 4:
                block.turn_sizes()
            block.set_upright()
            block.remove_thumbnail()
            if block.blank_previews():
                notes.warn("a preview in the camera's own notes was blanked")
            if not block.entries(block.first):
                block = None
    except (ValueError, struct.error):
        notes.lose("the EXIF data are damaged and were dropped")
        block = None
    if image.format in ("JPEG", "PNG", "WEBP"):
        orientation = orientation or xmp.orientation(packet) or 1
    return block, orientation or 1


def _connect(metadata: dict, notes: Notes) -> None:
    """Updates the pointer from the XMP packet to the extended one, or removes it."""
    packet = metadata.get("xmp", b"")
    if not xmp.has_pointer(packet):
        metadata.pop("extended_xmp", None)
    elif extended := metadata.get("extended_xmp"):
        metadata["extended_xmp"] = xmp.upright(extended)
        metadata["xmp"] = xmp.pointing(packet, metadata["extended_xmp"])
    else:
        metadata["xmp"] = xmp.without_pointer(packet)
        notes.warn("the extended XMP data are not in the file")


def _stored_exif(image: Image.Image) -> bytes:
    stored = image.info.get("exif", b"")
    if not stored and (text := image.info.get("Raw profile type exif")):
        stored = bytes.fromhex("".join(str(text).split("\n")[3:]))
    return stored if isinstance(stored, bytes) else b""


def _read_tiff(
    image: TiffImageFile, metadata: dict, is_turned: bool, notes: Notes
) -> None:
    tags = image.tag_v2
    stored = tags.get(PHOTOSHOP, b"")
    stored = stored if isinstance(stored, bytes) else b""
    stored, lost_paths = kept_resources(stored, is_turned)
    if lost_paths:
        notes.lose("the clipping paths were dropped: the picture was turned")
    iptc = tags.get(CAPTIONS, b"")
    if isinstance(iptc, tuple):  # as numbers of four bytes, in the file's order
        code = f"{'<' if tags.prefix == b'II' else '>'}{len(iptc)}L"
        iptc = struct.pack(code, *iptc)
    if iptc and captions(stored) is None:
        stored += resource(0x0404, bytes(iptc))
    if stored:
        metadata["photoshop"] = stored
    for what in dict.fromkeys(v for tag, v in _LOST_OF_TIFF.items() if tag in tags):
        notes.lose(f"{what} dropped")


def _read_bmp(data: bytes, metadata: dict, notes: Notes) -> None:
    """What a BMP file says in its longer headers, of which Pillow reads the size."""
    size, bits = (int.from_bytes(data[at : at + n], "little") for at, n in _BMP_PLACES)
    if size >= 56 and bits == 16 and any(data[66:70]):
        notes.lose("the transparency of a BMP of 16 bits was dropped")
    if size >= 124 and data[70:74] == b"DEBM":
        start, length = struct.unpack_from("<LL", data, 126)
        metadata["icc_profile"] = data[14 + start : 14 + start + length]
    elif size >= 124 and data[70:74] == b"KNIL":
        notes.lose("the colour profile is in another file and was dropped")


def _lost_of_png(chunks: list[tuple[bytes, bytes]], format: str) -> list[str]:
    """What the chunks of a PNG say that another format does not, a sentence each."""
    found = dict(chunks)
    lost = []
    if any(kind not in COLOUR_CHUNKS for kind, _ in chunks):
        lost.append(f"the texts of the PNG: not kept in {format}")
    if found.get(b"cICP", _SRGB_CICP[0]) not in _SRGB_CICP:
        lost.append(f"the colour space (cICP): not kept in {format}")
    elif b"cICP" not in found and _is_calibrated(found):
        lost.append(f"the gamma and primaries (gAMA, cHRM): not kept in {format}")
    return lost


def _is_calibrated(chunks: dict[bytes, bytes]) -> bool:
    """Whether gAMA and cHRM say that the colours are not those of sRGB."""
    for kind, expected in ((b"gAMA", (_SRGB_GAMMA,)), (b"cHRM", _SRGB_PRIMARIES)):
        body = chunks.get(kind, b"")
        stored = struct.unpack(f">{len(body) // 4}L", body[: len(body) // 4 * 4])
        if any(abs(a / 1e5 - b) > 1e-3 for a, b in zip(stored, expected, strict=False)):
            return True
    return False


def _describe(metadata: dict, comment: bytes) -> bool:
    """Writes a comment as the description of a TIFF file; whether there was none."""
    exif = metadata.get("exif")
    block = ExifBlock(exif) if exif else new_block()
    if block.find(IMAGE_DESCRIPTION) is not None:
        return block.text(IMAGE_DESCRIPTION) == comment.decode("utf-8", "replace")
    block.set_bytes(IMAGE_DESCRIPTION, comment.rstrip(b"\0") + b"\0")
    metadata["exif"] = block.tobytes()
    return True


def _fit_into_jpeg(metadata: dict, lost: list[str]) -> None:
    """Drops what is too long for JPEG; Pillow would fail, or truncate numbers."""
    for key, what in (("exif", "EXIF"), ("comment", "comment")):
        if len(metadata.get(key, b"")) > MAX_BODY:
            del metadata[key]
            lost.append(f"the {what} data are too long for JPEG: dropped")
    packet = metadata.get("xmp", b"")
    if len(packet) > _MAX_JPEG_XMP:
        try:
            metadata["xmp"], metadata["extended_xmp"] = xmp.divided(
                packet, _MAX_JPEG_XMP
            )
        except ValueError:
            del metadata["xmp"]
            lost.append("the XMP data are too long for JPEG: dropped")
    if max(metadata.get("dpi", (0,))) > _MAX_JPEG_DPI:
        del metadata["dpi"]
        lost.append("the resolution is too high for JPEG: dropped")


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
    except Exception:  # Pillow raises many kinds of errors on broken profiles
        return None
