"""XMP packets, edited in place: all other bytes stay unchanged."""

import hashlib
import io
import re
import xml.etree.ElementTree as ET

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DESCRIPTION = f"{{{_RDF}}}Description"
_NOTE = "http://ns.adobe.com/xmp/note/"
_CAMERA = b"http://ns.google.com/photos/1.0/camera/"
_CONTAINER = b"http://ns.google.com/photos/1.0/container/"
_ITEM = b"http://ns.google.com/photos/1.0/container/item/"
_GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/1.0/"
_REGIONS = [
    (b"http://www.metadataworkinggroup.com/schemas/regions/", b"mwg-rs", b"Regions"),
    (b"http://ns.microsoft.com/photo/1.2/", b"MP", b"RegionInfo"),
]
_ORIENTATION = re.compile(
    rb"(tiff:Orientation\s*=\s*[\"']|<tiff:Orientation>\s*)([0-9]+)"
)
_MAX_LENGTH, _MAX_MOVED = 16_000_000, 100  # ours: bytes of a packet, properties
_POINTER = re.compile(rb"\s(\w+):HasExtendedXMP\s*=\s*[\"'][^\"'<>]{0,64}[\"']")


def orientation(xmp: bytes) -> int | None:
    """The orientation of the pixels as stored, 1 to 8, if a packet says it."""
    match = _ORIENTATION.search(xmp)
    value = int(match[2][:9]) if match else 0
    return value if 1 <= value <= 8 else None


def upright(xmp: bytes) -> bytes:
    """The packet with orientation 1 and without thumbnails."""
    xmp = _ORIENTATION.sub(rb"\g<1>1", xmp)
    for prefix in (b"xmp", b"xap"):
        xmp = _without_elements(xmp, prefix + b":Thumbnails")
    return xmp


def has_gain_map(xmp: bytes) -> bool:
    """Whether a packet says that a gain map follows the picture (Ultra HDR)."""
    return bool(re.search(rb"\b%b:Version\b" % _prefix(xmp, _GAIN_MAP, b"hdrgm"), xmp))


def film_length(xmp: bytes) -> int:
    """Length of the film at the end of the file (motion photo), bytes; 0 for none."""
    camera = _prefix(xmp, _CAMERA, b"GCamera")
    if match := re.search(rb"\b%b:MicroVideoOffset\D{1,3}(\d{1,12})" % camera, xmp):
        return int(match[1])
    item = _prefix(xmp, _ITEM, b"Item")
    for tag in re.findall(rb"<[^<>]{1,2000}>", xmp):
        if re.search(rb"\b%b:Semantic\W{1,3}MotionPhoto\b" % item, tag):
            length = re.search(rb"\b%b:Length\W{1,3}(\d{1,12})" % item, tag)
            return int(length[1]) if length else 0
    return 0


def without_gain_map(xmp: bytes) -> bytes:
    """The packet without its description of a gain map or other pictures."""
    xmp = _without_names(xmp, _prefix(xmp, _GAIN_MAP, b"hdrgm"), rb"\w+")
    item = _prefix(xmp, _ITEM, b"Item")
    is_item = re.compile(rb"\b%b:Semantic\b" % item)
    is_kept = re.compile(rb"\b%b:Semantic\W{1,3}(Primary|MotionPhoto)\b" % item)
    return _without_elements(
        xmp, b"rdf:li", lambda li: bool(is_item.search(li) and not is_kept.search(li))
    )


def without_film(xmp: bytes) -> bytes:
    """The packet without its description of any data after the picture."""
    camera = _prefix(xmp, _CAMERA, b"GCamera")
    xmp = _without_names(xmp, camera, rb"(?:MotionPhoto|MicroVideo)\w*")
    container = _prefix(xmp, _CONTAINER, b"Container")
    xmp = _without_names(xmp, container, b"Directory")
    return _without_names(xmp, _prefix(xmp, _GAIN_MAP, b"hdrgm"), rb"\w+")


def without_regions(xmp: bytes) -> bytes:
    """A packet without the places of faces in the picture."""
    for uri, usual, name in _REGIONS:
        xmp = _without_names(xmp, _prefix(xmp, uri, usual), name)
    return xmp


def without_sizes(xmp: bytes) -> bytes:
    """A packet without the width and height of the picture."""
    xmp = _without_names(xmp, b"tiff", rb"Image(?:Width|Length)")
    return _without_names(xmp, b"exif", rb"Pixel[XY]Dimension")


def of_another_length(xmp: bytes) -> bytes:
    """The packet with 0, for unknown, as the length of the picture itself."""
    item = _prefix(xmp, _ITEM, b"Item")

    def zeroed(tag: re.Match) -> bytes:
        if not re.search(rb"\b%b:Semantic\W{1,3}Primary\b" % item, tag[0]):
            return tag[0]
        return re.sub(rb"(\b%b:Length\W{1,3})\d+" % item, rb"\g<1>0", tag[0])

    return re.sub(rb"<[^<>]{1,2000}>", zeroed, xmp)


def has_pointer(xmp: bytes) -> bool:
    """Whether a packet points to an extended one."""
    return bool(_POINTER.search(xmp))


