"""The formats that are read and written, by the suffixes of their names."""

from importlib.util import find_spec

# A search through a folder finds files with these suffixes, and all that begin like
# JPEGs. Files named by the user may have any name.
PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp")
)
# Found as well, if the package that reads them is installed.
_OPTIONAL = {
    "PIL._avif": (".avif",),
    "pillow_heif": (".heic", ".heif"),
    "pillow_jxl": (".jxl",),
}
KNOWN_SUFFIXES = PICTURE_SUFFIXES.union(*_OPTIONAL.values())
READABLE_SUFFIXES = PICTURE_SUFFIXES.union(
    *(found for package, found in _OPTIONAL.items() if find_spec(package))
)

# Of results, by their format.
SUFFIXES = {
    "png": ".png",
    "webp": ".webp",
    "tiff": ".tif",
    "jpeg": ".jpg",
    "avif": ".avif",
    "jxl": ".jxl",
}
# Those that a quality makes smaller, at the cost of exact pixels.
LOSSY = frozenset(("jpeg", "webp", "avif", "jxl"))
# Those whose chroma may be of half the size.
SUBSAMPLED = frozenset(("jpeg", "avif"))

_FORMATS = {
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".avif": "avif",
    ".jxl": "jxl",
}


def output_format(suffix: str) -> str:
    """The format, a key of `SUFFIXES`, of a suffix, as ".PNG".

    Raises:
        ValueError: No format that can be written has this suffix.
    """
    try:
        return _FORMATS[suffix.lower()]
    except KeyError:
        known = ", ".join(_FORMATS)
        raise ValueError(f"Expected a suffix of {known}, got {suffix!r}.") from None


def missing_package(format: str) -> str | None:
    """The package to install for results of a format; None if it can be written."""
    if format == "avif" and find_spec("PIL._avif") is None:
        return "Pillow>=11.3"
    if format == "jxl" and find_spec("pillow_jxl") is None:
        return "dual-prior[jxl]"
    return None
