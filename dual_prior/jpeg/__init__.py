"""JPEG: luma and the codec, headers, damage, and what a file allows.

The codec's names stand here too, so that `jpeg.compress` reads as what it is.
"""

from dual_prior.jpeg.codec import (
    compress,
    compress_colour,
    decode,
    encode,
    luma,
    quantization_table,
)

__all__ = [
    "compress",
    "compress_colour",
    "decode",
    "encode",
    "luma",
    "quantization_table",
]
