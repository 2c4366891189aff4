"""JPEG: luma and the codec, headers, damage, and what a file allows.

The functions of the codec can be called from here: `jpeg.compress`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dual_prior.jpeg.codec import (
        compress,
        compress_colour,
        decode,
        decode_colour,
        encode,
        encode_colour,
        luma,
        quantization_table,
    )

__all__ = [
    "compress",
    "compress_colour",
    "decode",
    "decode_colour",
    "encode",
    "encode_colour",
    "luma",
    "quantization_table",
]


def __getattr__(name: str):
    # On first use: reading a header does not need OpenCV.
    if name in __all__:
        from dual_prior.jpeg import codec

        return getattr(codec, name)
    raise AttributeError(f"module 'dual_prior.jpeg' has no attribute {name!r}")