def without_pointer(xmp: bytes) -> bytes:
    """A packet without the pointer to an extended one."""
    return _POINTER.sub(b"", xmp)


def merged(xmp: bytes, extended: bytes) -> bytes:
    """One packet of the two into which JPEG files divide a long one.

    Raises:
        ValueError: One of them cannot be read.
    """
    main, more = _parsed(xmp), _parsed(extended)
    for element in main.iter(_DESCRIPTION):
        element.attrib.pop(f"{{{_NOTE}}}HasExtendedXMP", None)
    _rdf(main).extend(_rdf(more))
    return _serialized(main)


def digest(extended: bytes) -> str:
    """The name by which a packet points to an extended one."""
    return hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()


def pointing(xmp: bytes, extended: bytes) -> bytes:
    """A packet whose pointer, if it has one, leads to an extended one."""
    return _POINTER.sub(
        rb' \g<1>:HasExtendedXMP="' + digest(extended).encode() + b'"', xmp
    )


def divided(xmp: bytes, room: int) -> tuple[bytes, bytes]:
    """A long packet as JPEG files hold it: (packet, extended packet).

    Args:
        xmp: The packet.
        room: Bytes for the first; the longest properties go to the second.

    Raises:
        ValueError: It cannot be read, or does not fit.
    """
    main = _parsed(xmp)
    extended = ET.Element(main.tag)
    about = {_tag("about"): ""}
    target = ET.SubElement(ET.SubElement(extended, _tag("RDF")), _DESCRIPTION, about)
    movable: list[tuple[int, ET.Element, ET.Element | str]] = []
    for description in _rdf(main).findall(_DESCRIPTION):
        movable += [(len(ET.tostring(e)), description, e) for e in description]
        movable += [
            (len(v), description, k)
            for k, v in description.items()
            if not k.startswith(f"{{{_RDF}}}")
        ]
    note = ET.SubElement(_rdf(main), _DESCRIPTION, about)
    note.set(f"{{{_NOTE}}}HasExtendedXMP", "0" * 32)
    longest = sorted(movable, key=lambda part: -part[0])[:_MAX_MOVED]
    while longest and len(_serialized(main)) > room:
        _, description, part = longest.pop(0)
        if isinstance(part, str):
            target.set(part, description.attrib.pop(part))
        else:
            description.remove(part)
            target.append(part)
    if len(_serialized(main)) > room:
        raise ValueError("the XMP data are too long")
    second = _serialized(extended)
    note.set(f"{{{_NOTE}}}HasExtendedXMP", digest(second))
    return _serialized(main), second


def _tag(name: str) -> str:
    return f"{{{_RDF}}}{name}"


def _parsed(xmp: bytes) -> ET.Element:
    if len(xmp) > _MAX_LENGTH:
        raise ValueError("XMP that is too long to be read")
    text = xmp.strip(b"\0 \t\r\n\xef\xbb\xbf")
    try:
        for _, (prefix, uri) in ET.iterparse(io.BytesIO(text), ["start-ns"]):
            if not re.fullmatch(r"ns\d+|xml.*", prefix):
                ET.register_namespace(prefix, uri)
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        raise ValueError(f"XMP that is not XML ({error})") from error
    _rdf(root)
    return root


def _rdf(root: ET.Element) -> ET.Element:
    found = root if root.tag == _tag("RDF") else root.find(_tag("RDF"))
    if found is None:
        raise ValueError("XMP without RDF")
    return found


def _serialized(root: ET.Element) -> bytes:
    return ET.tostring(root, encoding="utf-8")


def _prefix(xmp: bytes, uri: bytes, usual: bytes) -> bytes:
    """The prefix that a packet gives a namespace, ready for a pattern."""
    match = re.search(rb"xmlns:([\w.-]{1,64})\s*=\s*[\"']%b[\"']" % re.escape(uri), xmp)
    return re.escape(match[1]) if match else usual


def _without_names(xmp: bytes, prefix: bytes, names: bytes) -> bytes:
    """A packet without the attributes and elements of such names."""
    xmp = re.sub(rb"\s%b:%b\s*=\s*(\"[^\"<]*\"|'[^'<]*')" % (prefix, names), b"", xmp)
    for name in set(re.findall(rb"<(%b:%b)[\s>]" % (prefix, names), xmp)):
        xmp = _without_elements(xmp, name)
    return xmp


def _without_elements(xmp: bytes, name: bytes, is_unwanted=lambda _: True) -> bytes:
    """A packet without the elements of a name; one pass, whatever they hold."""
    start = re.compile(rb"<%b(?=[\s/>])" % re.escape(name))
    closing = b"</" + name
    kept, place = [], 0
    while match := start.search(xmp, place):
        opened = xmp.find(b">", match.end())
        if opened < 0:
            break
        end = opened + 1
        if xmp[opened - 1 : opened] != b"/":
            at = xmp.find(closing, end)
            end = xmp.find(b">", at) + 1 if at >= 0 else 0
        if not end:
            break
        unwanted = is_unwanted(xmp[match.start() : end])
        kept.append(xmp[place : match.start() if unwanted else end])
        place = end
    return b"".join([*kept, xmp[place:]])
