"""The formats that are read and written, by the suffixes of their names."""

from importlib.util import find_spec

# What a search through a folder takes for pictures, besides what begins as JPEGs do;
# files named by the user may be called anything.
PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp")
)
# The same, where a package that reads them is installed.
_OPTIONAL = {
    "PIL._avif": (".avif",),
    "pillow_heif": (".heic", ".heif"),
    "pillow_jxl": (".jxl",),
}
READABLE_SUFFIXES = PICTURE_SUFFIXES.union(
    *(found for package, found in _OPTIONAL.items() if find_spec(package))
)

# Of results, by their format.
SUFFIXES = {"png": ".png", "webp": ".webp", "tiff": ".tif", "jpeg": ".jpg"}


_FORMATS = {
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
}


FORMATS = frozenset(_FORMATS.values())


def output_format(suffix: str) -> str:
    """The format "png", "webp", "tiff" or "jpeg" of a suffix, as ".PNG".

    Raises:
        ValueError: No format that is written has this suffix.
    """
    try:
        return _FORMATS[suffix.lower()]
    except KeyError:
        known = ", ".join(_FORMATS)
        raise ValueError(f"Expected a suffix of {known}, got {suffix!r}.") from None
